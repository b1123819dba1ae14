"""Elements of U(1), SU(2) and U(2) as arrays of real components, the component axis first.

U(1)    (phase,)                  e^{i phase}
SU(2)   (q0, q1, q2, q3)          q0 + i (q1 sigma_1 + q2 sigma_2 + q3 sigma_3), q q = 1
U(2)    (phase, q0, q1, q2, q3)   e^{i phase} times that; (phase + pi, -q) is the same element
"""

import numpy as np

COMPONENTS = {"U1": 1, "SU2": 4, "U2": 5}
HAAR_UNIFORMS = {"U1": 1, "SU2": 3, "U2": 4}
"""Uniforms that a Haar-distributed element takes."""


def _quaternion_product(a, b):
    a0, a1, a2, a3 = a
    b0, b1, b2, b3 = b
    return np.stack(
        [
            a0 * b0 - a1 * b1 - a2 * b2 - a3 * b3,
            a0 * b1 + a1 * b0 - a2 * b3 + a3 * b2,
            a0 * b2 + a2 * b0 - a3 * b1 + a1 * b3,
            a0 * b3 + a3 * b0 - a1 * b2 + a2 * b1,
        ]
    )


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a b."""
    if len(a) == 1:
        return a + b
    quaternion = _quaternion_product(a[-4:], b[-4:])
    return quaternion if len(a) == 4 else np.concatenate([a[:1] + b[:1], quaternion])


def inverse(a: np.ndarray) -> np.ndarray:
    """a^-1."""
    signs = {1: [-1], 4: [1, -1, -1, -1], 5: [-1, 1, -1, -1, -1]}[len(a)]
    return a * np.reshape(signs, (-1, *[1] * (a.ndim - 1)))


def identity(components: int, shape: tuple[int, ...]) -> np.ndarray:
    """One, everywhere."""
    out = np.zeros((components, *shape))
    if components > 1:
        out[-4] = 1.0
    return out


def haar(components: int, uniforms: list[np.ndarray]) -> np.ndarray:
    """Haar-distributed elements from HAAR_UNIFORMS uniforms each: a phase, a point on the sphere S^3."""
    parts = []
    if components != 4:
        parts.append(2 * np.pi * uniforms[-1])
    if components > 1:
        height, first, second = uniforms[0], 2 * np.pi * uniforms[1], 2 * np.pi * uniforms[2]
        outer, inner = np.sqrt(height), np.sqrt(np.maximum(1 - height, 0.0))
        parts += [outer * np.cos(first), outer * np.sin(first), inner * np.cos(second), inner * np.sin(second)]
    return np.stack(parts)


def matrices(a: np.ndarray) -> np.ndarray:
    """Complex matrices (..., N, N)."""
    if len(a) == 1:
        return np.exp(1j * a[0])[..., None, None]
    q0, q1, q2, q3 = a[-4:]
    out = np.stack([q0 + 1j * q3, q2 + 1j * q1, -q2 + 1j * q1, q0 - 1j * q3], -1).reshape(*q0.shape, 2, 2)
    return out if len(a) == 4 else np.exp(1j * a[0])[..., None, None] * out
