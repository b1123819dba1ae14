"""Small studies with networks, ensembles of random links for them, and trainings in this process."""

import copy
from pathlib import Path

import numpy as np
from ensembles.example import configuration, make_history, random_links
from house import study_content, write_study

from gaugeflow.config.load import load_study
from gaugeflow.config.spec_file import make_spec
from gaugeflow.ensembles.schema import first_trajectory, saved_trajectories
from gaugeflow.ensembles.writer import write_configurations
from gaugeflow.lattice.communicator import Serial
from gaugeflow.training.data import find_data
from gaugeflow.training.loop import TrainingRun
from gaugeflow.training.world import joined

LCNN = {"kind": "lcnn", "layers": [{"channels": 2}, {"channels": 2}]}
CNN = {"kind": "cnn", "layers": [{"channels": 3, "kernel_size": 2}]}
TRAINING = {
    "optimiser": {"kind": "adamw", "learning_rate": 0.02},
    "batch": 6,
    "micro_batch": 2,
    "epochs": 3,
    "precision": "float64",
    "validation": 0.25,
    "seeds": [5],
}
ENTRY = {
    "label": "small",
    "network": LCNN,
    "target": {"kind": "wilson_loop", "r": 1, "t": 2},
    "train_on": ["train"],
    "test_on": ["test"],
    "training": TRAINING,
}
ENSEMBLE = {
    "label": "train",
    "group": "SU2",
    "extents": [[3, 4]],
    "beta": 2.0,
    "chains": 4,
    "thermalisation": 4,
    "save_every": 2,
    "configs_per_chunk": 3,
    "chunks": 2,
    "sampler": {"kind": "hmc", "integrator": "omf2", "tau": 1.0, "n_steps": 6},
}


def content(*, ensemble=None, **changes):
    """A study whose one network has these settings: {"training.epochs": 5}."""
    entry = copy.deepcopy(ENTRY)
    for key, value in changes.items():
        *path, last = key.split(".")
        target = entry
        for part in path:
            target = target[part]
        target[last] = value
    study = study_content(networks=[entry], measure={"loops": {"max_r": 2, "max_t": 2}}, flow=None)
    base = {**study["scales"]["tiny"]["ensembles"][0], **ENSEMBLE, **(ensemble or {})}
    extents = [[2 * x for x in base["extents"][0]]]
    test = {**base, "label": "test", "seed": base["seed"] + 1, "chunks": 1, "extents": extents}
    for scale in study["scales"].values():
        scale["ensembles"] = [base, test]
    return study


def write_small(folder: Path, **changes):
    """Study and ensembles under `folder`; returns the loaded study."""
    study = load_study(write_study(folder / "study", content(**changes)), "tiny")
    for number, ensemble in enumerate(study.ensembles):
        write_ensemble(folder / "data" / "ensembles", ensemble, number)
    return study


def write_ensemble(data: Path, ensemble, seed: int) -> None:
    """All chunks of an ensemble, with random links, unless they are there."""
    spec, text = ensemble.spec, make_spec(ensemble, None)
    rng = np.random.default_rng(seed)
    for chunk in range(ensemble.chunks):
        path = data / ensemble.ensemble_id / "configs" / f"{chunk:04d}.h5"
        saved = saved_trajectories(spec.model_dump(), chunk)
        first = first_trajectory(spec.model_dump(), chunk)
        write_configurations(
            path,
            configurations=[
                configuration(random_links(rng, spec.group, spec.extents, spec.chains))
                for _ in range(spec.configs_per_chunk)
            ],
            trajectory=saved,
            history=make_history(first, saved[-1] + 1 - first, spec.chains),
            n_thermalisation=spec.thermalisation if chunk == 0 else 0,
            spec_text=text.text,
            ensemble_id=ensemble.ensemble_id,
            chunk=chunk,
            inputs={},
        )


def train(study, folder: Path, out: Path | None = None, **options) -> Path:
    """Train the study's first model in this process on one rank; the model's file."""
    training = study.trainings[0]
    out = out or folder / "data" / "models" / training.model_id / "model.safetensors"
    data = find_data(training, folder / "data" / "ensembles")
    with joined(Serial(), "cpu") as world:
        TrainingRun(training, data, world, out, **options).run()
    return out
