"""Closed forms that the studies stand against; two-dimensional gauge theories on a torus of V plaquettes.

Characters of the one-plaquette weight give every loop in 2D (Migdal, Rusakov): w(U) = sum_r d_r z_r chi_r(U),

    Z    = sum_r z_r^V
    W(A) = (1/Z) sum_r z_r^(V-A) sum_r' N_{rR}^r' d_r' / (d_r d_R) z_r'^A                   contractible loop of area A

Bessel functions are scaled by exp(-x), which drops out of all ratios.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from itertools import combinations, combinations_with_replacement

import numpy as np
from scipy.special import ive

from gaugeflow.conventions import gauge_group

REPRESENTATIONS = 60
"""Charges |n| <= 60 (U(1)), dimensions up to 60 (SU(2)): the rest is below 1e-30 for beta <= 12."""

LONGEST_ROW, LARGEST_CHARGE = 14, 10
"""Rows of the Young tableaux of SU(N) below 14 boxes, of U(N) up to 10 either way."""


LARGEST_PAIR = 30
"""Charges |q| and dimensions of U(2) up to 30 where they are counted so: below 1e-16 for beta <= 12."""


def loop(group: str, beta: float, volume: int, area: int) -> float:
    """<Re tr W / N> of a contractible loop of `area` plaquettes; area 1 is the plaquette."""
    if group in ("U1", "SU2"):
        return {"U1": u1_loop, "SU2": su2_loop}[group](beta, volume, area)
    found = gauge_group(group)
    return unitary_loop(found.n, found.special, beta, volume, area)


def u1_loop(beta: float, volume: int, area: int) -> float:
    """U(1), weight exp(beta cos theta): sum_n I_n^(V-A) (I_{n+1}^A + I_{n-1}^A) / 2 / sum_n I_n^V."""
    charges = np.arange(-REPRESENTATIONS, REPRESENTATIONS + 1)
    z = ive(charges, beta) / ive(0, beta)
    up, down = (ive(charges + step, beta) / ive(0, beta) for step in (1, -1))
    return float(np.sum(z ** (volume - area) * 0.5 * (up**area + down**area)) / np.sum(z**volume))


def susceptibility(group: str, beta: float, volume: int) -> float:
    """U(1), U(2): chi_Q = -(1/V) d^2 ln Z / d theta^2 at 0, from Z(theta) = sum_r z_r(theta)^V.

    z_r(theta) is the coefficient of the weight times exp(i theta q), q = arg det U_p / 2 pi in (-1/2, 1/2]; for U(1) it
    is not the Bessel function of real order.
    """
    z, slope, curvature = (theta_moments(group, beta, order) for order in range(3))
    scale = abs(z).max()
    z, slope, curvature = z / scale, slope / scale, curvature / scale
    second = volume * z ** (volume - 1) * curvature + volume * (volume - 1) * z ** (volume - 2) * slope**2
    return float(-np.sum(second) / np.sum(z**volume) / volume)


def charge_distribution(group: str, beta: float, volume: int, largest: int) -> np.ndarray:
    """U(1), U(2): P(Q) for |Q| <= largest, P(Q) = int dtheta exp(-i theta Q) Z(theta) / (2 pi Z(0))."""
    angles = 2 * np.pi * np.arange(64) / 64  # charges beyond 32 would fold back
    scale = abs(_theta_integral(group, beta, 0.0, 0)).max()
    free = np.array([np.sum((_theta_integral(group, beta, theta, 0) / scale) ** volume) for theta in angles])
    charges = np.arange(-largest, largest + 1)
    return np.cos(np.outer(charges, angles)) @ free.real / (len(angles) * free[0].real)


@cache
def theta_moments(group: str, beta: float, order: int) -> np.ndarray:
    """d^order z_r / dtheta^order at theta = 0 of every representation, over exp(beta)."""
    return _theta_integral(group, beta, 0.0, order).real


def _theta_integral(group: str, beta: float, theta: float, order: int) -> np.ndarray:
    """int (i q)^order exp(i theta q) w chi_r^* / d_r: over one angle after the SU(2) part of U(2) is integrated."""
    nodes, weights = _gauss_legendre()
    q = nodes / 2  # arg det / 2 pi
    twist = (1j * q) ** order * np.exp(1j * theta * q) * weights / 2
    if group == "U1":
        charges = np.arange(-REPRESENTATIONS, REPRESENTATIONS + 1)
        return np.exp(-2j * np.pi * np.outer(charges, q)) @ (twist * np.exp(beta * (np.cos(2 * np.pi * q) - 1)))
    charges, dimensions = np.arange(-LARGEST_PAIR, LARGEST_PAIR + 1), np.arange(1, LARGEST_PAIR + 1)
    strength = beta * np.cos(np.pi * q)  # the determinant's angle is twice that of the phase
    su2 = 2 * ive(dimensions[:, None], strength) / strength * np.exp(strength - beta)
    integral = (np.exp(-1j * np.pi * np.outer(charges, q)) * twist) @ su2.T
    return integral[(charges[:, None] + dimensions) % 2 == 1]


def u2_representations() -> tuple[np.ndarray, np.ndarray]:
    """Charge and dimension of representations of U(2), one of them odd."""
    pair = np.meshgrid(np.arange(-LARGEST_PAIR, LARGEST_PAIR + 1), np.arange(1, LARGEST_PAIR + 1), indexing="ij")
    odd = sum(pair) % 2 == 1
    return pair[0][odd], pair[1][odd]


@cache
def _gauss_legendre() -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(400)


def spectrum(group: str, beta: float) -> dict[tuple[int, int], float]:
    """z_r / z_1 of U(1), SU(2), U(2) by (charge, dimension); U(1) has dimension 1, SU(2) charge 0."""
    if group == "U1":
        return {(n, 1): float(ive(n, beta) / ive(0, beta)) for n in range(-REPRESENTATIONS, REPRESENTATIONS + 1)}
    if group == "SU2":
        return {(0, d): float(ive(d, beta) / ive(1, beta)) for d in range(1, REPRESENTATIONS + 1)}
    found = {}
    for q, d in zip(*(list(map(int, axis)) for axis in u2_representations()), strict=True):
        rows = ((q + d - 1) // 2, (q - d + 1) // 2)
        found[q, d] = character_ratio(2, False, beta, rows) / character_ratio(2, False, beta, (0, 0))
    return found


def _with_fundamental(group: str, charge: int, dimension: int) -> list[tuple[int, int]]:
    """Representations in the product with the fundamental one, by (charge, dimension)."""
    if group == "U1":
        return [(charge + 1, 1)]
    step = 0 if group == "SU2" else 1
    return [(charge + step, d) for d in (dimension + 1, dimension - 1) if d > 0]


def polyakov_correlator(group: str, beta: float, extents: tuple[int, int], distance: int) -> float:
    """<tr P(0) tr P(r)^dagger> / N^2 of lines along t: sum over r' in r x fundamental of z_r^(V-A) z_r'^A / Z."""
    z, volume, area = spectrum(group, beta), math.prod(extents), distance * extents[1]
    total = sum(value**volume for value in z.values())
    pairs = ((value, z.get(other, 0.0)) for r, value in z.items() for other in _with_fundamental(group, *r))
    n = gauge_group(group).n
    return sum(a ** (volume - area) * b**area for a, b in pairs) / total / n**2


def plaquette_pair(group: str, beta: float, volume: int) -> float:
    """<p p'> of two different plaquettes p = Re tr U_p / N, anywhere: sum_r z_r^(V-2) y_r^2 / Z, y = dz / dbeta."""
    z, n = spectrum(group, beta), gauge_group(group).n

    def y(charge: int, dimension: int) -> float:
        up = _with_fundamental(group, charge, dimension)
        down = [(-q, d) for q, d in _with_fundamental(group, -charge, dimension)]
        return sum(z.get(r, 0.0) * r[1] / dimension for r in up + down) / (2 * n)

    return sum(z[r] ** (volume - 2) * y(*r) ** 2 for r in z) / sum(value**volume for value in z.values())


def su2_loop(beta: float, volume: int, area: int) -> float:
    """SU(2), weight exp(beta tr U / 2): z_n = 2 I_n(beta) / beta for dimension n = 1, 2, ..."""
    n = np.arange(1, REPRESENTATIONS + 1)
    z, up, down = (ive(n + step, beta) / ive(1, beta) for step in (0, 1, -1))
    neighbours = (n + 1) / n * up**area + (n - 1) / n * down**area
    return float(np.sum(z ** (volume - area) * 0.5 * neighbours) / np.sum(z**volume))


def unitary_loop(n: int, special: bool, beta: float, volume: int, area: int) -> float:
    """U(N) or SU(N), weight exp(beta Re tr U / N); times the fundamental a representation gets one more box."""
    trivial = character_ratio(n, special, beta, (0,) * n)
    total, value = 0.0, 0.0
    for rows in representations(n, special):
        z = character_ratio(n, special, beta, rows) / trivial
        total += z**volume
        for bigger in _with_one_box(rows, special):
            ratio = _dimension(bigger) / (n * _dimension(rows))
            value += z ** (volume - area) * ratio * (character_ratio(n, special, beta, bigger) / trivial) ** area
    return value / total


def determinant_loop(n: int, beta: float, volume: int) -> float:
    """U(N): <Re det U_p> = sum_r z_r^(V-1) z_{r'} / Z, r' with one more box in every row."""
    trivial = character_ratio(n, False, beta, (0,) * n)
    rows = list(representations(n, False))
    z = np.array([character_ratio(n, False, beta, row) for row in rows]) / trivial
    shifted = np.array([character_ratio(n, False, beta, tuple(r + 1 for r in row)) for row in rows]) / trivial
    return float(np.sum(z ** (volume - 1) * shifted) / np.sum(z**volume))


def representations(n: int, special: bool) -> Iterator[tuple[int, ...]]:
    """Rows of the Young tableaux, r_1 >= .. >= r_N; for SU(N) r_N = 0, for U(N) rows may be negative."""
    if special:
        yield from ((*rows, 0) for rows in combinations_with_replacement(range(LONGEST_ROW - 1, -1, -1), n - 1))
    else:
        yield from combinations_with_replacement(range(LARGEST_CHARGE, -LARGEST_CHARGE - 1, -1), n)


def _with_one_box(rows: tuple[int, ...], special: bool) -> list[tuple[int, ...]]:
    grown = [tuple(row + (index == chosen) for index, row in enumerate(rows)) for chosen in range(len(rows))]
    allowed = [new for new in grown if list(new) == sorted(new, reverse=True)]
    return [tuple(row - new[-1] for row in new) if special else new for new in allowed]


def _dimension(rows: tuple[int, ...]) -> float:
    pairs = combinations(range(len(rows)), 2)
    return math.prod((rows[i] - rows[j] + j - i) / (j - i) for i, j in pairs)


@cache
def character_ratio(n: int, special: bool, beta: float, rows: tuple[int, ...]) -> float:
    """z_lambda = c_lambda / d_lambda, c_lambda = sum_q det I_{lambda_j - j + i + q}(beta / N); U(N): q = 0 alone."""
    i, j = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    q = np.arange(-25, 26) if special else np.zeros(1, int)
    return float(np.linalg.det(ive((np.array(rows)[j] - j + i) + q[:, None, None], beta / n)).sum()) / _dimension(rows)


AREAS = {"plaquette": 1, "plaquette(0)": 1, "W(1)": 1, "W(2)": 2, "W(4)": 4}
"""Wilson loops of the studies by area."""


def study_value(group: str, extents: tuple[int, ...], beta: float, observable: str) -> float:
    """Exact value of an observable as the 2D studies name it; plaquette(0) is extrapolated to a vanishing step.

    Raises KeyError for an observable without closed form
    """
    if observable == "exp(-dH)":
        return 1.0
    if observable in ("hot-cold", "Q"):
        return 0.0
    volume = math.prod(extents)
    if observable == "chi_Q":
        return susceptibility(group, beta, volume)
    return loop(group, beta, volume, AREAS[observable])
