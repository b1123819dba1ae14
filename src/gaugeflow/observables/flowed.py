"""Energies and charge along the gradient flow."""

from collections.abc import Sequence

import numpy as np

from gaugeflow.flow.gradient_flow import gradient_flow
from gaugeflow.observables.energy import energy_and_charge_clover, energy_plaquette
from gaugeflow.observables.topology import charge_geometric


def flowed_series(
    lattice, links, flow_times: Sequence[float], step: float, kind: str = "wilson", tolerance: float | None = None
) -> dict[str, np.ndarray]:
    """E(t) and Q(t) of one configuration of all chains; `links` are flowed in place, arguments of `gradient_flow`.

    energy_plaquette, energy_clover   per site, (chains, flow times)
    charge                            clover in 4D, geometric for 2D U(1), absent elsewhere
    """
    plaquette, clover, charge = [], [], []
    for _ in gradient_flow(lattice, links, flow_times, step, kind, tolerance):
        energy, q = energy_and_charge_clover(lattice, links)
        plaquette.append(energy_plaquette(lattice, links))
        clover.append(energy)
        charge.append(charge_geometric(lattice, links) if lattice.ndim == 2 and lattice.group == "U1" else q)
    out = {"energy_plaquette": np.stack(plaquette, 1), "energy_clover": np.stack(clover, 1)}
    if lattice.ndim == 4 or (lattice.ndim == 2 and lattice.group == "U1"):
        out["charge"] = np.stack(charge, 1)
    return out
