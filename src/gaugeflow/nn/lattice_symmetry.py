"""Translations, reflections and rotations of the lattice, acting on links, adjoint fields and invariants.

Channels are scalars: W'_c(x) = W_c(R^-1 x). A plaquette, which begins at a corner of its square, is not one; the sum of
the four that touch x in a plane, or the mean of the traces over the lattice, is.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from gaugeflow.nn.fields import MATRIX_AXES, shifted
from gaugeflow.nn.matrices import dagger
from gaugeflow.nn.transformation import Kind


def _trailing(kind: Kind) -> int:
    return 0 if kind is Kind.INVARIANT else MATRIX_AXES


def site_axes(field: Tensor, kind: Kind) -> int:
    """Number of lattice axes of a field; 0 for invariants averaged over the lattice."""
    return field.ndim - 2 - _trailing(kind)


def translated(field: Tensor, kind: Kind, steps: Sequence[int]) -> Tensor:
    """field'(x) = field(x - steps), steps in the order of the directions mu."""
    if not site_axes(field, kind):
        return field
    return shifted(field, [-step for step in steps], _trailing(kind))


def reflected(field: Tensor, kind: Kind, mu: int) -> Tensor:
    """The field seen in a mirror through the site 0: x_mu -> -x_mu on the torus.

    U'_mu(x) = U_mu(R x - mu)^dagger, the other directions and fields at sites are read at R x.
    """
    ndim = site_axes(field, kind)
    if not ndim:
        return field
    axis = -1 - _trailing(kind) - mu
    if kind is Kind.LINKS:
        back = dagger(shifted(field[:, mu], [-int(nu == mu) for nu in range(ndim)]))
        field = torch.stack([back if nu == mu else field[:, nu] for nu in range(ndim)], 1)
    return torch.roll(field.flip(axis), 1, axis)


def exchanged(field: Tensor, kind: Kind, mu: int, nu: int) -> Tensor:
    """The field with the directions mu and nu exchanged."""
    if not site_axes(field, kind):
        return field
    trailing = _trailing(kind)
    out = field.transpose(-1 - trailing - mu, -1 - trailing - nu)
    if kind is not Kind.LINKS:
        return out
    order = list(range(field.shape[1]))
    order[mu], order[nu] = nu, mu
    return out[:, order]


def rotated(field: Tensor, kind: Kind, mu: int, nu: int) -> Tensor:
    """The field turned by 90 degrees in a plane about the site 0, e_mu -> e_nu and e_nu -> -e_mu."""
    return reflected(exchanged(field, kind, mu, nu), kind, mu)
