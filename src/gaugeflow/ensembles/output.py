"""One HDF5 file being written: streamed into a temporary file, sealed with its digest, flushed, read back, renamed.

The bytes depend on the content alone: fixed HDF5 format bounds, fixed order of creation, no times, no host.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from gaugeflow.ensembles.atomic import atomic_path, file_failures
from gaugeflow.ensembles.digest import Digest, little_endian
from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.schema import DIGEST, FORMAT, KINDS, VERSION, Entry
from gaugeflow.ensembles.sink import Sink
from gaugeflow.errors import FileError

HDF5_BOUNDS = ("v110", "v110")
"""Oldest and newest HDF5 format used; 1.10 has a checksum in every piece of metadata."""

MIN_CHUNK_BYTES = 1 << 16
"""Smaller HDF5 chunks cost more in their index than they save."""


@dataclass(frozen=True)
class Dataset:
    """One dataset to write; unit and description come from the schema's table unless given."""

    data: np.ndarray
    units: str = ""
    description: str = ""
    chunk_shape: tuple[int, ...] | None = None


def link_chunks(shape: tuple[int, ...]) -> tuple[int, ...]:
    """HDF5 chunk of links (n, chains, t, .., N, N): one time slice of one chain, joined until it has MIN_CHUNK_BYTES.

    Slices are joined along t first, then chains along the chain axis; configurations are never joined.
    """
    wanted = list((1, 1, 1) + shape[3:])
    for axis in (2, 1):
        size = 16 * int(np.prod(wanted))
        wanted[axis] = min(shape[axis], max(1, -(-MIN_CHUNK_BYTES // size)))
    return tuple(wanted)


class Output:
    """An HDF5 file being written, with the digest of what went into it."""

    def __init__(self, temporary: Path, path: Path, kind: str) -> None:
        self._kind, self._path = kind, path
        self._digest = Digest()
        self.digest = ""
        with file_failures(path, "creating"):
            self._sink = Sink(temporary)
        self._file = h5py.File(self._sink, "w", libver=HDF5_BOUNDS, track_times=False)
        self._attributes("/", self._file, {"format": FORMAT, "version": VERSION, "kind": kind})

    def attributes(self, values: Mapping[str, str | int | float]) -> None:
        """Attributes of the root group."""
        self._attributes("/", self._file, values)

    def array(self, name: str, dataset: Dataset) -> None:
        """One dataset from an array, in the dtype of the schema."""
        entry = KINDS[self._kind].datasets.get(name)
        data = little_endian(np.asarray(dataset.data, dtype=entry and entry.dtype))
        entry = Entry(
            data.dtype.str,
            (),
            dataset.units or (entry.units if entry else ""),
            dataset.description or (entry.description if entry else ""),
        )
        chunks = dataset.chunk_shape or (link_chunks((1, *data.shape))[1:] if name == "links" else data.shape)
        self._write(name, entry, data.shape, chunks, [data], whole=True)

    def stream(self, name: str, entry: Entry, n: int, parts: Iterator[np.ndarray]) -> None:
        """One dataset of links (n, ...) from its n entries, one at a time."""
        first = next(parts, None)
        if first is None:
            raise FileError(f"{self._path}: no configuration to write, wanted {n}")
        shape = (n, *first.shape)
        self._write(name, entry, shape, link_chunks(shape), _chained(first, parts), whole=False)

    def close(self) -> None:
        """Seal the file with its digest, close HDF5, flush to the disk; raises what the disk refused."""
        self.digest = self._digest.hexdigest()
        try:
            if self._sink.error is None:
                self._attributes("/", self._file, {DIGEST: self.digest})
            self._file.close()
            self._sink.sync()
        finally:
            self._sink.close()
        self._raise_refused()

    def abandon(self) -> None:
        """Close everything after a failure; the file is of no use."""
        with suppress(OSError, RuntimeError):  # HDF5 may miss what the disk refused; the first error is on its way
            self._file.close()
        self._sink.close()

    def _write(self, name: str, entry: Entry, shape: tuple, chunks: tuple, parts: Iterable, *, whole: bool) -> None:
        if not entry.units or not entry.description:
            raise FileError(f"{self._path}: dataset {name} is not in the schema: give it units and a description")
        storage = {"chunks": chunks, "fletcher32": True} if all(shape) and shape else {}
        dataset = self._file.create_dataset(name, shape, dtype=entry.dtype, track_times=False, **storage)
        self._attributes(name, dataset, {"description": entry.description, "units": entry.units})

        def written() -> Iterator[np.ndarray]:
            count = 0
            for count, part in enumerate(parts, start=1):
                if not whole and (count > shape[0] or part.shape != shape[1:]):
                    raise FileError(f"{self._path}: {name}: entry {count} has shape {part.shape}, wanted {shape}")
                dataset[() if whole else count - 1] = part
                self._raise_refused()
                yield part
            if not whole and count != shape[0]:
                raise FileError(f"{self._path}: {name}: got {count} entries, wanted {shape[0]}")

        self._digest.dataset(name, entry.dtype, shape, written())

    def _attributes(self, owner: str, item: h5py.Group | h5py.Dataset, values: Mapping) -> None:
        for name in sorted(values):
            value = values[name]
            if isinstance(value, str):
                data = value.encode()
                item.attrs.create(name, data, dtype=h5py.string_dtype("utf-8", max(1, len(data))))
            else:
                value = np.int64(value) if isinstance(value, int | np.integer) else np.float64(value)
                item.attrs.create(name, value, dtype=value.dtype.newbyteorder("<"))
            self._digest.attribute(owner, name, value)

    def _raise_refused(self) -> None:
        if self._sink.error is not None:
            with file_failures(self._path, "writing"):
                raise self._sink.error


@contextmanager
def created(path: Path, kind: str) -> Iterator[Output]:
    """An output that is sealed, flushed, read back and renamed when the block ends, and gone if it fails."""
    with atomic_path(path) as temporary:
        output = Output(temporary, path, kind)
        try:
            yield output
        except BaseException:
            output.abandon()
            raise
        output.close()
        with open_file(temporary, kind, name=path) as written:
            read_back = written.recompute_digest()
        if read_back != output.digest:
            raise FileError(f"{path}: what was read back differs from what was written; check the disk and run again")


def _chained(first: np.ndarray, rest: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    yield first
    yield from rest
