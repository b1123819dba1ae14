"""Whether a model is trained already."""

from pathlib import Path

from gaugeflow.config.trainings import Training
from gaugeflow.ensembles.atomic import remove_leftovers
from gaugeflow.errors import FileError
from gaugeflow.training.checkpoint import Progress
from gaugeflow.training.data import DataSet
from gaugeflow.training.weights import MODEL, read_tensors


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
