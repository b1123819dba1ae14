"""Topological charge of two-dimensional U(N)."""

import numpy as np

from gaugeflow.conventions import gauge_group
from gaugeflow.observables.observable import Observable, per_chain


def has_geometric_charge(system) -> bool:
    """Whether the charge of plaquettes is defined: U(N) in two dimensions; a lattice or a spec."""
    return system.ndim == 2 and not gauge_group(system.group).special


def charge_geometric(lattice, links) -> np.ndarray:
    """Q = sum_p arg det U_p / 2 pi of 2D U(N), angles in (-pi, pi], (chains,): an integer up to rounding."""
    angles = lattice.plaquette_angles(links)
    turns = np.rint(angles.sum((1, 2)) / (2 * np.pi) * 2.0**30).astype(np.int64)  # fixed point: any order of ranks
    if lattice.comm.size > 1:
        turns = lattice.comm.sum_integers(lattice.partition.of_all_chains(turns))
    return np.rint(turns * 2.0**-30) + 0.0  # -0.0 + 0.0 = 0.0: the sign of zero would depend on the process grid


OBSERVABLES = (
    Observable(
        name="charge",
        datasets={"charge": per_chain("geometric topological charge, 2D U(N): sum of arg det U_p / 2 pi")},
        measure=lambda lattice, links, settings: {"charge": charge_geometric(lattice, links)},
        refused=lambda settings, system: None if has_geometric_charge(system) else "2D U(N) only",
    ),
)
