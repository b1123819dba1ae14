"""In which order configurations are used: a function of seed and epoch alone, whatever the number of ranks."""

import itertools
from collections.abc import Sequence

import numpy as np

from gaugeflow.rng import Purpose, Stream

Batch = tuple[int, ...]
"""Numbers of rows."""

BATCHES = 1
"""Direction field of the numbers that shuffle batches; rows have 0."""


def shuffled(seed: int, epoch: int, count: int, direction: int = 0) -> list[int]:
    """A permutation of 0 .. count - 1, uniform among all: positions sorted by a random number of 53 bits each."""
    drawn = Stream(seed, Purpose.TRAINING_ORDER).uniform(site=np.arange(count), trajectory=epoch, direction=direction)
    return np.argsort(drawn, kind="stable").tolist()


def batches(extents: Sequence[tuple[int, ...]], size: int, seed: int, epoch: int) -> list[Batch]:
    """All rows once, in batches of `size` (the last one of each lattice size may be smaller).

    extents    of the lattice of every row: a batch has one lattice size

    Rows are shuffled, dealt into batches lattice by lattice, and the batches shuffled.
    """
    dealt = _dealt(extents, shuffled(seed, epoch, len(extents)), size)
    return [dealt[k] for k in shuffled(seed, epoch, len(dealt), BATCHES)]


def in_order(extents: Sequence[tuple[int, ...]], size: int) -> list[Batch]:
    """All rows once, in batches of one lattice size, not shuffled."""
    return _dealt(extents, list(range(len(extents))), size)


def micro_batches(batch: Batch, size: int) -> list[Batch]:
    """A batch in parts of `size`, the last one perhaps smaller."""
    return [batch[first : first + size] for first in range(0, len(batch), size)]


def _dealt(extents: Sequence[tuple[int, ...]], order: list[int], size: int) -> list[Batch]:
    lattices = sorted(set(extents))
    sorted_rows = [[row for row in order if extents[row] == lattice] for lattice in lattices]
    return list(itertools.chain.from_iterable(micro_batches(tuple(rows), size) for rows in sorted_rows))
