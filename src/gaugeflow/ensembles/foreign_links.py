"""Links of other codes' files on the ranks of a lattice: every rank opens the files and reads its own part.

The checksum of what all ranks read is compared with the catalogue's, so a file that changed since is found. Whatever
fails on one rank is an error on all of them, before anything is sent.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from gaugeflow.ensembles.catalogue import FileRecord
from gaugeflow.ensembles.pieces import link_slabs
from gaugeflow.errors import ConfigError, FileError
from gaugeflow.formats.reading import LinkFile, read_header

LINKS = "links"


def foreign_configurations(
    records: Sequence[FileRecord], lattice: Any, folder: Path | None, catalogue: str
) -> Iterator[Any]:
    """Links of one configuration of all chains after the other, in the lattice's form; collective.

    records    of all files, in the order (configuration, chain)

    Raises     ConfigError without a folder, FileError on all ranks for a file that is not the catalogued one
    """
    if folder is None:
        raise ConfigError(f"{catalogue}: is a catalogue; give the study that names its files with --study")
    for first in range(0, len(records), lattice.chains):
        with ExitStack() as stack:
            own = Own(records[first : first + lattice.chains], lattice, folder, stack)
            yield lattice.scatter_own(link_slabs(lattice.shape), own.read, own.agree)


class Own:
    """One rank's part of one configuration, a file per chain; what goes wrong is kept until all ranks hear of it."""

    def __init__(self, records: Sequence[FileRecord], lattice: Any, folder: Path, stack: ExitStack) -> None:
        self._records, self._lattice, self._folder, self._stack = records, lattice, folder, stack
        self._open: dict[int, LinkFile] = {}
        self._problem: str | None = None

    def read(self, index: tuple[slice, ...]) -> np.ndarray:
        """Links (chains, t, z, y, x, mu, a, b) at global slices; zeros once something went wrong."""
        chains, *sites = index
        shape = (*(s.stop - s.start for s in index), *self._lattice.shape[-3:])
        out = np.zeros(shape, np.complex128)
        for c in range(chains.start, chains.stop):
            if self._problem is None:
                try:
                    out[c - chains.start] = as_complex(self._file(c).part(*sites))
                except FileError as error:
                    self._problem = str(error)
                except OSError as error:
                    self._problem = f"{self._folder / self._records[c].name}: cannot be read: {error.strerror or error}"
        return out

    def agree(self) -> None:
        """Collective: FileError on all ranks for what went wrong on one, or links that are not the catalogued ones."""
        comm = self._lattice.comm
        problem = comm.first(self._problem)
        if problem is None:
            sums = comm.exclusive_or(self._sums())
            problem = comm.first(self._difference(sums))
        if problem is not None:
            raise FileError(problem)

    def _file(self, c: int) -> LinkFile:
        if c not in self._open:
            path = self._folder / self._records[c].name
            header = read_header(path, extents=self._lattice.extents, group=self._lattice.group)
            self._open[c] = self._stack.enter_context(LinkFile(path, header))
        return self._open[c]

    def _sums(self) -> np.ndarray:
        """(chains, 2) checksums of what this rank read of every file, 0 where it read nothing."""
        sums = np.zeros((len(self._records), 2), np.int64)
        for c, file in self._open.items():
            sums[c] = file.checksums[LINKS]
        return sums

    def _difference(self, sums: np.ndarray) -> str | None:
        for record, found in zip(self._records, sums.tolist(), strict=True):
            if tuple(found) != record.checksum:
                return (
                    f"{self._folder / record.name}: its links have the checksum {found[0]:08x} {found[1]:08x}, the "
                    f"catalogue says {record.links}: the file was changed; get it back, or make the catalogue again"
                )
        return None


def as_complex(reals: np.ndarray) -> np.ndarray:
    """Reals (.., 2) of any byte order and precision as complex128."""
    return np.ascontiguousarray(reals, np.float64).view(np.complex128)[..., 0]
