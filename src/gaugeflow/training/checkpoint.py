"""Progress of an unfinished training: survives SIGKILL at any moment, belongs to one process and one model.

    <out>.partial/          next to the model's file
        lock, owner         the lease of the process that trains, see gaugeflow.jobs.lease
        identity.json       hash of what is trained on what
        state.safetensors   everything that the next step needs, replaced as a whole

A state is read back before it takes the place of the one before.
"""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from torch import Tensor

from gaugeflow.ensembles.atomic import atomic_path, file_failures, flush_to_disk, remove_leftovers, temporary_name
from gaugeflow.ensembles.checkpoint import scratch_folder
from gaugeflow.ensembles.weights_file import STATE
from gaugeflow.errors import FileError
from gaugeflow.jobs.lease import Lease, is_lease_file
from gaugeflow.training.weights import Tensors, read_tensors, write_tensors

STATE_FILE = "state.safetensors"


@dataclass
class Position:
    """Where a training is. Random numbers have no state: they follow from seed, epoch and row.

    batch           batches of the running epoch that are done
    loss_sum        sum over these of loss times configurations
    gradient_norm   largest of these
    seconds         wall time of the running epoch so far
    history         of finished epochs: name -> one number per epoch
    """

    batch: int = 0
    loss_sum: float = 0.0
    gradient_norm: float = 0.0
    seconds: float = 0.0
    history: dict[str, list[float]] = field(
        default_factory=lambda: {
            name: [] for name in ("training_loss", "validation_loss", "learning_rate", "gradient_norm", "seconds")
        }
    )

    @property
    def epoch(self) -> int:
        """Number of the running epoch."""
        return len(self.history["validation_loss"])


@dataclass(frozen=True)
class Saved:
    """A state: tensors of weights, best weights and optimiser by name, and the position."""

    tensors: Mapping[str, Tensor]
    position: Position


class Progress:
    """Exclusive access to the scratch folder of one training; a context manager that leaves none if nothing was saved.

    out         the model's final file
    identity    hash of what is trained on what: a scratch folder of anything else is refused

    Raises      ConfigError if another process trains this model; FileError if the folder is foreign or damaged
    """

    def __init__(self, out: Path, identity: str) -> None:
        self.out, self.folder = out, scratch_folder(out)
        self._identity, self._lease = (
            {"identity_sha256": identity},
            Lease(self.folder, f"training of {out.parent.name}"),
        )

    def __enter__(self) -> "Progress":
        with file_failures(self.folder, "creating"):
            self._lease.acquire()
        try:
            self._remove_temporaries()
            self._claim()
        except BaseException:
            if all(is_lease_file(name) for name in os.listdir(self.folder)):
                self._discard()
            self._lease.release()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None and self.folder.exists() and not self.state_path.exists():
            with suppress(FileError):  # the first error is on its way, and an empty folder does no harm
                self._discard()
        self._lease.release()

    @property
    def state_path(self) -> Path:
        """The saved state."""
        return self.folder / STATE_FILE

    def permit(self) -> None:
        """Called before anything is published: LeaseLost if another process has taken over the training."""
        self._lease.check()

    def exists(self) -> bool:
        """Whether a state was saved."""
        return self.state_path.exists()

    def load(self) -> Saved:
        """The last saved state; also for ranks that do not own the folder.

        Raises    FileError if it is missing, damaged or of another training
        """
        try:
            found: Tensors = read_tensors(self.state_path, STATE)
            identity = {key: found.text.get(key) for key in self._identity}
            position = Position(**found.text["position"])
        except (FileError, KeyError, TypeError) as error:
            raise self._damaged(str(error)) from error
        if identity != self._identity:
            raise self._damaged(f"{self.state_path} belongs to another training")
        return Saved(found.tensors, position)

    def save(self, saved: Saved) -> None:
        """Replace the saved state.

        Raises    FileError if the disk is full (the previous state stays), LeaseLost if another process took over
        """
        self.permit()
        text: dict[str, Any] = {"kind": STATE, **self._identity, "position": asdict(saved.position)}
        write_tensors(self.state_path, saved.tensors, text, self.permit)

    def finish(self) -> None:
        """Remove the scratch folder; the model's file must be in place.

        Raises    FileError if it is not
        """
        if not self.out.exists():
            raise FileError(f"{self.out}: not written yet, the progress in {self.folder} is kept")
        self._discard()
        self._lease.release()

    def _damaged(self, what: str) -> FileError:
        return FileError(
            f"{what}; the progress of this training cannot be used: delete {self.folder} to start the training again"
        )

    def _claim(self) -> None:
        """Write the identity into a new folder, compare it in an old one."""
        path = self.folder / "identity.json"
        if not path.exists():
            if self.state_path.exists():
                raise self._damaged(f"{path} is missing")
            with atomic_path(path, self.permit) as temporary:
                temporary.write_text(json.dumps(self._identity, sort_keys=True) + "\n")
            return
        try:
            found = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise self._damaged(f"{path} cannot be read ({error})") from error
        if found != self._identity:
            raise FileError(
                f"{self.folder}: progress of another training: found {found}, wanted {self._identity}; settings, code "
                "of a format or training data changed: delete the folder, or choose another output"
            )

    def _remove_temporaries(self) -> None:
        remove_leftovers(self.out, exclusive=True)
        for entry in self.folder.glob(".*.tmp"):
            entry.unlink(missing_ok=True)

    def _discard(self) -> None:
        """Remove the scratch folder, owned to the end."""
        self.permit()
        self._lease.retire()
        with file_failures(self.folder, "removing"):
            discarded = temporary_name(self.out)  # renamed first: a half removed folder never passes for progress
            os.replace(self.folder, discarded)
            shutil.rmtree(discarded)
            flush_to_disk(self.folder.parent)
