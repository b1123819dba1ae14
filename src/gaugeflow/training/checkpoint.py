"""Progress of an unfinished training, in its scratch folder.

    <out>.partial/          see gaugeflow.ensembles.scratch
        identity.json       hash of what is trained on what
        state.safetensors   everything that the next step needs, replaced as a whole

A state is read back before it takes the place of the one before.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from gaugeflow.ensembles.scratch import Scratch
from gaugeflow.ensembles.weights_file import STATE
from gaugeflow.errors import FileError
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


class Progress(Scratch):
    """Exclusive access to the scratch folder of one training.

    out         the model's final file
    identity    hash of what is trained on what: a scratch folder of anything else is refused

    Raises      ConfigError if another process trains this model; FileError if the folder is foreign or damaged
    """

    def __init__(self, out: Path, identity: str) -> None:
        self._identity = {"identity_sha256": identity}
        super().__init__(out, STATE_FILE, self._identity, work="training", owner=f"training of {out.parent.name}")

    def load(self) -> Saved:
        """The last saved state; also for ranks that do not own the folder.

        Raises    FileError if it is missing, damaged or of another training
        """
        try:
            found: Tensors = read_tensors(self.state_path, STATE)
            identity = {key: found.text.get(key) for key in self._identity}
            position = Position(**found.text["position"])
        except (FileError, KeyError, TypeError) as error:
            raise self.damaged(str(error)) from error
        if identity != self._identity:
            raise self.damaged(f"{self.state_path} belongs to another training")
        return Saved(found.tensors, position)

    def save(self, saved: Saved) -> None:
        """Replace the saved state.

        Raises    FileError if the disk is full (the previous state stays), LeaseLost if another process took over
        """
        self.permit()
        text: dict[str, Any] = {"kind": STATE, **self._identity, "position": asdict(saved.position)}
        write_tensors(self.state_path, saved.tensors, text, self.permit)
