"""Scales t0 and w0 from the flowed energy density, per jackknife sample.

t0:  t^2 <E(t)> at t = t0 equals the threshold (0.3)                    arXiv:1006.4518
w0:  t d/dt (t^2 <E(t)>) at t = w0^2 equals the threshold (0.3)         arXiv:1203.4469
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gaugeflow.analysis.dataset import EnsembleData
from gaugeflow.stats.estimate import Estimate


def t0_of_energy(flow_time: np.ndarray, energy: np.ndarray, threshold: float = 0.3) -> float:
    """First t0 / a^2 with t^2 E(t) = threshold; NaN if the curve does not reach it.

    flow_time (k,) in t / a^2, increasing; energy (k,) per site, in a^-4. A cubic through the four points
    around the crossing is solved.
    """
    return _first_crossing(flow_time, flow_time**2 * energy, threshold)


def w0_of_energy(flow_time: np.ndarray, energy: np.ndarray, threshold: float = 0.3) -> float:
    """w0 / a with t d(t^2 E)/dt = threshold at t = w0^2; NaN if it is not reached.

    The derivative is that of the quadratic through three neighbouring points, in the inside of the grid.
    """
    curve = flow_time**2 * energy
    slope = np.gradient(curve, flow_time, edge_order=2)
    return math.sqrt(_first_crossing(flow_time, flow_time * slope, threshold))


def t0(ensemble: EnsembleData, energy: str = "energy_clover") -> Estimate:
    """t0 / a^2 of an ensemble; NaN with a warning where the flow was too short for the threshold."""
    return _scale(ensemble, energy, t0_of_energy, ensemble.settings.t0_threshold, "t0")


def w0(ensemble: EnsembleData, energy: str = "energy_clover") -> Estimate:
    """w0 / a of an ensemble; NaN with a warning where the flow was too short for the threshold."""
    return _scale(ensemble, energy, w0_of_energy, ensemble.settings.w0_threshold, "w0")


def _scale(ensemble: EnsembleData, energy: str, reader: Callable[..., float], threshold: float, name: str) -> Estimate:
    flow_time = ensemble.flow_series("flow_time")
    estimate = ensemble.estimate(ensemble.flow_series(energy), lambda means: reader(flow_time, means, threshold))
    if math.isfinite(estimate.value):
        return estimate
    text = (
        f"{ensemble.label}: {name} is not defined: the {energy} curve, or one of its jackknife samples, does not reach "
        f"{threshold} up to flow time {flow_time[-1]:g}; flow longer (flow.times in study.yaml)"
    )
    return replace(estimate, warnings=(*estimate.warnings, text))


def _first_crossing(x: np.ndarray, y: np.ndarray, level: float) -> float:
    above = np.flatnonzero((y[1:] >= level) & (y[:-1] < level))
    if not len(above):
        return math.nan
    left = int(above[0])
    start = min(max(left - 1, 0), max(len(x) - 4, 0))
    xs, ys = x[start : start + 4], y[start : start + 4]
    low, high = float(x[left]), float(x[left + 1])
    for _ in range(60):  # bisection: the cubic meets y at both ends, so it crosses in between
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _lagrange(xs, ys, middle) < level else (low, middle)
    return 0.5 * (low + high)


def _lagrange(xs: np.ndarray, ys: np.ndarray, x: float) -> float:
    total = 0.0
    for i, xi in enumerate(xs):
        others = np.delete(xs, i)
        total += float(ys[i]) * float(np.prod((x - others) / (xi - others)))
    return total
