"""Topological charge of two-dimensional U(1)."""

import numpy as np

from gaugeflow.observables.observable import Observable, per_chain


def charge_geometric(lattice, links) -> np.ndarray:
    """Q = sum of plaquette angles in (-pi, pi] / 2 pi of 2D U(1), (chains,): an integer up to rounding."""
    angles = lattice.plaquette_angles(links)
    turns = np.rint(angles.sum((1, 2)) / (2 * np.pi) * 2.0**30).astype(np.int64)  # fixed point: any order of ranks
    if lattice.comm.size > 1:
        turns = lattice.comm.sum_integers(lattice.partition.of_all_chains(turns))
    return np.rint(turns * 2.0**-30) + 0.0  # -0.0 + 0.0 = 0.0: the sign of zero would depend on the process grid


OBSERVABLES = (
    Observable(
        name="charge",
        datasets={"charge": per_chain("geometric topological charge (2D U(1))")},
        measure=lambda lattice, links, settings: {"charge": charge_geometric(lattice, links)},
        refused=lambda settings, system: None if (system.group, system.ndim) == ("U1", 2) else "2D U(1) only",
    ),
)
