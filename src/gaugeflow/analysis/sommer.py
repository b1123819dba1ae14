"""Sommer scale r0 from the static force, tree-level improved distances, and what others found for pure SU(3).

r^2 F(r) = 1.65 at r = r0,   F = dV/dr                                         hep-lat/9310022
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from scipy import integrate, special

from gaugeflow.errors import ConfigError

SOMMER = 1.65
"""r^2 F(r) at r0."""

NECCO_SOMMER = (-1.6804, -1.7331, 0.7849, -0.4428)
"""ln(a / r0) = sum_k c_k (beta - 6)^k, pure SU(3), Wilson action, 5.7 <= beta <= 6.92; hep-lat/0108008."""

NECCO_SOMMER_RANGE = (5.7, 6.92)


def necco_sommer_r0(beta: float) -> float:
    """r0 / a of pure SU(3) with the Wilson action; good to 0.5 % at beta = 5.7 and 1 % at 6.92.

    Raises ConfigError outside 5.7 <= beta <= 6.92
    """
    low, high = NECCO_SOMMER_RANGE
    if not low <= beta <= high:
        raise ConfigError(f"r0 / a of Necco and Sommer: beta {beta:g}, wanted {low:g} <= beta <= {high:g}")
    return math.exp(-sum(c * (beta - 6) ** power for power, c in enumerate(NECCO_SOMMER)))


def string_force(r: float, r0: float, ndim: int = 4) -> float:
    """F(r) = sigma + pi (D - 2) / (24 r^2), sigma such that r0^2 F(r0) = 1.65: the bosonic string to lowest order.

    r and r0 in one unit. In SU(3) the force deviates from it by a few per cent at r0 / 2 and less at r0.
    """
    coulomb = math.pi * (ndim - 2) / 24
    return (SOMMER - coulomb) / r0**2 + coulomb / r**2


def r0_of_cornell(sigma: float, alpha: float) -> float:
    """r0 = sqrt((1.65 - alpha) / sigma) of V0 + sigma r - alpha / r; NaN where there is no root."""
    square = (SOMMER - alpha) / sigma if sigma else math.nan
    return math.sqrt(square) if square > 0 else math.nan


def r0_of_forces(distances: np.ndarray, forces: np.ndarray) -> float:
    """r0 from F(r) = f0 + f1 / r^2 through the two neighbouring forces between which r^2 F passes 1.65; NaN if none do.

    distances, forces   (k,), rising distances
    """
    reduced = distances**2 * forces
    above = np.flatnonzero((reduced[1:] >= SOMMER) & (reduced[:-1] < SOMMER))
    if not len(above):
        return math.nan
    left = int(above[0])
    (r1, r2), (f1, f2) = distances[left : left + 2], forces[left : left + 2]
    coulomb = (f1 - f2) / (1 / r1**2 - 1 / r2**2)
    return r0_of_cornell(f1 - coulomb / r1**2, coulomb)


def midpoint(r: int) -> float:
    """Distance that belongs to V(r) - V(r - 1): r - 1/2."""
    return r - 0.5


@cache
def improved_distance(r: int) -> float:
    """Distance r_I of V(r) - V(r - 1) at which the tree-level force of the lattice is that of the continuum, 3 + 1 D.

    1 / r_I^2 = 4 pi (G(r - 1) - G(r))                                          hep-lat/0108008
    """
    return 1 / math.sqrt(4 * math.pi * (coulomb_propagator(r - 1) - coulomb_propagator(r)))


@cache
def coulomb_propagator(r: int) -> float:
    """G(r) of the lattice Laplacian in three dimensions at (r, 0, 0).

    G(r) = int d^3k / (2 pi)^3 cos(k_1 r) / (4 sum_j sin^2(k_j / 2)) = int_0^inf dt e^(-6t) I_r(2t) I_0(2t)^2
    """

    def along_axis(t: float) -> float:
        return float(special.ive(r, 2 * t) * special.ive(0, 2 * t) ** 2)

    near, _ = integrate.quad(along_axis, 0, 50, epsabs=1e-13, limit=400)
    far, _ = integrate.quad(lambda u: 2 * along_axis(1 / u**2) / u**3, 0, 1 / math.sqrt(50), epsabs=1e-13, limit=400)
    return near + far
