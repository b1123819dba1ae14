"""Reading HDF5 files: refuses what is foreign, damaged or of another version with one clear FileError."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import h5py
import numpy as np

from gaugeflow.ensembles.checksums import ChainChecksums
from gaugeflow.ensembles.digest import attribute_value, content_lines, digest_of_lines
from gaugeflow.ensembles.layout import layout_problems
from gaugeflow.ensembles.links import Slab, as_array
from gaugeflow.ensembles.pieces import link_slabs
from gaugeflow.ensembles.schema import ARCHIVED, CATALOGUE, DIGEST, FORMAT, KINDS, READ_AS, VERSION
from gaugeflow.errors import FileError
from gaugeflow.timing import IO, timed

SIGNATURE = b"\x89HDF\r\n\x1a\n"

HDF5_FAILURES = (
    OSError,
    KeyError,
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    MemoryError,
    NotImplementedError,
)
"""What h5py raises for a damaged file, by experience; caught around calls of h5py only."""


def open_file(path: Path | str, kind: str | None = None, *, name: Path | str | None = None) -> "ChunkFile":
    """Open a file of ours for reading; a context manager.

    kind    wanted kind, or one that is read as it (schema.READ_AS); None takes any
    name    how messages call the file, `path` if not given

    Raises  FileError if the file is missing, empty, no HDF5, foreign, of another version or kind, or laid out wrongly
    """
    return ChunkFile(Path(path), kind, str(name or path))


class ChunkFile:
    """One open file: its identity, and its datasets on demand."""

    @timed(IO)
    def __init__(self, path: Path, kind: str | None, name: str) -> None:
        self.name, self.path = name, path
        _refuse_no_hdf5(path, name)
        with self._failures("opening"):
            self._file = h5py.File(path, "r", locking=False)
        try:
            with self._failures("reading the header"):
                self.attributes = {key: attribute_value(raw) for key, raw in self._file.attrs.items()}
            self.kind = self._checked_kind(kind)
            layout = self._layout(os.path.getsize(path))
        except BaseException:
            self.close()
            raise
        self._dtypes = {name: dtype for name, (dtype, _) in layout.items()}
        self._shapes = {name: shape for name, (_, shape) in layout.items()}

    @property
    def spec_text(self) -> str:
        """Canonical JSON text of the ensemble's spec.json."""
        return self.attributes["spec"]

    @property
    def ensemble_id(self) -> str:
        """Identity of the ensemble."""
        return self.attributes["ensemble_id"]

    @property
    def chunk(self) -> int:
        """Number of this chunk in its ensemble, from 0."""
        return self.attributes["chunk"]

    @property
    def provenance(self) -> dict:
        """Versions, commit and input hashes of the run that wrote the file; FileError if they are no JSON."""
        return self._parsed("provenance")

    @property
    def spec(self) -> dict:
        """Content of the ensemble's spec.json; FileError if it is no JSON."""
        return self._parsed("spec")

    @property
    def content_sha256(self) -> str:
        """The stored hash of the content."""
        return self.attributes[DIGEST]

    @property
    def n(self) -> int:
        """Number of configurations."""
        return self.shape("trajectory")[0]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all datasets, sorted."""
        return tuple(sorted(self._shapes))

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a dataset without reading it; FileError if there is none of this name."""
        if name not in self._shapes:
            raise FileError(f"{self.name}: no dataset {name}; a file of kind {self.kind} has {', '.join(self.names)}")
        return self._shapes[name]

    @timed(IO)
    def dataset(self, name: str) -> np.ndarray:
        """A whole dataset; FileError if it is missing or damaged."""
        self.shape(name)
        with self._failures(f"reading {name}"):
            return self._file[name][()]

    def dtype(self, name: str) -> str:
        """dtype string of a dataset; FileError if there is none of this name."""
        self.shape(name)
        return self._dtypes[name]

    def label(self, name: str) -> tuple[str, str]:
        """Units and description of a dataset, empty where it has none."""
        self.shape(name)
        with self._failures(f"reading the attributes of {name}"):
            attributes = {key: attribute_value(raw) for key, raw in self._file[name].attrs.items()}
        return str(attributes.get("units", "")), str(attributes.get("description", ""))

    @timed(IO)
    def entry(self, name: str, i: int) -> np.ndarray:
        """Entry i of the first axis of a dataset; FileError if it is missing or damaged."""
        self.require_entry(name, i)
        with self._failures(f"reading {name}[{i}]"):
            return self._file[name][i]

    def require_entry(self, name: str, i: int) -> None:
        """FileError if the first axis of a dataset has no entry i."""
        n = self.shape(name)[0]
        if not 0 <= i < n:
            raise FileError(f"{self.name}: entry {i} of {name} was asked for, there are {n}")

    @timed(IO)
    def piece(self, name: str, index: tuple[int | slice, ...]) -> np.ndarray:
        """A part of a dataset; FileError if it is missing or damaged."""
        self.shape(name)
        with self._failures(f"reading {name}"):
            return self._file[name][index]

    def links(self, i: int) -> np.ndarray:
        """Links (chains, t.., x, D, N, N) of configuration i, their checksums compared; FileError if they differ."""
        return as_array(StoredLinks(self, i))

    def recompute_digest(self) -> str:
        """content_sha256 computed anew from everything in the file."""
        return digest_of_lines(self.content_lines())

    @timed(IO)
    def content_lines(self) -> list[str]:
        """The lines that content_sha256 is a hash of, computed anew from everything in the file."""
        with self._failures("reading"):
            return content_lines(self._file)

    def close(self) -> None:
        """Close the file; reading is over."""
        with self._failures("closing"):
            self._file.close()

    def __enter__(self) -> "ChunkFile":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _parsed(self, name: str) -> dict:
        try:
            content = json.loads(self.attributes[name])
        except ValueError as error:
            raise FileError(f"{self.name}: attribute {name} is no JSON ({error})") from error
        if not isinstance(content, dict):
            raise FileError(f"{self.name}: attribute {name} holds {type(content).__name__}, wanted a JSON object")
        return content

    def _checked_kind(self, wanted: str | None) -> str:
        if self.attributes.get("format") != FORMAT:
            raise FileError(f"{self.name}: an HDF5 file of another program (attribute format is not {FORMAT!r})")
        if self.attributes.get("version") != VERSION:
            raise FileError(f"{self.name}: layout version {self.attributes.get('version')}, this code reads {VERSION}")
        kind = self.attributes.get("kind")
        if kind not in KINDS:
            raise FileError(f"{self.name}: unknown kind {kind!r}, wanted one of {', '.join(KINDS)}")
        if (kind, wanted) == (ARCHIVED, "configurations"):
            raise FileError(f"{self.name}: its links are in an archive; gaugeflow archive --restore brings them back")
        if (kind, wanted) == (CATALOGUE, "configurations"):
            raise FileError(
                f"{self.name}: a catalogue of other codes' files, which have the links; wanted a file with links: "
                "gaugeflow convert makes one"
            )
        if wanted is not None and wanted not in (kind, READ_AS.get(kind)):
            raise FileError(f"{self.name}: holds {kind}, wanted {wanted}")
        return kind

    def _layout(self, file_size: int) -> dict[str, tuple[str, tuple[int, ...]]]:
        """dtype and shape of every dataset, compared with the table of the kind."""
        found: dict[str, h5py.Dataset] = {}

        def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset):
                found[name] = item

        with self._failures("reading the table of contents"):
            self._file.visititems(add)
            layout = {name: (item.dtype.str, item.shape) for name, item in found.items()}
            stored = sum(item.nbytes for item in found.values())
        problems = layout_problems(self.kind, layout, self.attributes)
        if stored > file_size:  # nothing is compressed: sizes are wrong, and reading would ask for absurd memory
            problems.insert(0, f"datasets need {stored} bytes, the file has {file_size}: it is damaged")
        if problems:
            more = f" (and {len(problems) - 1} more)" if problems[1:] else ""
            raise FileError(f"{self.name}: {problems[0]}{more}")
        return layout

    @contextmanager
    def _failures(self, doing: str) -> Iterator[None]:
        try:
            yield
        except HDF5_FAILURES as error:
            reason = " ".join(str(error).split())[:200]
            raise FileError(
                f"{self.name}: damaged, {doing} failed ({reason}); delete it and run the command that made it again"
            ) from error


class StoredLinks:
    """Links of an open file as a source: of configuration `i`, or the only ones (restart states) if that is None.

    Where the file has checksums, those of a chain are compared before its last slab is given out: FileError if they
    differ.
    """

    def __init__(self, file: ChunkFile, i: int | None) -> None:
        if i is not None:
            file.require_entry("links", i)
        self._file, self._entry = file, () if i is None else (i,)
        self.shape = file.shape("links")[len(self._entry) :]

    def slabs(self) -> Iterator[tuple[Slab, np.ndarray]]:
        """Read slab by slab."""
        stored = self._file.entry("checksum", self._entry[0]) if "checksum" in self._file.names else None
        checksums = ChainChecksums(self.shape[0])
        for chains, times in link_slabs(self.shape):
            values = self._file.piece("links", (*self._entry, chains, times))
            if stored is not None:
                checksums.update(chains, values)
                if times.stop == self.shape[1]:
                    self._compare(checksums, stored, chains)
            yield (chains, times), values

    def _compare(self, found: ChainChecksums, stored: np.ndarray, chains: slice) -> None:
        for c in range(chains.start, chains.stop):
            if found.values[c] != stored[c]:
                where = f"{self._file.name}: configuration {self._entry[0]}"
                raise FileError(f"{where}: checksum of chain {c} differs from the stored one")


def _refuse_no_hdf5(path: Path, name: str) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(len(SIGNATURE))
    except OSError as error:
        raise FileError(f"{name}: cannot be read: {error.strerror}") from error
    if not head:
        raise FileError(f"{name}: empty; delete it and run the command that made it again")
    if head != SIGNATURE:
        raise FileError(f"{name}: not an HDF5 file (or its first bytes are damaged)")
