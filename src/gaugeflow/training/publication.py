"""What a finished training leaves: history and weights; and whether they are there already."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from torch import Tensor

from gaugeflow.config.trainings import Training
from gaugeflow.ensembles.atomic import remove_leftovers
from gaugeflow.ensembles.weights_file import MODEL
from gaugeflow.errors import FileError
from gaugeflow.training.checkpoint import Progress
from gaugeflow.training.data import DataSet
from gaugeflow.training.history import FILE, training_provenance, write_history
from gaugeflow.training.schedule import best_epoch
from gaugeflow.training.weights import read_tensors, weights_sha256, write_tensors


def published(out: Path, training: Training, data: DataSet, identity_sha256: str) -> bool:
    """True if `out` is there and is this model; what a kill after publishing left there is removed. For one rank.

    Raises    FileError if `out` is damaged, or another model, or was trained on other files
    """
    if not out.exists():
        return False
    found = read_tensors(out, MODEL).text
    inputs = found.get("provenance", {}).get("inputs")
    if found.get("identity") != training.identity() or inputs != data.contents:
        raise FileError(
            f"{out}: holds model {found.get('model_id')} trained on other settings or files, wanted "
            f"{training.model_id}; choose another --out or remove it"
        )
    remove_leftovers(out)
    progress = Progress(out, identity_sha256)
    if progress.folder.exists():
        with progress:
            progress.finish()
    return True


def publish(
    out: Path,
    training: Training,
    data: DataSet,
    best: Mapping[str, Tensor],
    history: Mapping[str, Sequence[float]],
    permit: Callable[[], None],
) -> str:
    """Write the history, then the model that makes it complete; SHA-256 of the model's file.

    best      weights of the best epoch
    permit    called before either file takes its place

    Raises    FileError for a full disk
    """
    number = best_epoch(history["validation_loss"])
    inputs = data.contents
    common = {"model_id": training.model_id, "identity": training.identity(), "best_epoch": number}
    digest = weights_sha256(best)
    write_history(out.with_name(FILE), history, inputs=inputs, weights_sha256=digest, permit=permit, **common)
    text = {"kind": MODEL, **common, "validation_loss": history["validation_loss"][number]}
    return write_tensors(out, best, {**text, "provenance": training_provenance(inputs)}, permit)
