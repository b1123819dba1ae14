"""Scales t0 and w0 from the flowed energy density, per jackknife sample, and observables at flow times.

t0:  t^2 <E(t)> at t = t0 equals the threshold (0.3)                    arXiv:1006.4518
w0:  t d/dt (t^2 <E(t)>) at t = w0^2 equals the threshold (0.3)         arXiv:1203.4469
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gaugeflow.analysis.dataset import EnsembleData
from gaugeflow.analysis.interpolation import first_crossing, interpolation_weights, points_of, slope
from gaugeflow.analysis.results import finite
from gaugeflow.errors import ConfigError
from gaugeflow.stats.estimate import Estimate, derive


def t0_of_energy(
    flow_time: np.ndarray, energy: np.ndarray, threshold: float = 0.3, interpolation: str = "cubic"
) -> float:
    """First t0 / a^2 with t^2 E(t) = threshold; NaN if the curve does not reach it.

    flow_time (k,) in t / a^2, increasing; energy (k,) per site, in a^-4. A cubic through the four points around the
    crossing is solved, or a straight line through two.
    """
    return first_crossing(flow_time, flow_time**2 * energy, threshold, interpolation)


def w0_of_energy(
    flow_time: np.ndarray, energy: np.ndarray, threshold: float = 0.3, interpolation: str = "cubic"
) -> float:
    """w0 / a with t d(t^2 E)/dt = threshold at t = w0^2; NaN if it is not reached.

    The derivative is that of the quadratic through three neighbouring points, in the inside of the grid.
    """
    derivative = slope(flow_time, flow_time**2 * energy, interpolation)
    return math.sqrt(first_crossing(flow_time, flow_time * derivative, threshold, interpolation))


READERS: Mapping[str, Callable[..., float]] = {"t0": t0_of_energy, "w0": w0_of_energy}


def t0(
    ensemble: EnsembleData,
    energy: str = "energy_clover",
    threshold: float | None = None,
    interpolation: str = "cubic",
) -> Estimate:
    """t0 / a^2 of an ensemble; NaN with a warning where the flow was too short for the threshold (the study's)."""
    return _scale(ensemble, "t0", energy, threshold or ensemble.settings.t0_threshold, interpolation)


def w0(
    ensemble: EnsembleData,
    energy: str = "energy_clover",
    threshold: float | None = None,
    interpolation: str = "cubic",
) -> Estimate:
    """w0 / a of an ensemble; NaN with a warning where the flow was too short for the threshold (the study's)."""
    return _scale(ensemble, "w0", energy, threshold or ensemble.settings.w0_threshold, interpolation)


def sqrt_8t0_over_r0(t0_over_a2: Estimate, r0_over_a: Estimate) -> Estimate:
    """sqrt(8 t0) / r0, dimensionless; about 0.948 in the continuum of pure SU(3) (arXiv:1006.4518)."""
    return derive(lambda t, r: math.sqrt(8 * t) / r if t > 0 else math.nan, t0_over_a2, r0_over_a)


def at_flow_time(
    ensemble: EnsembleData, series: str | np.ndarray, flow_time: float, interpolation: str = "cubic"
) -> Estimate:
    """A flowed observable at any flow time t / a^2 inside the measured range.

    series    name of a flowed data set, or an array (n, chains, flow times) made of such: Q**2, for example

    Raises    ConfigError outside the measured flow times
    """
    values, times = _flowed(ensemble, series), ensemble.flow_series("flow_time")
    weights = interpolation_weights(times, flow_time, interpolation, f"ensemble {ensemble.label}")
    return ensemble.estimate(values @ weights)


def at_t0(
    ensemble: EnsembleData,
    series: str | np.ndarray,
    *,
    multiple: float = 1.0,
    energy: str = "energy_clover",
    threshold: float | None = None,
    interpolation: str = "cubic",
) -> Estimate:
    """A flowed observable at `multiple` times t0, where t0 is read off anew in every jackknife sample.

    NaN with a warning where a sample's time is not inside the measured range
    """
    threshold = threshold or ensemble.settings.t0_threshold
    times = ensemble.flow_series("flow_time")
    pair = np.stack([ensemble.flow_series(energy), _flowed(ensemble, series)], axis=-1)

    def read(means: np.ndarray) -> float:
        time = multiple * t0_of_energy(times, means[:, 0], threshold, interpolation)
        if not times[0] <= time <= times[-1]:
            return math.nan
        return float(means[:, 1] @ interpolation_weights(times, time, interpolation, ensemble.label))

    what = f"an observable at {multiple:g} t0"
    return _warned(ensemble.estimate(pair, read), ensemble, what, energy, threshold)


@dataclass(frozen=True, eq=False)
class ScaleTable:
    """t0 / a^2 and w0 / a for thresholds, energy definitions and interpolations.

    rows    (scale, energy, threshold, interpolation) -> Estimate
    """

    rows: Mapping[tuple[str, str, float, str], Estimate]

    @property
    def estimates(self) -> dict[str, Estimate]:
        """Rows by name, like `t0(clover, 0.3)`, and `t0(clover, 0.3, linear)` where it is not cubic."""
        return {_row_name(*row): estimate for row, estimate in self.rows.items()}

    def interpolation_effect(self, scale: str, energy: str, threshold: float) -> Estimate:
        """Linear minus cubic, with the error of the difference: what the spacing of flow times costs."""
        linear, cubic = (self.rows[scale, energy, threshold, kind] for kind in ("linear", "cubic"))
        return derive(lambda a, b: a - b, linear, cubic)

    def as_json(self) -> dict[str, Any]:
        """The table as JSON types, for results.json (`details`)."""
        names = ("scale", "energy", "threshold", "interpolation")
        return {
            "kind": "scales",
            "rows": [
                {
                    **dict(zip(names, row, strict=True)),
                    "value": finite(estimate.value),
                    "error": finite(estimate.error),
                    "gamma_error": finite(estimate.gamma_error),
                    "text": str(estimate),
                }
                for row, estimate in self.rows.items()
            ],
        }


def scale_table(
    ensemble: EnsembleData,
    thresholds: Sequence[float] = (0.3,),
    energies: Sequence[str] | None = None,
    interpolations: Sequence[str] = ("cubic", "linear"),
) -> ScaleTable:
    """t0 and w0 of an ensemble in every combination; by default with every energy that was measured along the flow."""
    if energies is None:
        energies = [name for name, array in ensemble.flowed.items() if name.startswith("energy_") and array.ndim == 3]
    return ScaleTable(
        {
            (scale, energy.removeprefix("energy_"), float(threshold), interpolation): _scale(
                ensemble, scale, energy, threshold, interpolation
            )
            for scale in READERS
            for energy in energies
            for threshold in thresholds
            for interpolation in interpolations
        }
    )


def _row_name(scale: str, energy: str, threshold: float, interpolation: str) -> str:
    return (
        f"{scale}({energy}, {threshold:g})"
        if interpolation == "cubic"
        else (f"{scale}({energy}, {threshold:g}, {interpolation})")
    )


def _flowed(ensemble: EnsembleData, series: str | np.ndarray) -> np.ndarray:
    values = ensemble.flow_series(series) if isinstance(series, str) else np.asarray(series, dtype=float)
    times = ensemble.flow_series("flow_time")
    if values.ndim != 3 or values.shape[2] != len(times):
        raise ConfigError(
            f"ensemble {ensemble.label}: an array of shape {values.shape} at flow times, wanted (measurements, chains, "
            f"{len(times)})"
        )
    return values


def _scale(ensemble: EnsembleData, name: str, energy: str, threshold: float, interpolation: str) -> Estimate:
    points_of(interpolation)
    flow_time = ensemble.flow_series("flow_time")
    estimate = ensemble.estimate(
        ensemble.flow_series(energy), lambda means: READERS[name](flow_time, means, threshold, interpolation)
    )
    return _warned(estimate, ensemble, name, energy, threshold)


def _warned(estimate: Estimate, ensemble: EnsembleData, name: str, energy: str, threshold: float) -> Estimate:
    if math.isfinite(estimate.value):
        return estimate
    last = ensemble.flow_series("flow_time")[-1]
    text = (
        f"{ensemble.label}: {name} is not defined: the {energy} curve, or one of its jackknife samples, does not reach "
        f"{threshold} up to flow time {last:g}; flow longer (flow.times in study.yaml)"
    )
    return replace(estimate, warnings=(*estimate.warnings, text))
