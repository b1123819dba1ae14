"""The history of a training as an HDF5 file beside the model."""

from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from gaugeflow.config.canonical import canonical_json
from gaugeflow.ensembles.provenance import provenance
from gaugeflow.ensembles.schema import TRAINING
from gaugeflow.ensembles.writer import Dataset, write_arrays

LIBRARIES = ("torch", "safetensors")
"""Beside those of all files: what may move the last bit of a weight."""

FILE = "history.h5"


def training_provenance(inputs: Mapping[str, str]) -> dict[str, Any]:
    """Content of the attribute `provenance`, with the libraries of networks."""
    found = provenance(inputs)
    return {**found, "libraries": {**found["libraries"], **{name: metadata.version(name) for name in LIBRARIES}}}


def write_history(
    path: Path,
    history: Mapping[str, Sequence[float]],
    *,
    model_id: str,
    identity: Mapping[str, Any],
    inputs: Mapping[str, str],
    best_epoch: int,
    weights_sha256: str,
    permit: Callable[[], None] | None = None,
) -> str:
    """Write the numbers of all epochs; returns content_sha256.

    history   name -> one number per epoch, the data sets of `ensembles.schema`
    permit    called just before the file takes its place

    Raises    FileError as `writer.write_file`
    """
    epochs = len(history["validation_loss"])
    datasets = {"epoch": Dataset(np.arange(epochs))}
    datasets |= {name: Dataset(np.asarray(values, np.float64)) for name, values in history.items()}
    attributes = {
        "model_id": model_id,
        "settings": canonical_json(identity),
        "best_epoch": best_epoch,
        "weights_sha256": weights_sha256,
        "provenance": canonical_json(training_provenance(inputs)),
    }
    return write_arrays(path, TRAINING, datasets=datasets, attributes=attributes, permit=permit)
