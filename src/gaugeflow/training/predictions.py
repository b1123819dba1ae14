"""What a trained model says of an ensemble, beside what it should say."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gaugeflow.config.canonical import canonical_json
from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.rows import ChunkRows
from gaugeflow.ensembles.schema import PREDICTIONS
from gaugeflow.ensembles.series import open_configurations
from gaugeflow.ensembles.verify import verify_file
from gaugeflow.ensembles.writer import Dataset, write_arrays
from gaugeflow.errors import ConfigError, GaugeflowError
from gaugeflow.training.augmentation import augmented
from gaugeflow.training.data import Chunk, Reader, Row, chunk_at
from gaugeflow.training.history import training_provenance
from gaugeflow.training.network import predictor
from gaugeflow.training.order import micro_batches
from gaugeflow.training.targets import target_of
from gaugeflow.training.weights import Model
from gaugeflow.training.world import World

NAMES = ("prediction", "rotated_prediction", "target", "local_mse", "local_target_variance", "local_covariance")
"""Data sets, one number per configuration and chain; see `ensembles.schema`."""

PRECISION = "float64"
"""Of predictions, whatever the training's: rounding in float32 is independent from site to site and falls with the
volume, while the error of the weights, which is to be seen, does not."""

ROTATION_SEED = 0
"""Of the gauge transformations, the same for all models."""


def find_chunks(
    paths: Sequence[Path], folder_of: Callable[[str], Path | None], model: Model
) -> dict[str, tuple[Chunk, ...]]:
    """The chunks of every ensemble in their order, ensembles in the order of the paths.

    folder_of    id of an ensemble -> where the files of its catalogues are

    Raises       FileError for a file that is missing or no configurations; ConfigError for chunks that occur twice, or
                 another group or dimension than the model's
    """
    found: dict[str, list[Chunk]] = {}
    for path in paths:
        with open_configurations(path) as file:
            ensemble_id = file.ensemble_id
        found.setdefault(ensemble_id, []).append(chunk_at(path, folder_of(ensemble_id)))
    return {ensemble_id: _in_order(chunks, model) for ensemble_id, chunks in found.items()}


def _in_order(chunks: Sequence[Chunk], model: Model) -> tuple[Chunk, ...]:
    chunks = sorted(chunks, key=lambda chunk: chunk.number)
    for one, other in pairwise(chunks):
        if one.number == other.number:
            raise ConfigError(
                f"{other.path}: got chunk {other.number} of {other.ensemble_id} again, beside {one.path}, wanted "
                "different chunks; remove one"
            )
    model.require(chunks[0].group, len(chunks[0].extents), str(chunks[0].path))
    return tuple(chunks)


def numbers(prediction: Tensor, rotated: Tensor, target: Tensor) -> Tensor:
    """The numbers NAMES of every configuration, (batch, 6) float64.

    prediction, target    [batch, t, .., x] float64
    rotated               the prediction from the same links after a random gauge transformation
    """
    p, q = prediction.flatten(1), target.flatten(1)
    mean_p, mean_q = p.mean(1), q.mean(1)
    centred_p, centred_q = p - mean_p[:, None], q - mean_q[:, None]
    parts = [((p - q) ** 2).mean(1), (centred_q**2).mean(1), (centred_p * centred_q).mean(1)]
    return torch.stack([mean_p, rotated.flatten(1).mean(1), mean_q, *parts], 1)


def predict_chunks(
    model: Model, chunks: Sequence[Chunk], world: World, batch: int, advance: Callable[[int], None]
) -> dict[str, np.ndarray]:
    """All numbers NAMES, name -> (n, chains) float64, on every rank; each configuration is computed on one rank.

    batch      configurations computed together
    advance    called with the number of rows that are done, on all ranks together

    Raises     on all ranks FileError for links that cannot be read
    """
    rows = [Row(k, i, c) for k, chunk in enumerate(chunks) for i in range(chunk.n) for c in range(chunk.chains)]
    parts = micro_batches(tuple(range(len(rows))), batch)
    out = torch.zeros((len(rows), len(NAMES)), dtype=torch.float64)
    module = model.module.to(world.device).double()
    predict, target = predictor(module, PRECISION, model.unit), target_of(model.described.target)
    problem: GaugeflowError | None = None
    with Reader(chunks, cache_bytes=0) as reader, torch.no_grad():
        try:
            for part in parts[world.rank :: world.size]:
                links = reader.links([rows[k] for k in part]).to(world.device)
                rotated = augmented(links, model.group, ROTATION_SEED, 0, part)
                out[list(part)] = numbers(predict(links), predict(rotated), target(links)).cpu()
                advance(min(len(rows), part[-1] + 1))
        except GaugeflowError as error:
            problem = error
    world.agree(problem)
    total = sum(world.gather(out.reshape(-1).to(world.device))).cpu()  # every number is zero on all ranks but one
    table = total.reshape(sum(chunk.n for chunk in chunks), chunks[0].chains, len(NAMES)).numpy()
    return {name: np.ascontiguousarray(table[..., k]) for k, name in enumerate(NAMES)}


def inputs_of(model: Model, chunks: Sequence[Chunk]) -> dict[str, str]:
    """Name -> hash of everything that predictions are made from."""
    return {"model": model.sha256, **{f"{chunk.number:04d}": chunk.content_sha256 for chunk in chunks}}


def predictions_complete(out: Path, model: Model, chunks: Sequence[Chunk]) -> bool:
    """Whether `out` is sound and was made by this model from these chunks; for one rank."""
    if not out.exists() or not verify_file(out).ok:
        return False
    with open_file(out) as file:
        return file.kind == PREDICTIONS and file.provenance.get("inputs") == inputs_of(model, chunks)


def write_predictions(out: Path, model: Model, chunks: Sequence[Chunk], found: dict[str, np.ndarray]) -> str:
    """Publish the numbers of `predict_chunks`; returns content_sha256.

    Raises    FileError as `writer.write_file`
    """
    trajectory, spec = [], ""
    for chunk in chunks:
        with ChunkRows(chunk.path, chunk.folder) as file:
            trajectory.append(file.trajectory)
            spec = file.spec_text
    datasets: dict[str, Any] = {"trajectory": Dataset(np.concatenate(trajectory))}
    datasets |= {name: Dataset(values) for name, values in found.items()}
    attributes = {
        "ensemble_id": chunks[0].ensemble_id,
        "spec": spec,
        "provenance": canonical_json(training_provenance(inputs_of(model, chunks))),
        "model_id": model.model_id,
        "model_sha256": model.sha256,
        "target_name": model.described.target.name,
        "precision": PRECISION,
    }
    return write_arrays(out, PREDICTIONS, datasets=datasets, attributes=attributes)
