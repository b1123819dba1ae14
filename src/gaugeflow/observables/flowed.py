"""Energies and charges along the gradient flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gaugeflow.flow.gradient_flow import gradient_flow
from gaugeflow.observables.energy import energy_plaquette
from gaugeflow.observables.field_strength import energies_and_charges
from gaugeflow.observables.topology import charge_geometric, has_geometric_charge

if TYPE_CHECKING:
    from gaugeflow.config.settings import FlowSettings


def flowed_series(lattice, links, flow_times: Sequence[float], settings: FlowSettings) -> dict[str, np.ndarray]:
    """E(t) and Q(t) of one configuration of all chains, (chains, flow times, ..); `links` are flowed in place."""
    series: dict[str, list[np.ndarray]] = {}
    for _ in gradient_flow(lattice, links, flow_times, *settings.scheme):
        for name, values in measure_flowed(lattice, links, settings).items():
            series.setdefault(name, []).append(values)
    return {name: np.stack(values, 1) for name, values in series.items()}


def measure_flowed(lattice, links, settings: FlowSettings) -> dict[str, np.ndarray]:
    """What is measured at one flow time, (chains, ..).

    energy_plaquette   per site
    charge             geometric for 2D U(N); in 4D the definitions of the settings
    and what `energies_and_charges` gives for the settings
    """
    keep_trace = settings.field_strength == "with_trace"
    out = {"energy_plaquette": energy_plaquette(lattice, links)}
    out |= energies_and_charges(lattice, links, settings.charges, keep_trace=keep_trace, slices=settings.time_slices)
    if has_geometric_charge(lattice):
        out["charge"] = charge_geometric(lattice, links)
    return out
