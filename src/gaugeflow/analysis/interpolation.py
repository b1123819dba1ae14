"""Curves known on a grid of flow times: their values, slopes and crossings in between, linearly or by cubics."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from gaugeflow.errors import ConfigError

INTERPOLATIONS = {"linear": 2, "cubic": 4}
"""Name of an interpolation -> neighbouring points that its polynomial goes through."""


def points_of(interpolation: str) -> int:
    """Number of points of an interpolation; ConfigError for a name that is none."""
    if interpolation not in INTERPOLATIONS:
        raise ConfigError(f"interpolation {interpolation!r}, wanted one of {', '.join(INTERPOLATIONS)}")
    return INTERPOLATIONS[interpolation]


def first_crossing(x: np.ndarray, y: np.ndarray, level: float, interpolation: str = "cubic") -> float:
    """Smallest x at which the interpolated curve rises through `level`; NaN if it does not."""
    points = points_of(interpolation)
    above = np.flatnonzero((y[1:] >= level) & (y[:-1] < level))
    if not len(above):
        return math.nan
    left = int(above[0])
    chosen = _neighbours(len(x), left, points)
    curve = _polynomial(x[chosen].tolist(), y[chosen].tolist())
    low, high = float(x[left]), float(x[left + 1])
    for _ in range(60):  # bisection: the polynomial meets y at both ends, so it crosses in between
        middle = 0.5 * (low + high)
        low, high = (middle, high) if curve(middle) < level else (low, middle)
    return 0.5 * (low + high)


def slope(x: np.ndarray, y: np.ndarray, interpolation: str = "cubic") -> np.ndarray:
    """dy/dx at every point: of the parabola through it and its neighbours, or (linear) one-sided at the ends."""
    return np.gradient(y, x, edge_order=2 if points_of(interpolation) > 2 and len(x) > 2 else 1)


def interpolation_weights(x: np.ndarray, at: float, interpolation: str, what: str) -> np.ndarray:
    """w (k,) with f(at) = sum_i w_i f(x_i); exact for polynomials of degree 1 or 3.

    Raises ConfigError outside the grid
    """
    if not x[0] - 1e-12 <= at <= x[-1] + 1e-12:
        raise ConfigError(f"{what}: flow time {at:g} lies outside the measured {x[0]:g} .. {x[-1]:g}; flow longer")
    left = int(np.clip(np.searchsorted(x, at, side="right") - 1, 0, max(len(x) - 2, 0)))
    chosen = _neighbours(len(x), left, points_of(interpolation))
    weights = np.zeros(len(x))
    weights[chosen] = _weights(x[chosen], at)
    return weights


def _neighbours(length: int, left: int, points: int) -> slice:
    start = min(max(left - (points - 2) // 2, 0), max(length - points, 0))
    return slice(start, start + points)


def _polynomial(xs: list[float], ys: list[float]) -> Callable[[float], float]:
    """The polynomial through the points, in Newton's form."""
    coefficients = list(ys)
    for order in range(1, len(xs)):
        for i in range(len(xs) - 1, order - 1, -1):
            coefficients[i] = (coefficients[i] - coefficients[i - 1]) / (xs[i] - xs[i - order])

    def value(x: float) -> float:
        total = coefficients[-1]
        for coefficient, node in zip(coefficients[-2::-1], xs[-2::-1], strict=True):
            total = total * (x - node) + coefficient
        return total

    return value


def _weights(xs: np.ndarray, x: float) -> np.ndarray:
    return np.array([np.prod((x - np.delete(xs, i)) / (xi - np.delete(xs, i))) for i, xi in enumerate(xs)])
