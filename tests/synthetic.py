"""Study files for tests of what comes after generation: a NumPy HMC of 2D U(1), independent of the kernels."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import exact
import numpy as np

from gaugeflow.analysis.loading import load_study_data
from gaugeflow.analysis.runner import analyse_study
from gaugeflow.config.load import load_study
from gaugeflow.config.spec_file import make_spec
from gaugeflow.config.study import Ensemble, Study
from gaugeflow.ensembles.writer import Configuration, Dataset, write_configurations, write_file

_SCRATCH = tempfile.TemporaryDirectory(prefix="gaugeflow-tests-")

LAMBDA = 0.1931833275037836  # OMF2


def plaquette_angles(angles: np.ndarray) -> np.ndarray:
    """theta_p (chains, t, x) of link angles (chains, t, x, 2), mu = 0 is x."""
    x, t = angles[..., 0], angles[..., 1]
    return x + np.roll(t, -1, axis=2) - np.roll(x, -1, axis=1) - t


def force(angles: np.ndarray, beta: float) -> np.ndarray:
    """dS/dtheta of S = beta sum (1 - cos theta_p)."""
    sine = beta * np.sin(plaquette_angles(angles))
    return np.stack([sine - np.roll(sine, 1, axis=1), np.roll(sine, 1, axis=2) - sine], axis=-1)


def energy(angles: np.ndarray, momenta: np.ndarray, beta: float) -> np.ndarray:
    """H per chain."""
    return 0.5 * (momenta**2).sum(axis=(1, 2, 3)) + beta * (1 - np.cos(plaquette_angles(angles))).sum(axis=(1, 2))


def trajectory(angles, beta, n_steps, random):
    """One HMC trajectory with tau = 1: new angles, dH and acceptance per chain."""
    momenta = random.normal(size=angles.shape)
    step, new, old_energy = 1.0 / n_steps, angles, energy(angles, momenta, beta)
    for _ in range(n_steps):
        momenta = momenta - LAMBDA * step * force(new, beta)
        new = new + 0.5 * step * momenta
        momenta = momenta - (1 - 2 * LAMBDA) * step * force(new, beta)
        new = new + 0.5 * step * momenta
        momenta = momenta - LAMBDA * step * force(new, beta)
    delta_h = energy(new, momenta, beta) - old_energy
    accepted = random.random(len(delta_h)) < np.exp(-delta_h)
    return np.where(accepted[:, None, None, None], new, angles), delta_h, accepted


def write_study_files(study: Study, root: Path, *, beta_factor: float = 1.0, seed: int = 5) -> list[Path]:
    """Configuration, measurement and flow files of all ensembles of a 2D U(1) study under `root`.

    beta_factor   runs the chains at another beta than their spec says: the wrong-value twin
    """
    paths = []
    for number, ensemble in enumerate(study.ensembles):
        paths += _write_ensemble(study, ensemble, root, beta_factor, np.random.default_rng((seed, number)))
    return paths


def _write_ensemble(study: Study, ensemble: Ensemble, root: Path, beta_factor: float, random) -> list[Path]:
    spec = ensemble.spec
    spec_text = make_spec(ensemble, None).text
    shape = (spec.chains, *reversed(spec.extents), 2)
    angles = random.uniform(-np.pi, np.pi, size=shape)
    if spec.start == "mixed":
        angles[0::2] = 0
    counter, paths = 0, []
    for chunk in range(ensemble.chunks):
        first = spec.thermalisation if chunk == 0 else 0
        history: dict[str, list] = {"trajectory": [], "delta_h": [], "accepted": [], "plaquette": []}
        saved = []
        for step in range(first + spec.configs_per_chunk * spec.save_every):
            angles, delta_h, accepted = trajectory(angles, spec.beta * beta_factor, spec.sampler.n_steps, random)
            plaquette = np.cos(plaquette_angles(angles)).mean(axis=(1, 2))
            for name, value in zip(history, (counter, delta_h, accepted, plaquette), strict=True):
                history[name].append(value)
            if step >= first and (step - first + 1) % spec.save_every == 0:
                saved.append((counter, angles))
            counter += 1
        folder = root / ensemble.ensemble_id
        paths += _write_chunk(study, ensemble, folder, chunk, spec_text, history, saved)
    return paths


def _write_chunk(study, ensemble, folder, chunk, spec_text, history, saved) -> list[Path]:
    spec = ensemble.spec
    common = {"spec_text": spec_text, "ensemble_id": ensemble.ensemble_id, "chunk": chunk}
    links = [np.exp(1j * angles)[..., None, None] for _, angles in saved]
    plaquettes = [np.cos(plaquette_angles(angles)).mean(axis=(1, 2)) for _, angles in saved]
    numbers = np.array([number for number, _ in saved])
    configs = folder / "configs" / f"{chunk:04d}.h5"
    digest = write_configurations(
        configs,
        configurations=[Configuration(u, {"plaquette": p}) for u, p in zip(links, plaquettes, strict=True)],
        trajectory=numbers,
        history={
            "trajectory": np.array(history["trajectory"]),
            "delta_h": np.array(history["delta_h"]),
            "accepted": np.array(history["accepted"], dtype=np.uint8),
            "plaquette": np.array(history["plaquette"]),
            "unitarity_defect": np.zeros(len(history["trajectory"])),
        },
        n_thermalisation=spec.thermalisation if chunk == 0 else 0,
        inputs={},
        **common,
    )
    theta = np.array([plaquette_angles(angles) for _, angles in saved])
    reduced = (theta + np.pi) % (2 * np.pi) - np.pi
    loops = np.array([[_loops(t, study.measure.loops) for t in chains] for chains in theta])
    measured = {
        "trajectory": numbers,
        "plaquette": np.array(plaquettes),
        "charge": reduced.sum(axis=(2, 3)) / (2 * np.pi),
        "loops": loops,
        "loops_all": 0.5 * (loops + loops.swapaxes(2, 3)),
        "polyakov": np.array([np.exp(1j * angles[..., 1].sum(axis=1)).mean(axis=1) for _, angles in saved]),
    }
    inputs = {"configurations": digest}
    measure = folder / "measure" / f"{chunk:04d}.h5"
    datasets = {name: Dataset(np.asarray(array)) for name, array in measured.items()}
    write_file(measure, "measurements", datasets=datasets, attributes={}, inputs=inputs, **common)
    if not study.flows:
        return [configs, measure]
    flow = folder / "flow" / f"{chunk:04d}.h5"
    datasets = {name: Dataset(array) for name, array in _flow(study, spec, numbers, measured["plaquette"]).items()}
    write_file(flow, "flow", datasets=datasets, attributes={}, inputs=inputs, **common)
    return [configs, measure, flow]


def _loops(theta: np.ndarray, settings) -> np.ndarray:
    """Re W(r, t) of one chain from sums of plaquette angles (t, x): in 2D a loop is the product of what it encloses."""
    values = np.empty((settings.max_r, settings.max_t))
    for r in range(1, settings.max_r + 1):
        for t in range(1, settings.max_t + 1):
            area = sum(np.roll(theta, (-i, -j), axis=(0, 1)) for i in range(t) for j in range(r))
            values[r - 1, t - 1] = np.cos(area).mean()
    return values


def _flow(study: Study, spec, numbers: np.ndarray, plaquette: np.ndarray) -> dict[str, np.ndarray]:
    """Not a flow: a curve t^2 E = 0.3 t that fluctuates with the plaquette, so that t0 = 1 by construction."""
    times = np.array(study.flow().flow_times())
    shape = 0.3 / np.maximum(times, 0.1)
    wobble = 1 + 0.2 * (plaquette - plaquette.mean())[:, :, None]
    return {
        "trajectory": numbers,
        "flow_time": times,
        "energy_clover": shape * wobble,
        "energy_plaquette": 1.2 * shape * wobble,
        "charge": np.zeros((*plaquette.shape, len(times))),
    }


STUDY = """\
version: 1
title: "small study for tests"
scales:
  full: &scale
    ensembles:
      - group: U1
        extents: [6, 8]
        beta: [1.0, 2.0]
        chains: 32
        seed: 7
        start: mixed
        sampler: {kind: hmc, integrator: omf2, tau: 1.0, n_steps: 4}
        thermalisation: 60
        save_every: 4
        configs_per_chunk: 20
        chunks: 2
    measure: {loops: {max_r: 2, max_t: 2}, polyakov: true}
    flow: {times: {start: 0.0, stop: 1.6, step: 0.1}, step: 0.05}
  tiny: *scale
"""

ANALYSIS = """\
from gaugeflow.analysis.observables import chain_checks, labelled, plaquette, susceptibility, wilson_loop
from gaugeflow.analysis.scales import t0, w0


def analyse(data):
    results = {}
    for ensemble in data:
        rows = {"plaquette": plaquette(ensemble), "W(4)": wilson_loop(ensemble, 2, 2)}
        rows |= {"chi_Q": susceptibility(ensemble)}
        rows |= {"t0_clover": t0(ensemble), "w0_clover": w0(ensemble)}
        results |= labelled(ensemble, rows | chain_checks(ensemble))
    return results
"""


def make_study(folder: Path, references: str = "") -> Path:
    """Folder of a study with two small ensembles on 6x8, a pretended flow, and these reference rows."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.yaml").write_text(STUDY)
    (folder / "analysis.py").write_text(ANALYSIS)
    for name in ("reference.csv", "reference_tiny.csv"):
        (folder / name).write_text("name,value,error,max_error,kind,source\n" + references)
    return folder


@dataclass(frozen=True)
class Made:
    """A study that was run: its folder, its files and its results.json content."""

    folder: Path
    study: Study
    files: tuple[Path, ...]
    results: dict


@cache
def made_study(beta_factor: float = 1.0) -> Made:
    """The small study, run once per session and beta_factor; exact references for the lattice it pretends to be."""
    root = Path(_SCRATCH.name) / f"factor{beta_factor}"
    rows = []
    for beta in (1.0, 2.0):
        for name, max_error in (
            ("plaquette", 0.005),
            ("W(4)", 0.01),
            ("chi_Q", 0.01),
            ("exp(-dH)", 0.01),
            ("hot-cold", 0.01),
        ):
            value = exact.study_value("U1", (6, 8), beta, name)
            rows.append(f"b{beta}_6x8/{name},{value!r},0,{max_error},exact,tests/exact.py\n")
    folder = make_study(root / "small", "".join(rows))
    study = load_study(folder, "tiny")
    files = tuple(write_study_files(study, root / "data", beta_factor=beta_factor))
    return Made(folder, study, files, analyse_study(study, load_study_data(study, files)))
