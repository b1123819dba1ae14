"""Energies and charge along the Wilson flow."""

from collections.abc import Sequence

import numpy as np

from gaugeflow.flow.gradient_flow import wilson_flow
from gaugeflow.observables.energy import energy_and_charge_clover, energy_plaquette
from gaugeflow.observables.topology import charge_geometric, has_geometric_charge


def flowed_series(lattice, links, flow_times: Sequence[float], step: float) -> dict[str, np.ndarray]:
    """E(t) and Q(t) of one configuration of all chains; `links` are flowed in place.

    energy_plaquette, energy_clover   per site, (chains, flow times)
    charge                            clover in 4D, geometric for 2D U(N), absent elsewhere
    """
    plaquette, clover, charge = [], [], []
    for _ in wilson_flow(lattice, links, flow_times, step):
        energy, q = energy_and_charge_clover(lattice, links)
        plaquette.append(energy_plaquette(lattice, links))
        clover.append(energy)
        charge.append(charge_geometric(lattice, links) if has_geometric_charge(lattice) else q)
    out = {"energy_plaquette": np.stack(plaquette, 1), "energy_clover": np.stack(clover, 1)}
    if lattice.ndim == 4 or has_geometric_charge(lattice):
        out["charge"] = np.stack(charge, 1)
    return out
