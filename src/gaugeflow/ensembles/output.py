"""One HDF5 file being written: streamed into a temporary file, sealed with its digest, flushed, read back, renamed.

The bytes depend on the content alone: fixed HDF5 format bounds, fixed order of creation, no times, no host.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from gaugeflow.ensembles.atomic import atomic_path, file_failures
from gaugeflow.ensembles.checksums import ChainChecksums
from gaugeflow.ensembles.digest import Digest, little_endian
from gaugeflow.ensembles.links import LinkSource
from gaugeflow.ensembles.pieces import Piece, link_chunks, link_slabs
from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.schema import DIGEST, FORMAT, HDF5_BOUNDS, KINDS, VERSION, Entry
from gaugeflow.ensembles.sink import Sink
from gaugeflow.errors import FileError


@dataclass(frozen=True)
class Dataset:
    """One dataset to write, links also from a source; unit and description come from the schema unless given."""

    data: np.ndarray | LinkSource
    units: str = ""
    description: str = ""
    chunk_shape: tuple[int, ...] | None = None


class Output:
    """An HDF5 file being written, with the digest of what went into it.

    existing    the file is there and holds a data set of links, which `adopt` takes over
    """

    def __init__(self, temporary: Path, path: Path, kind: str, *, existing: bool = False) -> None:
        self._kind, self._path = kind, path
        self._digest = Digest()
        self.digest = ""
        with file_failures(path, "creating"):
            self._sink = Sink(temporary, existing=existing)
        self._file = h5py.File(self._sink, "r+" if existing else "w", libver=HDF5_BOUNDS, track_times=False)
        self._attributes("/", self._file, {"format": FORMAT, "version": VERSION, "kind": kind})

    def attributes(self, values: Mapping[str, str | int | float]) -> None:
        """Attributes of the root group."""
        self._attributes("/", self._file, values)

    def array(self, name: str, dataset: Dataset) -> None:
        """One dataset from an array, in the dtype of the schema, or from a source of links."""
        entry = KINDS[self._kind].datasets.get(name)
        if not isinstance(dataset.data, np.ndarray):
            chunks = link_chunks((1, *dataset.data.shape))[1:]
            self._write(name, entry, dataset.data.shape, chunks, dataset.data.slabs())
            return
        data = little_endian(np.asarray(dataset.data, dtype=entry and entry.dtype))
        entry = Entry(
            data.dtype.str,
            (),
            dataset.units or (entry.units if entry else ""),
            dataset.description or (entry.description if entry else ""),
        )
        chunks = dataset.chunk_shape or (link_chunks((1, *data.shape))[1:] if name == "links" else data.shape)
        self._write(name, entry, data.shape, chunks, [((), data)])

    def stream(self, name: str, entry: Entry, n: int, configurations: Iterator[LinkSource]) -> np.ndarray:
        """One dataset of links (n, ...) from its n entries, one after the other; returns checksums (n, chains)."""
        first = next(configurations, None)
        if first is None:
            raise FileError(f"{self._path}: no configuration to write, wanted {n}")
        shape = (n, *first.shape)
        checksums = [ChainChecksums(first.shape[0]) for _ in range(n)]

        def written() -> Iterator[tuple[Piece, np.ndarray]]:
            count = 0
            for count, source in enumerate(itertools.chain([first], configurations), start=1):
                if count > n or source.shape != shape[1:]:
                    raise FileError(f"{self._path}: {name}: entry {count} has shape {source.shape}, wanted {shape}")
                for slab, values in source.slabs():
                    checksums[count - 1].update(slab[0], values)
                    yield (slice(count - 1, count), *slab), values[None]
            if count != n:
                raise FileError(f"{self._path}: {name}: got {count} entries, wanted {n}")

        self._write(name, entry, shape, link_chunks(shape), written())
        return np.array([c.values for c in checksums], np.uint32)

    def adopt(self, name: str, entry: Entry) -> np.ndarray:
        """Take over links that are in the file already, read back piece by piece; returns checksums (n, chains)."""
        dataset = self._file[name]
        self._attributes(name, dataset, {"description": entry.description, "units": entry.units})
        lead = dataset.ndim - dataset.shape[-3] - 4  # a configuration has chains, D site axes, D, N and N
        entries = [(i,) for i in range(dataset.shape[0])] if lead else [()]
        checksums = [ChainChecksums(dataset.shape[lead]) for _ in entries]

        def read() -> Iterator[np.ndarray]:
            for at, found in zip(entries, checksums, strict=True):
                for chains, times in link_slabs(dataset.shape[lead:]):
                    values = dataset[(*at, chains, times)]
                    found.update(chains, values)
                    yield values

        self._digest.dataset(name, entry.dtype, dataset.shape, read())
        return np.array([c.values for c in checksums], np.uint32)

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

    def _write(self, name: str, entry: Entry, shape: tuple, chunks: tuple, parts: Iterable) -> None:
        """Create a dataset and write its (piece, values), which follow each other in C order."""
        if not entry.units or not entry.description:
            raise FileError(f"{self._path}: dataset {name} is not in the schema: give it units and a description")
        storage = {"chunks": chunks, "fletcher32": True} if all(shape) and shape else {}
        dataset = self._file.create_dataset(name, shape, dtype=entry.dtype, track_times=False, **storage)
        self._attributes(name, dataset, {"description": entry.description, "units": entry.units})

        def written() -> Iterator[np.ndarray]:
            for piece, values in parts:
                values = np.asarray(values, entry.dtype)
                dataset[piece] = values
                self._raise_refused()
                yield values

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
def created(
    path: Path, kind: str, make: Callable[[Path], None] | None = None, permit: Callable[[], None] | None = None
) -> Iterator[Output]:
    """An output that is sealed, flushed, read back and renamed when the block ends, and gone if it fails.

    make      creates the temporary file with links that the output is to adopt
    permit    called just before the renaming; what it raises forbids that
    """
    with atomic_path(path, permit) as temporary:
        if make is not None:
            make(temporary)
        output = Output(temporary, path, kind, existing=make is not None)
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
