"""Profiles and correlators of what was measured per time slice along the flow (flow.time_slices in study.yaml)."""

from __future__ import annotations

import numpy as np

from gaugeflow.analysis.dataset import EnsembleData
from gaugeflow.analysis.observables import at_flow_time, charge_name
from gaugeflow.stats.estimate import Estimate


def energy_profile(ensemble: EnsembleData, flow_time: float) -> tuple[Estimate, ...]:
    """<E> per site of every time slice, in a^-4: equal for all slices up to errors, as boundaries are periodic."""
    slices = at_flow_time(ensemble, "energy_slices", flow_time)
    sites = ensemble.volume // ensemble.spec.extents[-1]
    return tuple(ensemble.estimate(slices[:, :, t] / sites) for t in range(slices.shape[2]))


def charge_correlator(ensemble: EnsembleData, flow_time: float, definition: str = "clover") -> tuple[Estimate, ...]:
    """C(s) = sum_t <Q(t) Q(t + s)> / V for s = 0 .. T - 1, Q(t) the charge in a time slice: sum_s C(s) = chi_Q."""
    slices = at_flow_time(ensemble, f"{charge_name(definition)}_slices", flow_time)
    products = (slices * np.roll(slices, -s, 2) for s in range(slices.shape[2]))
    return tuple(ensemble.estimate(product.sum(2) / ensemble.volume) for product in products)
