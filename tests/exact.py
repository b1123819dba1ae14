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


def u1_susceptibility(beta: float, volume: int) -> float:
    """U(1): chi_Q = -(1/V) d^2 ln Z / d theta^2 at 0, Z(theta) = sum_n z_{n + theta / 2 pi}^V.

    z_nu = (1/pi) int_0^pi exp(beta cos a) cos(nu a) da, which is not the Bessel function of real order.
    """
    total, second = 0.0, 0.0
    for charge in range(-20, 21):
        z, slope, curvature = (_u1_moment(beta, charge, order) for order in range(3))
        total += z**volume
        second += volume * z ** (volume - 1) * curvature + volume * (volume - 1) * z ** (volume - 2) * slope**2
    return -second / total / volume / (4 * math.pi**2)


@cache
def _u1_moment(beta: float, charge: int, order: int) -> float:
    """d^order z_nu / d nu^order at nu = charge, over exp(beta); Gauss-Legendre on 200 points."""
    nodes, weights = _gauss_legendre()
    a = (nodes + 1) * math.pi / 2
    kernel = (np.cos(charge * a), -a * np.sin(charge * a), -(a**2) * np.cos(charge * a))[order]
    return float(np.sum(weights * np.exp(beta * (np.cos(a) - 1)) * kernel) / 2)


@cache
def _gauss_legendre() -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(200)


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


AREAS = {"plaquette": 1, "W(1)": 1, "W(2)": 2, "W(4)": 4}
"""Wilson loops of the studies by area."""


def study_value(group: str, extents: tuple[int, ...], beta: float, observable: str) -> float:
    """Exact value of an observable as the 2D studies name it.

    Raises KeyError for an observable without closed form
    """
    if observable == "exp(-dH)":
        return 1.0
    if observable in ("hot-cold", "Q"):
        return 0.0
    volume = math.prod(extents)
    if observable == "chi_Q":
        return {"U1": u1_susceptibility}[group](beta, volume)
    return loop(group, beta, volume, AREAS[observable])
