"""What the figures of a report show about one ensemble, as plain numbers in results.json.

Long histories are thinned to a few hundred points, so that a results file stays small for any length of chain.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gaugeflow.analysis.dataset import EnsembleData
from gaugeflow.stats.autocorrelation import autocorrelation_function, gamma_method
from gaugeflow.stats.jackknife import error_against_bin_size

HISTORY_POINTS = 300
SHOWN_CHAINS = 3
MAX_LAG = 60
HISTOGRAM_BINS = 40


def diagnostics(ensemble: EnsembleData) -> dict[str, Any]:
    """Histories, autocorrelation, error against bin size, curves of every flow; dH and charges where there are any.

    Files of other codes have no history.
    Charges and flowed autocorrelations are those of the study's first flow.
    """
    observed = {} if ensemble.single else _observed(ensemble)  # one configuration has neither
    content: dict[str, Any] = {
        "autocorrelation": {name: _autocorrelation(series) for name, series in observed.items()},
        "binning": {name: _binning(series) for name, series in observed.items()},
    }
    if not ensemble.foreign:
        content["history"] = _history(ensemble)
    if not ensemble.foreign and ensemble.spec.sampler.metropolis:
        content["delta_h"] = _delta_h(ensemble.production("delta_h"))
    if "charge" in ensemble.measured:
        content["charge"] = _charge(ensemble.series("charge"), ensemble.trajectory)
    if ensemble.flowed:
        content["flows"] = {kind: _flow(ensemble.along(kind)) for kind in ensemble.flows}
        flow_time = ensemble.flow_series("flow_time")
        for name in _flowed(ensemble, "charge"):
            last = _charge(ensemble.flow_series(name)[:, :, -1], ensemble.trajectory)
            content.setdefault("flowed_charge", {})[name] = {**last, "flow_time": float(flow_time[-1])}
    return content


def _flowed(ensemble: EnsembleData, prefix: str) -> list[str]:
    """Names of flowed series (n, chains, k) that begin so; what is stored per time slice has more axes."""
    return [name for name, values in ensemble.flowed.items() if name.startswith(prefix) and values.ndim == 3]


def _observed(ensemble: EnsembleData) -> dict[str, np.ndarray]:
    series = {"plaquette": ensemble.series("plaquette")}
    if "charge" in ensemble.measured:
        series["Q^2"] = ensemble.series("charge") ** 2
    for name in (_flowed(ensemble, "charge") if "charge" not in ensemble.measured else [])[:1]:
        series["flowed Q^2"] = ensemble.flow_series(name)[:, :, -1] ** 2
    if "energy_clover" in ensemble.flowed:
        series["flowed E"] = ensemble.flow_series("energy_clover")[:, :, -1]
    return series


def _history(ensemble: EnsembleData) -> dict[str, Any]:
    """Plaquette per trajectory from the start: mean over cold and over hot chains, a few chains alone."""
    plaquette = ensemble.history["plaquette"]
    chosen = _thinned(len(plaquette))
    content = {
        "trajectory": ensemble.history["trajectory"][chosen].tolist(),
        "n_thermalisation": ensemble.n_thermalisation,
        "chains": [_rounded(plaquette[chosen, chain]) for chain in range(min(SHOWN_CHAINS, plaquette.shape[1]))],
        "mean": _rounded(plaquette[chosen].mean(axis=1)),
    }
    if ensemble.spec.start == "mixed" and plaquette.shape[1] > 1:
        content["cold"] = _rounded(plaquette[chosen, 0::2].mean(axis=1))
        content["hot"] = _rounded(plaquette[chosen, 1::2].mean(axis=1))
    return content


def _autocorrelation(series: np.ndarray) -> dict[str, Any]:
    gamma = gamma_method(series)
    lags = max(10, min(MAX_LAG, 4 * gamma.window))
    return {
        "rho": _rounded(autocorrelation_function(series, lags)),
        "tau_int": _number(gamma.tau_int),
        "tau_int_error": _number(gamma.tau_int_error),
        "window": gamma.window,
    }


def _binning(series: np.ndarray) -> dict[str, Any]:
    curve = error_against_bin_size(series)
    gamma = gamma_method(series)
    return {
        "bin_size": curve.bin_sizes.tolist(),
        "error": _rounded(curve.errors),
        "error_error": _rounded(curve.error_errors),
        "gamma_error": _number(gamma.error),
        "gamma_error_error": _number(gamma.error_error),
    }


def _delta_h(delta_h: np.ndarray) -> dict[str, Any]:
    low, high = np.percentile(delta_h, [0.1, 99.9])
    width = max(high - low, 1e-12)
    counts, edges = np.histogram(delta_h, bins=HISTOGRAM_BINS, range=(low - 0.05 * width, high + 0.05 * width))
    return {
        "edges": _rounded(edges),
        "counts": counts.tolist(),
        "mean": float(delta_h.mean()),
        "std": float(delta_h.std()),
    }


def _charge(charge: np.ndarray, trajectory: np.ndarray) -> dict[str, Any]:
    """Histories of a few chains, and how often each nearest integer occurs, of a charge (n, chains)."""
    chosen = _thinned(len(charge))
    values, counts = np.unique(np.rint(charge).astype(int), return_counts=True)
    return {
        "trajectory": trajectory[chosen].tolist(),
        "chains": [_rounded(charge[chosen, chain]) for chain in range(min(SHOWN_CHAINS, charge.shape[1]))],
        "values": values.tolist(),
        "counts": counts.tolist(),
    }


def _flow(ensemble: EnsembleData) -> dict[str, Any]:
    flow_time = ensemble.flow_series("flow_time")
    content: dict[str, Any] = {"flow_time": flow_time.tolist(), "t0_threshold": ensemble.settings.t0_threshold}
    for name in _flowed(ensemble, "energy"):
        energy = ensemble.flow_series(name)
        per_chain = energy.mean(axis=0)
        errors = [gamma_method(energy[:, :, k]).error for k in range(len(flow_time))]
        content[name] = {
            "t2e": _rounded(flow_time**2 * per_chain.mean(axis=0)),
            "error": _rounded(flow_time**2 * np.array(errors)),
        }
    return content


def _thinned(length: int) -> np.ndarray:
    return np.unique(np.linspace(0, length - 1, min(length, HISTORY_POINTS)).round().astype(int))


def _rounded(values: np.ndarray) -> list[float | None]:
    """Seven significant figures; NaN and infinities become null."""
    return [float(f"{value:.7g}") if math.isfinite(value) else None for value in np.asarray(values, dtype=float)]


def _number(value: float) -> float | None:
    return float(f"{value:.7g}") if math.isfinite(value) else None
