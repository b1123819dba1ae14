"""Closed forms that the studies stand against; two-dimensional gauge theories on a torus of V plaquettes.

Characters of the one-plaquette weight give every loop in 2D (Migdal, Rusakov): w(U) = sum_r d_r z_r chi_r(U),

    Z    = sum_r z_r^V
    W(A) = (1/Z) sum_r z_r^(V-A) sum_r' N_{rR}^r' d_r' / (d_r d_R) z_r'^A                   contractible loop of area A

Bessel functions are scaled by exp(-x), which drops out of all ratios.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from scipy.special import ive

REPRESENTATIONS = 60
"""Charges |n| <= 60 (U(1)), dimensions up to 60 (SU(2)): the rest is below 1e-30 for beta <= 12."""


def loop(group: str, beta: float, volume: int, area: int) -> float:
    """<Re tr W / N> of a contractible loop of `area` plaquettes; area 1 is the plaquette."""
    return {"U1": u1_loop, "SU2": su2_loop, "SU3": su3_loop}[group](beta, volume, area)


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


def su3_loop(beta: float, volume: int, area: int) -> float:
    """SU(3), weight exp(beta Re tr U / 3); representations (l1, l2, 0), times the fundamental: one more box."""
    largest = 14
    trivial = _su3_ratio(beta, (0, 0, 0))
    total, value = 0.0, 0.0
    for first in range(largest):
        for second in range(first + 1):
            rows = (first, second, 0)
            z = _su3_ratio(beta, rows) / trivial
            total += z**volume
            for bigger in _with_one_box(rows):
                ratio = _su3_dimension(bigger) / (3 * _su3_dimension(rows))
                value += z ** (volume - area) * ratio * (_su3_ratio(beta, bigger) / trivial) ** area
    return value / total


def _with_one_box(rows: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    grown = [tuple(row + (index == chosen) for index, row in enumerate(rows)) for chosen in range(3)]
    allowed = [new for new in grown if new[0] >= new[1] >= new[2]]
    return [(new[0] - new[2], new[1] - new[2], 0) for new in allowed]


def _su3_dimension(rows: tuple[int, int, int]) -> float:
    return (rows[0] - rows[1] + 1) * (rows[1] + 1) * (rows[0] + 2) / 2


@cache
def _su3_ratio(beta: float, rows: tuple[int, int, int]) -> float:
    """z_lambda = c_lambda / d_lambda, c_lambda = sum_q det I_{lambda_j - j + i + q}(beta / 3)."""
    i, j = np.meshgrid(np.arange(3), np.arange(3), indexing="ij")
    shifts = np.array(rows)[j] - j + i
    character = sum(np.linalg.det(ive(shifts + q, beta / 3)) for q in range(-25, 26))
    return float(character) / _su3_dimension(rows)


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
