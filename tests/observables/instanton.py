"""Links of an SU(2) instanton, from the continuum solution in singular gauge."""

import numpy as np

PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
PARTS = 6
"""Pieces into which a link's path is cut."""


def symbol(orientation: int) -> np.ndarray:
    """'t Hooft's eta of one orientation, (3, 4, 4)."""
    out = np.zeros((3, 4, 4))
    for a in range(3):
        b, c = (a + 1) % 3, (a + 2) % 3
        out[a, b, c], out[a, c, b] = 1, -1
        out[a, 3, a], out[a, a, 3] = orientation, -orientation
    return out


def instanton(extent: int, radius: float, orientation: int = 1) -> np.ndarray:
    """Path-ordered links (1, t, z, y, x, mu, 2, 2) of A^a_mu = 2 eta^a_{mu nu} x_nu rho^2 / x^2 (x^2 + rho^2).

    The centre lies between sites. At the boundary, where the field should be periodic, A is of order rho^2 / extent^3.
    """
    x = np.stack(np.meshgrid(*[np.arange(extent)] * 4, indexing="ij")[::-1], -1) - (extent - 1) / 2
    out = np.empty((1, *[extent] * 4, 4, 2, 2), complex)
    for mu in range(4):
        link = np.eye(2, dtype=complex)
        for part in range(PARTS):
            y = x.copy()
            y[..., mu] += (part + 0.5) / PARTS
            squared = (y**2).sum(-1)
            potential = (
                2 * y @ symbol(orientation)[:, mu].T * (radius**2 / (squared * (squared + radius**2)))[..., None]
            )
            vector = -potential / (2 * PARTS)
            length = np.sqrt((vector**2).sum(-1))[..., None, None]
            turn = np.einsum("...a,aij->...ij", vector, PAULI)
            link = link @ (np.cos(length) * np.eye(2) + 1j * np.sinc(length / np.pi) * turn)
        out[0, ..., mu, :, :] = link
    return out
