"""Configurations of several ensembles as numbered rows, read when they are wanted and nothing else with them."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from gaugeflow.config.spec_file import read_spec_text
from gaugeflow.config.study import CONFIGS
from gaugeflow.config.trainings import Training, used_configurations
from gaugeflow.ensembles.rows import ChunkRows
from gaugeflow.errors import ConfigError, FileError
from gaugeflow.nn.fields import from_file_order
from gaugeflow.rng import FIELD_BITS
from gaugeflow.training.split import split_chains

if TYPE_CHECKING:
    from gaugeflow.config.study import Ensemble

OPEN_FILES = 32
CACHE_BYTES = 1 << 30
"""Rows that were read stay in memory up to this size, as complex128."""


@dataclass(frozen=True)
class Chunk:
    """One file of configurations, or a catalogue, as its header says.

    folder    where the files of a catalogue are
    """

    path: Path
    folder: Path | None
    ensemble_id: str
    number: int
    n: int
    chains: int
    extents: tuple[int, ...]
    group: str
    content_sha256: str


@dataclass(frozen=True)
class Row:
    """One configuration of one chain."""

    chunk: int
    configuration: int
    chain: int


@dataclass(frozen=True)
class DataSet:
    """Rows of a training and those kept aside, and the files that they are in."""

    chunks: tuple[Chunk, ...]
    training: tuple[Row, ...]
    validation: tuple[Row, ...]

    @property
    def contents(self) -> dict[str, str]:
        """ensemble/chunk -> content_sha256 of every file."""
        return {f"{c.ensemble_id}/{c.number:04d}": c.content_sha256 for c in self.chunks}

    def extents(self, rows: Sequence[Row]) -> list[tuple[int, ...]]:
        """Lattice of every row."""
        return [self.chunks[row.chunk].extents for row in rows]


def chunk_at(path: Path, folder: Path | None = None) -> Chunk:
    """What the header of a chunk says.

    Raises    FileError if it is missing, damaged or something else
    """
    with ChunkRows(path, folder) as file:
        spec = read_spec_text(file.spec_text, str(path)).spec
        where = (path, folder, file.ensemble_id, file.chunk, file.n, file.chains)
        return Chunk(*where, tuple(spec.extents), spec.group, file.content_sha256)


def find_data(training: Training, ensembles_folder: Path) -> DataSet:
    """All chunks of the training ensembles, and their rows split by chain.

    ensembles_folder    ROOT/data/ensembles

    Raises    FileError naming an ensemble that is missing, incomplete or another one; ConfigError for too many rows
    """
    assert training.training is not None
    chunks: list[Chunk] = []
    rows: dict[bool, list[Row]] = {True: [], False: []}
    for ensemble in training.train:
        own = [_found(ensemble, number, ensembles_folder) for number in range(ensemble.chunks)]
        split = split_chains(ensemble.ensemble_id, own[0].chains, training.training.validation)
        wanted = used_configurations(ensemble, training)
        for k, chunk in enumerate(own, len(chunks)):
            used, wanted = min(wanted, chunk.n), max(0, wanted - chunk.n)
            for side, own_chains in ((False, split.training), (True, split.validation)):
                rows[side] += [Row(k, i, chain) for chain in own_chains for i in range(used)]
        chunks += own
    if len(rows[False]) >= 1 << FIELD_BITS["chain"]:
        raise ConfigError(
            f"{training.model_id}: got {len(rows[False])} configurations to train on, wanted fewer than 2^24, the "
            "width of a field of the random numbers' counter; limit training.configurations"
        )
    return DataSet(tuple(chunks), tuple(rows[False]), tuple(rows[True]))


def _found(ensemble: "Ensemble", number: int, ensembles_folder: Path) -> Chunk:
    path = ensembles_folder / ensemble.ensemble_id / CONFIGS / f"{number:04d}.h5"
    if not path.exists():
        made = "catalogue" if ensemble.foreign else "generate"
        raise FileError(
            f"{path}: missing, wanted chunk {number} of the {ensemble.chunks} of {ensemble.label} "
            f"({ensemble.ensemble_id}); make it with gaugeflow {made}, or correct --data"
        )
    chunk = chunk_at(path, ensemble.foreign.folder if ensemble.foreign else None)
    if (chunk.ensemble_id, chunk.number) != (ensemble.ensemble_id, number):
        raise FileError(
            f"{path}: holds chunk {chunk.number} of {chunk.ensemble_id}, wanted chunk {number} of "
            f"{ensemble.ensemble_id}; correct --data"
        )
    return chunk


class Reader:
    """Reads rows; keeps some files open and rows that were read in memory.

    Raises    FileError for a file that changed since its header was read, or links that fail their checksum
    """

    def __init__(self, chunks: Sequence[Chunk], cache_bytes: int = CACHE_BYTES) -> None:
        self._chunks, self._cache_bytes, self._held = chunks, cache_bytes, 0
        self._open: OrderedDict[int, ChunkRows] = OrderedDict()
        self._rows: dict[Row, np.ndarray] = {}

    def links(self, rows: Sequence[Row]) -> Tensor:
        """U[batch, mu, t, .., x, N, N] complex128 of rows of one lattice size."""
        return from_file_order(torch.from_numpy(np.stack([self._row(row) for row in rows])))

    def close(self) -> None:
        """Close all files."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _row(self, row: Row) -> np.ndarray:
        kept = self._rows.get(row)
        if kept is not None:
            return kept
        links = self._file(row.chunk).read(row.configuration, row.chain)
        if self._held + links.nbytes <= self._cache_bytes:
            self._held += links.nbytes
            self._rows[row] = links
        return links

    def _file(self, number: int) -> ChunkRows:
        if number not in self._open:
            if len(self._open) >= OPEN_FILES:
                self._open.popitem(last=False)[1].close()
            chunk = self._chunks[number]
            file = ChunkRows(chunk.path, chunk.folder)
            if file.content_sha256 != chunk.content_sha256:
                file.close()
                raise FileError(f"{chunk.path}: was replaced while it was used; run the same command again")
            self._open[number] = file
        self._open.move_to_end(number)
        return self._open[number]
