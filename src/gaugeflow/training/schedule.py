"""Learning rates: functions of the epoch and the validation losses so far, so a restart needs no state of theirs."""

import math
from collections.abc import Sequence

from gaugeflow.config.training import ConstantRate, CosineRate, StepRate, TrainingSettings


def learning_rate(settings: TrainingSettings, epoch: int, losses: Sequence[float]) -> float:
    """Learning rate of an epoch.

    losses    validation losses of the epochs before
    """
    first, schedule = settings.optimiser.learning_rate, settings.schedule
    if isinstance(schedule, ConstantRate):
        return first
    if isinstance(schedule, CosineRate):
        if epoch < schedule.warmup:
            return first * (epoch + 1) / (schedule.warmup + 1)
        along = (epoch - schedule.warmup) / max(1, settings.epochs - 1 - schedule.warmup)
        return first * (schedule.final + (1 - schedule.final) * (1 + math.cos(math.pi * along)) / 2)
    if isinstance(schedule, StepRate):
        return first * schedule.factor ** (epoch // schedule.every)
    rate, waited, best = first, 0, math.inf
    for loss in losses[:epoch]:
        waited = 0 if loss < best else waited + 1
        best = min(best, loss)
        if waited == schedule.patience:
            rate, waited = rate * schedule.factor, 0
    return rate


def best_epoch(losses: Sequence[float]) -> int:
    """Number of the epoch with the lowest validation loss, the first of equals."""
    return min(range(len(losses)), key=lambda epoch: losses[epoch])


def finished(settings: TrainingSettings, losses: Sequence[float]) -> bool:
    """Whether all epochs are done, or as many as `patience` says have passed since the best one."""
    if len(losses) >= settings.epochs:
        return True
    patient = settings.patience is None or not losses or len(losses) - 1 - best_epoch(losses) < settings.patience
    return not patient
