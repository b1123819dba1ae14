"""A deterministic stand-in for a sampler that uses Progress as the real one does: save, be killed, go on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from ensembles.example import ENSEMBLE_ID, configuration, make_history, make_spec, random_links

from gaugeflow.config.canonical import canonical_json, sha256_text
from gaugeflow.ensembles.checkpoint import Progress, State
from gaugeflow.ensembles.links import as_array
from gaugeflow.ensembles.schema import saved_trajectories
from gaugeflow.ensembles.verify import require_sound
from gaugeflow.ensembles.writer import write_configurations

SPEC = make_spec(group="SU2", extents=(3, 2), chains=2, n=24, thermalisation=6, save_every=2)
SPEC_TEXT = canonical_json({"spec": SPEC, "ensemble_id": ENSEMBLE_ID})
SPEC_SHA256 = sha256_text(SPEC_TEXT)
N_TRAJECTORIES = SPEC["thermalisation"] + SPEC["configs_per_chunk"] * SPEC["save_every"]


def run(out: Path, report: Callable[[str, int], None] = lambda event, number: None) -> None:
    """Make chunk 0 at `out`, or go on with it; report("loaded" | "saved" | "phase", number) tells what is safe."""
    with Progress(out, SPEC_SHA256, 0) as progress:
        if out.exists():
            require_sound(out)
            report("phase", 2)
            progress.finish()
            return
        state = progress.load() or State(_random(0), -1, make_history(0, 0, SPEC["chains"]), 0)
        report("loaded", state.trajectory)
        saved = saved_trajectories(SPEC, 0)
        while state.trajectory < N_TRAJECTORIES - 1:
            state = _advance(progress, state, saved)
            report("saved", state.trajectory)
        report("phase", 1)
        write_configurations(
            out,
            configurations=progress.configurations(),
            trajectory=saved,
            history=state.history,
            n_thermalisation=SPEC["thermalisation"],
            spec_text=SPEC_TEXT,
            ensemble_id=ENSEMBLE_ID,
            chunk=0,
            inputs={},
        )
        report("phase", 2)
        progress.finish()


def _advance(progress: Progress, state: State, saved: range) -> State:
    """One trajectory and its record on disk; the links depend on all that came before."""
    number = state.trajectory + 1
    links = as_array(state.links) @ _random(number + 1)
    n_saved = state.n_saved
    if number in saved:
        progress.save_configuration(n_saved, links, configuration(links).plaquettes)
        n_saved += 1
    new = State(links, number, make_history(0, number + 1, SPEC["chains"]), n_saved)
    progress.save(new)
    return new


def _random(number: int) -> np.ndarray:
    rng = np.random.default_rng([17, number])
    return random_links(rng, SPEC["group"], tuple(SPEC["extents"]), SPEC["chains"])
