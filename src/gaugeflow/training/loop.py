"""The training of one model: continue what was saved, run the missing epochs, publish history and weights.

All ranks run this together; files belong to rank 0. A model is a function of its settings, its data and its seed:
neither the number of ranks nor interruptions change a bit. (That of threads may: libraries split long sums by it.) No
rank raises before rank 0 has saved: the first that leaves ends the others.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gaugeflow.config.canonical import canonical_json, sha256_text
from gaugeflow.config.trainings import Training
from gaugeflow.errors import GaugeflowError, PhysicsError, TryAgain
from gaugeflow.jobs import attempts
from gaugeflow.jobs.deadline import Deadline
from gaugeflow.jobs.disk import require_free
from gaugeflow.jobs.stopping import StopRequest
from gaugeflow.jobs.watchdog import Watchdog
from gaugeflow.training.augmentation import augmented
from gaugeflow.training.checkpoint import Position, Progress, Saved
from gaugeflow.training.data import CACHE_BYTES, DataSet, Reader, Row
from gaugeflow.training.gradients import loss_and_gradient, summed
from gaugeflow.training.network import losses, make_network, predictor
from gaugeflow.training.optimiser import Optimiser
from gaugeflow.training.order import Batch, batches, in_order, micro_batches
from gaugeflow.training.publication import publish
from gaugeflow.training.schedule import best_epoch, finished, learning_rate
from gaugeflow.training.targets import target_of
from gaugeflow.training.weights import load_weights, weights_of, weights_sha256
from gaugeflow.training.world import World

CHECKPOINT_SECONDS = 30.0
ROOM_BYTES = 1 << 20
LINE_SECONDS = 20.0

logger = logging.getLogger(__name__)


class TrainingRun:
    """Training of one model on all ranks of `world`.

    training              what is trained; data    rows of its ensembles
    out                   the model's file; the history goes beside it
    checkpoint_seconds    time between saved states; 0 saves every step
    advance               called with the number of finished steps
    """

    def __init__(
        self,
        training: Training,
        data: DataSet,
        world: World,
        out: Path,
        *,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        advance: Callable[[int], None] = lambda done: None,
    ) -> None:
        assert training.training is not None
        assert training.network is not None
        assert training.target is not None
        assert training.seed is not None
        self.training, self.settings, self.seed = training, training.training, training.seed
        self.data, self.world, self.out = data, world, out
        self.checkpoint_seconds, self.advance = checkpoint_seconds, advance
        self.root, self.stop = world.rank == 0, StopRequest()
        self.model = make_network(
            training.network, training.ndim, training.group, training.seed, self.settings.precision
        ).to(world.device)
        self.predict = predictor(self.model, self.settings.precision, self.settings.target_unit)
        self.target = target_of(training.target)
        self.optimiser = Optimiser(self.settings.optimiser, self.model)
        self.position, self.best = Position(), weights_of(self.model)
        self.reader = Reader(data.chunks, CACHE_BYTES // world.neighbours)
        self._extents = data.extents(data.training)
        self._told_at = time.monotonic()
        self._micro = self.settings.micro_batch or self.settings.batch

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch."""
        return len(in_order(self._extents, self.settings.batch))

    @property
    def weights(self) -> int:
        """Number of real weights."""
        return sum(weight.numel() for weight in self.model.parameters())

    def require_room(self) -> None:
        """Refuse a training whose files do not fit on their disk: twice weights, best ones and three moments."""
        require_free(self.out, 2 * 5 * 8 * self.weights + ROOM_BYTES, f"training of {self.training.model_id}")

    def set_deadline(self, deadline: Deadline | None) -> None:
        """When work has to be saved; before `run`, on rank 0."""
        self.stop = StopRequest(deadline)

    @property
    def identity_sha256(self) -> str:
        """Hash of what is trained on what: identity of the model and content of every file."""
        return sha256_text(canonical_json({"identity": self.training.identity(), "contents": self.data.contents}))

    def run(self) -> str | None:
        """Train to the end and publish; SHA-256 of the model's file on rank 0.

        Raises    TryAgain when told to stop, with the state saved; PhysicsError for a loss that is no number; FileError
        """
        scratch = Progress(self.out, self.identity_sha256) if self.root else nullcontext()
        with self.stop, self.reader, scratch as progress:
            self._begin(progress)
            with Watchdog(self.stop, self.world.size > 1):
                self._epochs(progress)
            return self._publish(progress)

    def _begin(self, progress: Any) -> None:
        """Take up the saved state on all ranks, if there is one."""
        found, problem = None, None
        if self.world.comm.broadcast(self.root and progress.has_progress()):
            try:
                found = (progress if self.root else Progress(self.out, self.identity_sha256)).load()
            except GaugeflowError as error:
                problem = error
        self.world.agree(problem)
        if found is None:
            return
        tensors, where = dict(found.tensors), str(self.out)
        load_weights(self.model, _below("model/", tensors), where)
        self.best = {name: t.to(self.world.device) for name, t in _below("best/", tensors).items()}
        self.optimiser.load(_below("optimiser/", tensors), where)
        self.position = found.position
        logger.info("continuing in epoch %d after %d batches", self.position.epoch, self.position.batch)

    def _epochs(self, progress: Any) -> None:
        saved_at, steps = time.monotonic(), self.steps_per_epoch
        self.advance(self.position.epoch * steps + self.position.batch)
        late = self.world.comm.broadcast(self.stop.too_late)
        if late and not self._finished():
            raise TryAgain(f"{self.out}: told to stop ({self.stop.reason}) before the first step of this job")
        self.stop.begin()
        while not self._finished():
            plan = batches(self._extents, self.settings.batch, self.seed, self.position.epoch)
            same_epoch = True
            while same_epoch:
                if self.position.batch < len(plan):  # else all but the validation was done and saved
                    self._step(plan[self.position.batch], progress)
                if self.position.batch == len(plan):
                    self._end_epoch(progress)
                self.stop.step()
                due = self.root and time.monotonic() - saved_at >= self.checkpoint_seconds
                asked, due = self.world.comm.maximum(np.array([bool(self.stop), due], np.float64))
                done = self._finished()
                if asked or due or done:
                    self._save(progress)
                    saved_at = time.monotonic()
                self.advance(self.position.epoch * steps + self.position.batch)
                if asked and not done:
                    raise TryAgain(
                        f"{self.out}: told to stop ({self.stop.reason}); epoch {self.position.epoch}, batch "
                        f"{self.position.batch} of {len(plan)} is saved, the same command continues"
                    )
                same_epoch = self.position.batch > 0

    def _finished(self) -> bool:
        return finished(self.settings, self.position.history["validation_loss"])

    def _step(self, batch: Batch, progress: Any) -> None:
        """One step of the optimiser; the state stays as it was if the loss is no number."""
        began, epoch, position = time.monotonic(), self.position.epoch, self.position
        rows = self.data.training
        parts = micro_batches(batch, self._micro)

        def loss(part: Batch) -> Tensor:
            links = self._links([rows[k] for k in part])
            if self.settings.augmentation == "gauge":
                links = augmented(links, self.training.group, self.seed, epoch, part)
            return self._losses(links).sum() / len(batch)

        try:
            result = loss_and_gradient(self.model, parts, loss, self.world)
        except GaugeflowError:  # on all ranks alike
            self._save(progress)
            raise
        value, gradient = float(result[0]), result[1:]
        norm = float(torch.linalg.vector_norm(gradient))
        if not (math.isfinite(value) and math.isfinite(norm)):
            self._refuse(value, norm, progress)
        if self.settings.gradient_norm is not None and norm > self.settings.gradient_norm:
            gradient = gradient * (self.settings.gradient_norm / norm)
        self.optimiser.step(gradient, learning_rate(self.settings, epoch, position.history["validation_loss"]))
        position.batch += 1
        position.loss_sum += value * len(batch)
        position.gradient_norm = max(position.gradient_norm, norm)
        position.seconds += time.monotonic() - began

    def _refuse(self, value: float, norm: float, progress: Any) -> None:
        """Save the state before the step and give up, on all ranks."""
        self._save(progress)
        raise PhysicsError(
            f"{self.out}: epoch {self.position.epoch}, batch {self.position.batch}: got a loss of {value} and a "
            f"gradient of norm {norm}, wanted finite numbers; the state before is kept in {self.out.name}.partial. "
            "Use a smaller learning rate, gradient_norm, or precision float64; settings are part of the model's name"
        )

    def _end_epoch(self, progress: Any) -> None:
        """Validate, keep the best weights, turn the page."""
        began, position, epoch = time.monotonic(), self.position, self.position.epoch
        parts = in_order(self.data.extents(self.data.validation), self._micro)
        rows = self.data.validation

        def loss(part: Batch) -> Tensor:
            with torch.no_grad():
                return self._losses(self._links([rows[k] for k in part])).sum().reshape(1)

        try:
            value = float(summed(parts, loss, 1, self.world)[0]) / len(rows)
            if not math.isfinite(value):
                raise PhysicsError(
                    f"{self.out}: epoch {epoch}: got a validation loss of {value}, wanted a finite number; the state "
                    f"is kept in {self.out.name}.partial. Use a smaller learning rate or gradient_norm"
                )
        except GaugeflowError:  # on all ranks alike
            self._save(progress)
            raise
        history = position.history
        values = {
            "training_loss": position.loss_sum / len(self.data.training),
            "validation_loss": value,
            "learning_rate": learning_rate(self.settings, epoch, history["validation_loss"]),
            "gradient_norm": position.gradient_norm,
            "seconds": position.seconds + time.monotonic() - began,
        }
        self.position = Position(history={name: [*history[name], values[name]] for name in history})
        if best_epoch(self.position.history["validation_loss"]) == epoch:
            self.best = weights_of(self.model)
        self._require_equal_weights(epoch)
        self._tell(epoch, values)

    def _tell(self, epoch: int, values: Mapping[str, float]) -> None:
        """Losses now and then, and at the end, in the log and in the attempt's own."""
        if self.root and (self._finished() or time.monotonic() - self._told_at >= LINE_SECONDS):
            self._told_at = time.monotonic()
            logger.info("epoch %d: training %.4g, validation %.4g", epoch, *list(values.values())[:2])
            attempts.record("epoch", epoch=epoch, **values)

    def _require_equal_weights(self, epoch: int) -> None:
        """Ranks step alike from equal gradients; processors that round differently would part them unseen."""
        if self.world.size == 1:
            return
        mine = np.array([int(weights_sha256(weights_of(self.model))[:12], 16)], np.float64)
        largest, smallest = self.world.comm.maximum(np.concatenate([mine, -mine]))
        if largest != -smallest:
            raise PhysicsError(
                f"{self.out}: epoch {epoch}: ranks got different weights from equal gradients: their processors round "
                "differently; the last saved state is kept, run on nodes of one kind"
            )

    def _losses(self, links: Tensor) -> Tensor:
        """Loss of every configuration, (batch,) float64."""
        return losses(self.predict(links), self.target(links), self.settings.loss)

    def _links(self, rows: Sequence[Row]) -> Tensor:
        return self.reader.links(rows).to(self.world.device)

    def _save(self, progress: Any) -> None:
        """Save the state on rank 0; every rank returns when it is on the disk."""
        with self.stop.saving():
            if self.root:
                tensors = {f"model/{name}": t for name, t in self.model.state_dict().items()}
                tensors |= {f"best/{name}": t for name, t in self.best.items()}
                tensors |= {f"optimiser/{name}": t for name, t in self.optimiser.state().items()}
                progress.save(Saved(tensors, self.position))
            self.world.comm.broadcast(None)

    def _publish(self, progress: Any) -> str | None:
        """Rank 0 writes history and model, and removes the state."""
        digest = None
        if self.root:
            history, permit = self.position.history, progress.permit
            digest = publish(self.out, self.training, self.data, self.best, history, permit)
            progress.finish()
        self.world.comm.broadcast(None)
        return digest


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Entries whose names begin so, without the prefix."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
