"""Estimates that many studies share: loops, topology and the health of a Markov chain."""

from __future__ import annotations

import numpy as np

from gaugeflow.analysis.dataset import EnsembleData
from gaugeflow.stats.estimate import Estimate, derive


def plaquette(ensemble: EnsembleData) -> Estimate:
    """<Re tr U_p / N> over all planes; dimensionless, 1 for cold links."""
    return ensemble.estimate(ensemble.series("plaquette"))


def wilson_loop(ensemble: EnsembleData, r: int, t: int) -> Estimate:
    """<Re tr W(r, t) / N> over all planes and both orientations of the long side."""
    return ensemble.estimate(ensemble.series("loops_all")[:, :, r - 1, t - 1])


LOOPS_BY_AREA = {"W(1)": (1, 1), "W(2)": (1, 2), "W(4)": (2, 2)}
"""Loops of area 1, 2 and 4: in two dimensions the exact value depends on the area alone."""


def plaquette_and_loops(ensemble: EnsembleData) -> dict[str, Estimate]:
    """The plaquette and the loops of LOOPS_BY_AREA."""
    loops = {name: wilson_loop(ensemble, *extents) for name, extents in LOOPS_BY_AREA.items()}
    return {"plaquette": plaquette(ensemble)} | loops


def polyakov_modulus(ensemble: EnsembleData) -> Estimate:
    """<|L|>, L the Polyakov loop tr / N averaged over space."""
    return ensemble.estimate(np.abs(ensemble.series("polyakov")))


def susceptibility(ensemble: EnsembleData) -> Estimate:
    """Topological susceptibility chi_Q = <Q^2> / V in lattice units, 2D geometric charge; <Q> = 0 by symmetry."""
    return ensemble.estimate(ensemble.series("charge") ** 2 / ensemble.volume)


def mean_charge(ensemble: EnsembleData) -> Estimate:
    """<Q>, zero by parity: a chain that is frozen in a sector shows here."""
    return ensemble.estimate(ensemble.series("charge"))


def charge_name(definition: str) -> str:
    """Dataset of a definition of the charge: clover (or geometric), improved, 5li, plaquette."""
    return "charge" if definition in ("clover", "geometric") else f"charge_{definition}"


def at_flow_time(ensemble: EnsembleData, name: str, flow_time: float) -> np.ndarray:
    """Flowed series (n, chains, ..) at the flow time (t / a^2) of the grid that is nearest to `flow_time`."""
    index = int(np.argmin(np.abs(ensemble.flow_series("flow_time") - flow_time)))
    return ensemble.flow_series(name)[:, :, index]


def flowed_susceptibility(ensemble: EnsembleData, flow_time: float, definition: str = "clover") -> Estimate:
    """chi_Q = <Q^2> / V of a definition of the charge near a flow time."""
    return ensemble.estimate(at_flow_time(ensemble, charge_name(definition), flow_time) ** 2 / ensemble.volume)


def exp_minus_delta_h(ensemble: EnsembleData) -> Estimate:
    """<exp(-dH)> over production trajectories: 1 for every reversible, area-preserving integrator (methods 16.8)."""
    return ensemble.estimate(np.exp(-ensemble.production("delta_h")), per_trajectory=True)


def acceptance(ensemble: EnsembleData) -> Estimate:
    """Fraction of accepted production trajectories."""
    return ensemble.estimate(ensemble.production("accepted").astype(float), per_trajectory=True)


def hot_minus_cold(ensemble: EnsembleData) -> Estimate:
    """Plaquette of the chains that started hot minus that of those that started cold: 0 once both forgot their start.

    `start: mixed` starts even chains cold and odd chains hot.
    """
    series = ensemble.series("plaquette")
    cold = ensemble.estimate(series[:, 0::2], chains="cold")
    hot = ensemble.estimate(series[:, 1::2], chains="hot")
    return derive(lambda a, b: a - b, hot, cold)


def chain_checks(ensemble: EnsembleData) -> dict[str, Estimate]:
    """<exp(-dH)> and acceptance, where the sampler accepts and rejects, and, for mixed starts, hot minus cold.

    Of other codes' files, which tell nothing of their chains, nothing.
    """
    checks: dict[str, Estimate] = {}
    if ensemble.foreign:
        return checks
    if ensemble.spec.sampler.metropolis:
        checks = {"exp(-dH)": exp_minus_delta_h(ensemble), "acceptance": acceptance(ensemble)}
    if ensemble.spec.start == "mixed":
        checks["hot-cold"] = hot_minus_cold(ensemble)
    return checks


def labelled(ensemble: EnsembleData, estimates: dict[str, Estimate]) -> dict[str, Estimate]:
    """Names as result tables and references write them: `<label>/<observable>`."""
    return {f"{ensemble.label}/{name}": estimate for name, estimate in estimates.items()}
