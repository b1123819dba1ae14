"""What an update costs and how long the chain remembers: samplers side by side.

    cost = evaluations per update x 2 tau_int   of an independent measurement, tau_int in updates

An evaluation is one force on all links, one sweep over all links, or one configuration drawn at once: comparable within
a kind, and within a factor of two between forces and sweeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gaugeflow.analysis.curves import Table
from gaugeflow.analysis.dataset import EnsembleData
from gaugeflow.config.cost import FORCES_PER_STEP
from gaugeflow.stats.estimate import Estimate, format_estimate


def evaluations(sampler: Any) -> tuple[int, str]:
    """(number, what) of force evaluations, sweeps or draws in one update of a sampler as the spec has it."""
    if sampler.kind == "hmc":
        return FORCES_PER_STEP[sampler.integrator] * sampler.n_steps + 1, "forces"
    if sampler.kind == "heatbath":
        return sampler.heatbath + sampler.overrelaxation, "sweeps"
    return {"langevin": (1, "forces"), "mala": (2, "forces"), "exact": (1, "draws")}[sampler.kind]


def sampler_table(ensembles: Mapping[str, EnsembleData], observables: Mapping[str, Mapping[str, Estimate]]) -> Table:
    """One row per generated ensemble: sampler, evaluations per update, and per observable tau_int in updates and cost.

    ensembles     label -> data
    observables   observable -> (label -> estimate from all saved configurations)
    """
    columns = ["ensemble", "sampler", "evaluations / update"]
    for name in observables:
        columns += [f"tau_int({name}) / updates", f"cost({name}) / evaluations"]
    rows = []
    for label, ensemble in ensembles.items():
        if ensemble.foreign:
            continue
        sampler, spacing = ensemble.spec.sampler, ensemble.spec.save_every
        number, what = evaluations(sampler)
        row: list[str] = [label, sampler.text, f"{number} {what if number > 1 else what.removesuffix('s')}"]
        for estimates in observables.values():
            estimate = estimates.get(label)
            if estimate is None:
                row += ["", ""]
                continue
            tau, error = spacing * estimate.tau_int, spacing * estimate.tau_int_error
            row += [format_estimate(tau, error), format_estimate(2 * number * tau, 2 * number * error)]
        rows.append(tuple(row))
    caption = (
        "Cost of an independent measurement: evaluations per update times 2 tau_int, with tau_int at least half the "
        "distance of saved configurations. Winding proposals are not counted: each is one pass over the links."
    )
    return Table("Samplers side by side", tuple(columns), tuple(rows), caption)
