"""Configurations of other codes: header, links and checksums, in bounded memory whatever the file holds.

header = read_header("conf.0100")
with LinkFile("conf.0100", header) as links:
    for (times, zs), reals in links.blocks():
        ...
    links.checksums["links"]
"""

import os
from collections.abc import Iterator

import numpy as np

from gaugeflow.errors import FileError
from gaugeflow.formats import ildg, milc, nersc, openqcd
from gaugeflow.formats.checksums import CrcOfSites, Numbers, RunningChecksums, combine_checksums, zlib_crc_of_sites
from gaugeflow.formats.file_bytes import FileBytes
from gaugeflow.formats.header import Header
from gaugeflow.formats.known import Known

__all__ = ["LinkFile", "combine_checksums", "is_hdf5", "read_header", "zlib_crc_of_sites"]

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
BLOCK_BYTES = 1 << 23

Box = tuple[slice, slice, slice, slice]
"""Slices of t, z, y, x with their ends."""


def is_hdf5(path: os.PathLike | str) -> bool:
    """Whether a file begins like HDF5, gaugeflow's own format.

    Raises    FileError if it cannot be read
    """
    with FileBytes(path) as file:
        return file.read(0, len(HDF5_SIGNATURE)) == HDF5_SIGNATURE


def read_header(
    path: os.PathLike | str, *, extents: tuple[int, int, int, int] | None = None, group: str | None = None
) -> Header:
    """What a configuration's file says, its format told by its content.

    extents, group    (x, y, z, t) and name, of a file that does not say them itself; compared where it does

    Raises    FileError for anything that cannot be read as one configuration, ConfigError for impossible arguments
    """
    known = Known(None if extents is None else tuple(extents), group)
    with FileBytes(path) as file:
        start = file.read(0, 16)
        if ildg.matches(start):
            return ildg.read_ildg_header(file, known)
        if nersc.matches(start):
            return nersc.read_nersc_header(file, known)
        if milc.matches(start):
            return milc.read_milc_header(file, known)
        if openqcd.matches(file):
            return openqcd.read_openqcd_header(file, known)
        raise FileError(
            f"{path}: got a file of {file.size} bytes that begins with {start[:8]!r}, "
            "wanted a configuration in ILDG, SciDAC, NERSC, MILC or openQCD format; convert it with its own code"
        )


class LinkFile:
    """Links of a file, and their checksums as they are handed out; a context manager.

    path, header     the file and what `read_header` gave
    crc_of_sites     uint8 (sites, bytes) -> uint32 (sites,), crc32 of every row
    links            whether the checksum "links" is wanted beside the format's own

    Every rank may open its own and read its own part.

    Raises    FileError where the file cannot be read
    """

    def __init__(
        self,
        path: os.PathLike | str,
        header: Header,
        *,
        crc_of_sites: CrcOfSites = zlib_crc_of_sites,
        links: bool = True,
    ) -> None:
        self.header = header
        self._file = FileBytes(path)
        self._running = RunningChecksums(header, crc_of_sites, links=links)
        self._counted: np.ndarray | None = None
        self._neighbours = openqcd.OpenQCDLinks(self._file, header) if header.format == "openqcd" else None

    def __enter__(self) -> "LinkFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def checksums(self) -> dict[str, tuple[int, ...]]:
        """Name -> partial sums over the sites handed out so far, each once: the format's own, and "links".

        "links" is SciDAC's (suma, sumb) of full matrices in ILDG's order, big-endian, at the stored precision.
        """
        return self._running.values

    def part(self, times: slice, zs: slice, ys: slice, xs: slice) -> np.ndarray:
        """Links of a box: reals (t, z, y, x, 4, N, N, 2), directions x, y, z, t, in the stored byte order.

        Reads only the bytes that it needs; of openQCD, whose neighbours lie apart, whole (y, z) planes of one (t, x).
        """
        t, z, y, x = self.header.shape[:4]
        box = tuple(_ends(part, size) for part, size in zip((times, zs, ys, xs), (t, z, y, x), strict=True))
        return self._hand_out(box, np.empty(_stored_shape(self.header, box), self.header.dtype))

    def blocks(self, max_bytes: int = BLOCK_BYTES) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
        """The whole configuration in C order: ((times, zs), reals as `part` gives), z ranges of one time slice each.

        max_bytes    of a block, if a z plane is not larger; blocks share a buffer: use one before you ask for the next
        """
        t, z, y, x = self.header.shape[:4]
        thickness = min(z, max(1, max_bytes // (y * x * self.header.site_bytes)))
        buffer = None
        for time in range(t):
            for first in range(0, z, thickness):
                zs = slice(first, min(first + thickness, z))
                box = (slice(time, time + 1), zs, slice(0, y), slice(0, x))
                shape = _stored_shape(self.header, box)
                if buffer is None:
                    buffer = np.empty(shape, self.header.dtype)
                yield box[:2], self._hand_out(box, buffer[:, : shape[1]])

    def _hand_out(self, box: Box, stored: np.ndarray) -> np.ndarray:
        """Read a box into a contiguous buffer of the stored rows, count its checksums, and complete its matrices."""
        if self._neighbours is not None:
            self._neighbours.read(box, stored)
        elif stored.size:
            self._read_sites(box, stored)
        reals = stored if self.header.rows == self.header.n else nersc.third_row(stored)
        if stored.size:
            sites = stored.reshape(int(np.prod(stored.shape[:4])), -1)
            self._count(box, sites.view(np.uint8), reals.reshape(len(sites), *reals.shape[4:]))
        return reals

    def _read_sites(self, box: Box, stored: np.ndarray) -> None:
        """Read sites that lie in order, in as few reads as the box has runs."""
        sizes = self.header.shape[:4]
        length, axes = self.header.site_bytes, 3
        while axes and box[axes].stop - box[axes].start == sizes[axes]:
            axes -= 1  # the axes behind the first partial one, counted from x, are read at once
        outer = [range(part.start, part.stop) for part in box[:axes]]
        runs = stored.reshape(-1).view(np.uint8).reshape(int(np.prod([len(r) for r in outer], dtype=np.int64)), -1)
        for run, place in zip(runs, np.ndindex(*(len(r) for r in outer)), strict=True):
            site = [r[i] for r, i in zip(outer, place, strict=True)] + [part.start for part in box[axes:]]
            first = int(np.ravel_multi_index(site, sizes))
            self._file.read_into(self.header.offset + first * length, memoryview(run))

    def _count(self, box: Box, stored: np.ndarray, reals: np.ndarray) -> None:
        """Add the sites of a box to the checksums, those that came before left out."""
        if self._counted is None:
            self._counted = np.zeros(self.header.shape[:4], bool)
        before = self._counted[box]
        numbers = site_numbers(self.header.shape[:4], box)
        if before.any():
            new = ~before.reshape(-1)
            numbers, stored, reals = np.asarray(numbers)[new], stored[new], reals[new]
        if len(numbers):
            self._running.add(numbers, stored, reals)
        before[...] = True


def site_numbers(sizes: tuple[int, ...], box: Box) -> Numbers:
    """Numbers of the sites of a box in its own order, a range where they follow one another.

    sizes    (t, z, y, x)
    """
    first = int(np.ravel_multi_index([min(part.start, size - 1) for part, size in zip(box, sizes, strict=True)], sizes))
    count = int(np.prod([part.stop - part.start for part in box]))
    partial = [axis for axis, part in enumerate(box) if part.stop - part.start != sizes[axis]]
    if not partial or all(part.stop - part.start == 1 for part in box[: partial[-1]]):
        return range(first, first + count)
    grids = np.ix_(*(np.arange(part.start, part.stop) for part in box))
    return np.ravel_multi_index(np.broadcast_arrays(*grids), sizes).reshape(-1)


def _ends(part: slice, size: int) -> slice:
    start, stop, step = part.indices(size)
    if step != 1:
        raise ValueError(f"a part of the lattice has step 1, got {part}")
    return slice(start, max(start, stop))


def _stored_shape(header: Header, box: Box) -> tuple[int, ...]:
    return (*(part.stop - part.start for part in box), 4, header.rows, header.n, 2)
