"""From checked files of models and predictions to ModelData."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gaugeflow.analysis.dataset import EnsembleData
from gaugeflow.analysis.model_data import ModelData, Prediction
from gaugeflow.config.study import Study
from gaugeflow.config.trainings import Training
from gaugeflow.ensembles.reader import ChunkFile, open_file
from gaugeflow.ensembles.schema import PREDICTIONS, TRAINING
from gaugeflow.ensembles.verify import require_sound
from gaugeflow.errors import FileError

MODEL_FILE, HISTORY_FILE, PREDICTIONS_FOLDER = "model.safetensors", "history.h5", "predict"

LENGTH_BYTES = 8
"""A safetensors file begins with the length of its JSON header, little-endian."""


def load_models(study: Study, ensembles: Mapping[str, EnsembleData], folder: Path) -> tuple[ModelData, ...]:
    """All models of a study with their predictions on its ensembles.

    ensembles   label -> data
    folder      ROOT/data/models

    Raises      FileError for a file that is missing or unsound, or predictions of another model or other configurations
    """
    return tuple(_model(training, ensembles, folder / training.model_id) for training in study.trainings)


def tested_models(study: Study, folder: Path) -> tuple[Training, ...]:
    """The models of a study whose predictions on all their ensembles are there, whole or not."""

    def tested(training: Training) -> bool:
        files = (folder / training.model_id / PREDICTIONS_FOLDER / f"{e.ensemble_id}.h5" for e in training.test)
        return all(path.is_file() for path in files)

    return tuple(training for training in study.trainings if tested(training))


def _model(training: Training, ensembles: Mapping[str, EnsembleData], folder: Path) -> ModelData:
    path = folder / MODEL_FILE if training.file is None else Path(training.file.file)
    header, digest = read_header(path)
    described = _described(header, path)
    identity = described["identity"]
    history = {} if training.file is not None else _history(folder / HISTORY_FILE, described)
    predictions = {
        ensemble.label: _prediction(
            folder / PREDICTIONS_FOLDER / f"{ensemble.ensemble_id}.h5", ensembles[ensemble.label], digest
        )
        for ensemble in training.test
    }
    return ModelData(
        label=training.label,
        seed=training.seed,
        model_id=training.model_id,
        kind=identity["network"]["kind"],
        target=_target_name(identity["target"]),
        weights=sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__"),
        trained_on=tuple(ensemble.label for ensemble in training.train),
        configurations=training.training_configurations,
        group=identity["group"],
        ndim=identity["ndim"],
        network=identity["network"],
        steps_per_epoch=0
        if training.training is None
        else math.ceil(training.training_configurations / training.training.batch),
        history=history,
        predictions=predictions,
        inputs={MODEL_FILE: digest},
    )


def read_header(path: Path) -> tuple[dict[str, Any], str]:
    """JSON header of a safetensors file, and the SHA-256 of all its bytes.

    Raises    FileError if it cannot be read or is something else
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}); make it with gaugeflow train") from error
    length = int.from_bytes(content[:LENGTH_BYTES], "little")
    try:
        header = json.loads(content[LENGTH_BYTES : LENGTH_BYTES + length])
    except ValueError as error:
        raise FileError(f"{path}: damaged, or no safetensors file ({error}); delete it and train again") from error
    if not isinstance(header, dict):
        raise FileError(f"{path}: its header is no mapping; delete it and train again")
    return header, hashlib.sha256(content).hexdigest()


def _described(header: dict[str, Any], path: Path) -> dict[str, Any]:
    try:
        return json.loads(header["__metadata__"]["gaugeflow"])
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(f"{path}: weights of another program; wanted those of gaugeflow train") from error


def _history(path: Path, described: dict[str, Any]) -> dict[str, Any]:
    require_sound(path)
    with open_file(path, TRAINING) as file:
        if file.attributes["weights_sha256"] != described["weights_sha256"]:
            raise FileError(f"{path}: the history of other weights than those beside it; train again")
        return {name: file.dataset(name) for name in file.names}


def _prediction(path: Path, ensemble: EnsembleData, model_sha256: str) -> Prediction:
    require_sound(path)
    with open_file(path, PREDICTIONS) as file:
        _check_made_from(file, ensemble, model_sha256)
        return Prediction(ensemble, {name: file.dataset(name) for name in file.names if name != "trajectory"})


def _check_made_from(file: ChunkFile, ensemble: EnsembleData, model_sha256: str) -> None:
    """FileError unless predictions are of this model and of these configurations, all of them."""
    if file.attributes["model_sha256"] != model_sha256:
        raise FileError(f"{file.name}: made by another model than the one beside it; run gaugeflow predict again")
    used = {str(digest) for name, digest in file.provenance.get("inputs", {}).items() if name != "model"}
    wanted = {digest for name, digest in ensemble.inputs.items() if name.startswith("configs/")}
    if used != wanted:
        raise FileError(
            f"{file.name}: made from other configurations than those of {ensemble.label}; run gaugeflow predict again"
        )


def _target_name(target: Mapping[str, Any]) -> str:
    return "qp" if target["kind"] == "charge_density" else f"w{target['r']}x{target['t']}"
