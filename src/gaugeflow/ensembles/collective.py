"""Links written by all ranks together through MPI-IO, each rank its own part of every slab.

All ranks create the temporary file, write the data set `links`, flush, close and read their own parts back. Rank 0 then
opens the file alone, computes digest and checksums from what is in it, adds everything else, and publishes it by the
same rules as any file: fsync, read back, rename. The data are the bits that a gather writes.

HDF5 may not survive the closing of a file that the disk has refused; the launcher then ends the job, and the next run
removes the temporary file.
"""

import logging
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from gaugeflow.ensembles.atomic import file_failures
from gaugeflow.ensembles.links import nbytes
from gaugeflow.ensembles.pieces import link_chunks, link_slabs
from gaugeflow.ensembles.reader import HDF5_FAILURES
from gaugeflow.ensembles.schema import HDF5_BOUNDS, LINKS
from gaugeflow.errors import ConfigError, FileError

MODES = ("auto", "gather", "parallel")

WORTH_BYTES = 1 << 22
"""Smaller configurations are gathered where nothing else was asked for."""

Part = tuple[tuple[int | slice, ...], np.ndarray]
"""Where in the data set, and what."""

logger = logging.getLogger(__name__)


def use_parallel(mode: str, lattice: Any) -> bool:
    """Whether links are written by all ranks together, the same answer on every rank; logs the way and the reason.

    mode      "auto" (where it is possible and configurations have WORTH_BYTES), "gather" (never) or "parallel"

    Raises    ConfigError for "parallel" where it is not possible, or another mode
    """
    if mode not in MODES:
        raise ConfigError(f"--output-mode: got {mode!r}, wanted one of {', '.join(MODES)}")
    comm, size = lattice.comm, nbytes(lattice.shape)
    obstacle = "h5py was built without MPI" if not h5py.get_config().mpi else ""
    obstacle = "one rank" if comm.size == 1 else obstacle
    possible = not comm.any(bool(obstacle))
    if mode == "parallel" and not possible:
        raise ConfigError(f"--output-mode: parallel output is not possible here: {obstacle}; use gather or auto")
    if mode == "gather":
        parallel, reason = False, "as asked"
    elif mode == "parallel":
        parallel, reason = True, "as asked"
    elif not possible:
        parallel, reason = False, obstacle
    else:
        parallel = size >= WORTH_BYTES
        reason = f"h5py has MPI, a configuration has {size} bytes, {WORTH_BYTES} are worth it"
    if comm.rank == 0:
        way = "written by all ranks together" if parallel else "gathered and written by rank 0"
        logger.info("output: configurations are %s (%s)", way, reason)
    return parallel


class CollectiveLinks:
    """Links that all ranks write; rank 0 leads when its writer has a temporary file, the others follow.

    lattice    gives `shape`, `comm`, `link_pieces`, `piece_index`
    """

    def __init__(self, lattice: Any, links: Any) -> None:
        self._lattice, self._links, self.shape = lattice, links, lattice.shape

    def lead(self, temporary: Path, entries: int | None) -> None:
        """On rank 0: create `temporary` with the data set `links`.

        entries    length of the first axis in front of the configuration's own, None if there is no such axis
        """
        self._lattice.comm.broadcast((str(temporary), entries))
        self._write(temporary, entries)

    def follow(self) -> None:
        """On the other ranks: take part."""
        temporary, entries = self._lattice.comm.broadcast(None)
        self._write(Path(temporary), entries)

    def _write(self, temporary: Path, entries: int | None) -> None:
        front = () if entries is None else (entries,)
        chunks = link_chunks((1, *self.shape))[1 - len(front) :]
        with _agreed(self._lattice.comm, temporary, "writing") as agreement:
            checks = _write_together(temporary, agreement, (*front, *self.shape), chunks, self._parts(entries))
        with _agreed(self._lattice.comm, temporary, "reading back"):
            _compare(temporary, checks)

    def _parts(self, entries: int | None) -> Iterator[Part | None]:
        """This rank's part of every slab, None where it has none."""
        slabs = link_slabs(self.shape)
        for part in self._lattice.link_pieces(self._links, slabs):
            yield part if part is None or entries is None else ((0, *part[0]), part[1])


class CollectiveCopy(CollectiveLinks):
    """Links of configurations that stand in files, copied by all ranks.

    stored    (file, number of the configuration in it) of every configuration, known to rank 0
    """

    def __init__(self, lattice: Any, stored: Sequence[tuple[Path, int]] | None) -> None:
        super().__init__(lattice, None)
        self._stored = lattice.comm.broadcast(stored)

    def _parts(self, entries: int | None) -> Iterator[Part | None]:
        for number, (path, i) in enumerate(self._stored):
            with h5py.File(path, "r", locking=False) as file:
                for slab in link_slabs(self.shape):
                    index = self._lattice.piece_index(slab)
                    yield None if index is None else ((number, *index), file["links"][(i, *index)])


class _agreed:
    """Block whose failure on any rank is a FileError on every rank; `agreement.failed()` asks in between."""

    def __init__(self, comm: Any, path: Path, doing: str) -> None:
        self.comm, self._path, self._doing = comm, path, doing
        self.error: BaseException | None = None

    def failed(self) -> bool:
        """Collective: has a rank failed?"""
        return self.comm.any(self.error is not None)

    def __enter__(self) -> "_agreed":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> bool:
        if error is not None and not isinstance(error, (*HDF5_FAILURES, FileError)):
            return False
        self.error = self.error or error
        if not self.failed():
            return False
        if isinstance(self.error, OSError):
            with file_failures(self._path, self._doing):
                raise self.error
        raise FileError(f"{self._path}: {self._doing} together failed: {self.error or 'on another rank'}") from error


def _write_together(
    path: Path, agreement: _agreed, shape: tuple[int, ...], chunks: tuple[int, ...], parts: Iterator[Part | None]
) -> list[tuple[tuple, int]]:
    """Write a data set of links; every rank gives as many parts. Returns (index, crc32) of this rank's parts."""
    checks = []
    with h5py.File(path, "w", driver="mpio", comm=agreement.comm.handle, libver=HDF5_BOUNDS) as file:
        dataset = file.create_dataset(
            "links", shape, LINKS.dtype, chunks=chunks, fletcher32=True, track_times=False, fill_time="never"
        )
        transfer = h5py.h5p.create(h5py.h5p.DATASET_XFER)
        transfer.set_dxpl_mpio(h5py.h5fd.MPIO_COLLECTIVE)
        for part in parts:
            try:
                _write_part(dataset, part, transfer)
            except HDF5_FAILURES as error:
                agreement.error = error
            if agreement.failed():
                return checks
            if part is not None:
                checks.append((part[0], zlib.crc32(np.ascontiguousarray(part[1]))))
        file.flush()
    return checks


def _write_part(dataset: h5py.Dataset, part: Part | None, transfer: Any) -> None:
    """Collective write of one part, of nothing where it is None."""
    target = dataset.id.get_space()
    if part is None:
        target.select_none()
        memory, values = h5py.h5s.create_simple((1,)), np.zeros(1, LINKS.dtype)
        memory.select_none()
    else:
        index, values = part
        values = np.ascontiguousarray(values, LINKS.dtype)
        cut = [slice(i, i + 1) if isinstance(i, int) else i for i in index]
        cut += [slice(0, size) for size in dataset.shape[len(cut) :]]
        count = tuple(c.stop - c.start for c in cut)
        target.select_hyperslab(tuple(c.start for c in cut), count)
        memory = h5py.h5s.create_simple(count)
    dataset.id.write(memory, target, values, dxpl=transfer)


def _compare(path: Path, checks: list[tuple[tuple, int]]) -> None:
    """FileError unless the file has what this rank wrote."""
    with h5py.File(path, "r", locking=False) as file:
        for index, crc in checks:
            if zlib.crc32(np.ascontiguousarray(file["links"][index])) != crc:
                raise FileError(f"{path}: what was read back differs from what was written; check the disk")
