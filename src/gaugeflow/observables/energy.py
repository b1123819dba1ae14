"""Plaquettes and energy densities."""

import numpy as np

from gaugeflow.conventions import planes
from gaugeflow.observables.field_strength import field_sums
from gaugeflow.observables.observable import Observable, per_chain


def plaquettes(lattice, links) -> np.ndarray:
    """Re tr U_p / N averaged over sites, (chains, planes) in the order of `conventions.planes`."""
    return lattice.total(lattice.plaquette_sums(links)) / (lattice.volume * lattice.n)


def split_plaquettes(lattice, per_plane) -> dict[str, np.ndarray]:
    """Averages over all planes and, beyond 2D, over space-like and time-like ones; (chains,) each."""
    time = lattice.ndim - 1
    like_time = np.array([time in plane for plane in planes(lattice.ndim)])
    out = {"plaquette": per_plane.mean(1)}
    if lattice.ndim > 2:
        out["plaquette_space"] = per_plane[:, ~like_time].mean(1)
        out["plaquette_time"] = per_plane[:, like_time].mean(1)
    return out


def energy_plaquette(lattice, links) -> np.ndarray:
    """E = 2 sum_{mu<nu} Re tr (1 - U_p) per site, (chains,)."""
    per_plane = plaquettes(lattice, links)
    return 2 * lattice.n * (per_plane.shape[1] - per_plane.sum(1))


def energy_and_charge_clover(lattice, links, *, keep_trace: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """(E, Q) from the clover field strength, (chains,) each.

    E = -sum_{mu<nu} tr F F per site; Q = -(1/4 pi^2) sum tr[F_xy F_zt - F_xz F_yt + F_xt F_yz] (4D; 0 elsewhere), F the
    anti-hermitian part, for SU(N) without trace unless keep_trace, of the mean of the four leaves.
    """
    sums = field_sums(lattice, lattice.clover_sums(links, keep_trace))
    return sums.energy / lattice.volume, sums.charge


PLAQUETTES = {
    "plaquette": per_chain("Re tr U_p / N, mean over sites and planes", required=True),
    "plaquette_space": per_chain("Re tr U_p / N, mean over sites and planes without t (3D, 4D)"),
    "plaquette_time": per_chain("Re tr U_p / N, mean over sites and planes with t (3D, 4D)"),
}
"""Datasets of `split_plaquettes`."""

OBSERVABLES = (
    Observable(
        name="plaquette",
        datasets=PLAQUETTES,
        measure=lambda lattice, links, settings: split_plaquettes(lattice, plaquettes(lattice, links)),
    ),
)
