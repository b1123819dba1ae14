"""openQCD's configurations: little-endian float64, the links of both ends at every odd site.

    i32 N0 = t, N1 = x, N2 = y, N3 = z | f64 Re tr U_p, mean over 6 V plaquettes (N on cold links)

then for every odd site X = (t, x, y, z), t + x + y + z odd, in the order of ix = z + N3 (y + N2 (x + N1 t)), eight full
matrices: U(X, 0), U(X - 0, 0), U(X, 1), U(X - 1, 1), .. with directions 0 = t, 1 = x, 2 = y, 3 = z and periodic
neighbours. Every extent is even, or a link would have two odd ends or none. (openQCD, modules/archive: export_cnfg.)
"""

import struct

import numpy as np

from gaugeflow.conventions import gauge_group
from gaugeflow.formats.file_bytes import FileBytes
from gaugeflow.formats.header import Claims, Header
from gaugeflow.formats.known import (
    LARGEST_EXTENT,
    Known,
    finite_number,
    group_from_size,
    matrix_size,
    require_extents,
)

LAYOUT = struct.Struct("<4id")
SLOTS = (1, 2, 3, 0)
"""Direction x, y, z, t -> its number in the file."""

AXES = (3, 2, 1, 0)
"""Direction x, y, z, t -> axis of (t, z, y, x) along which it steps."""


def matches(file: FileBytes) -> bool:
    """Whether a file without any magic number can be one of openQCD's: its extents are even and fit its size."""
    raw = file.read(0, LAYOUT.size)
    if len(raw) < LAYOUT.size:
        return False
    t, x, y, z, _ = LAYOUT.unpack(raw)
    if not all(2 <= e <= LARGEST_EXTENT and e % 2 == 0 for e in (t, x, y, z)):
        return False
    links = 4 * t * x * y * z
    return matrix_size((x, y, z, t), 8, file.size - LAYOUT.size) is not None or _nearly(file.size, links)


def _nearly(size: int, links: int) -> bool:
    """Whether the size is that of SU(3) but for a tenth: a file that was cut or appended to."""
    return abs(size - links * 144) <= links * 144 // 10


def read_openqcd_header(file: FileBytes, known: Known) -> Header:
    """Header of an openQCD file; call it where `matches`.

    Raises    FileError
    """
    t, x, y, z, trace = LAYOUT.unpack(file.read(0, LAYOUT.size))
    extents = require_extents(file.path, (x, y, z, t), known)
    group = group_from_size(file.path, extents, 8, file.size - LAYOUT.size, known, usual=3)
    n = gauge_group(group).n
    plaquette = finite_number(repr(trace / n))
    warnings = () if plaquette is not None else (f"the average plaquette in its header is {trace}",)
    return Header("openqcd", extents, group, np.dtype("<f8"), LAYOUT.size, n, Claims(plaquette), {}, warnings)


def header_bytes(header: Header, plaquette: float) -> bytes:
    """The header of a file to be written.

    plaquette    Re tr U_p / N
    """
    x, y, z, t = header.extents
    return LAYOUT.pack(t, x, y, z, plaquette * header.n)


def link_numbers(extents: tuple[int, int, int, int], box: tuple[slice, slice, slice, slice]) -> np.ndarray:
    """Number of every link of a box of sites among all links of the file, (t, z, y, x, 4).

    box    slices of t, z, y, x with their ends
    """
    ranges = [np.arange(part.start, part.stop) for part in box]
    site = np.ix_(*ranges)
    odd = sum(site) % 2 == 1
    numbers = np.empty((*odd.shape, 4), np.int64)
    for mu, (slot, axis) in enumerate(zip(SLOTS, AXES, strict=True)):
        ahead = list(site)
        ahead[axis] = (site[axis] + 1) % extents[mu]
        numbers[..., mu] = np.where(odd, _record(extents, site), _record(extents, ahead) + 1) + 2 * slot
    return numbers


def _record(extents: tuple[int, int, int, int], site: list[np.ndarray] | tuple[np.ndarray, ...]) -> np.ndarray:
    """Number of the first link of the record of a site (t, z, y, x), if it is odd."""
    t, z, y, x = site
    return (z + extents[2] * (y + extents[1] * (x + extents[0] * t))) // 2 * 8


class OpenQCDLinks:
    """Links of a file, box by box: two time slices are kept, of which planes of one (t, x) are read when needed.

    file, header    opened and read before; closed by their owner
    """

    def __init__(self, file: FileBytes, header: Header) -> None:
        x, y, z, _ = header.extents
        self._file, self._header = file, header
        self._link = np.dtype(f"V{header.n**2 * 16}")
        self._planes, self._plane_links = x, y * z // 2 * 8
        self._slices = np.empty((2, x, self._plane_links), self._link)
        self._held: list[int | None] = [None, None]
        self._loaded = np.zeros((2, x), bool)
        self._known: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}

    def read(self, box: tuple[slice, slice, slice, slice], reals: np.ndarray) -> None:
        """Links of a box.

        reals    (t, z, y, x, 4, N, N, 2) of the stored type, contiguous; filled
        """
        links = reals.reshape(-1).view(self._link).reshape(reals.shape[:5])
        for number, t in enumerate(range(box[0].start, box[0].stop)):
            later, inside = self._places(t % 2, box[1:])
            ahead = (t + 1) % self._header.extents[3]
            self._keep((t, ahead))
            slots = np.array([self._held.index(t), self._held.index(ahead)])
            self._load(slots, later, inside, whole=box[3] == slice(0, self._planes))
            place = slots[later] * (self._planes * self._plane_links) + inside
            np.take(self._slices.reshape(-1), place, out=links[number], mode="clip")

    def _places(self, parity: int, box: tuple[slice, slice, slice]) -> tuple[np.ndarray, np.ndarray]:
        """(0 in the slice of the box's time, 1 in the next one; number in the slice) of every link of a box of a slice.

        parity    of its time
        """
        key = (parity, *((part.start, part.stop) for part in box))
        if key not in self._known:
            numbers = link_numbers((*self._header.extents[:3], 4), (slice(parity, parity + 1), *box))[0]
            times, inside = np.divmod(numbers, self._planes * self._plane_links)
            self._known[key] = (times - parity).astype(np.int8), inside
        return self._known[key]

    def _keep(self, times: tuple[int, int]) -> None:
        """Make room for two slices in the place of others."""
        for t in times:
            if t not in self._held:
                slot = next(slot for slot, held in enumerate(self._held) if held not in times)
                self._held[slot], self._loaded[slot] = t, False

    def _load(self, slots: np.ndarray, later: np.ndarray, inside: np.ndarray, *, whole: bool) -> None:
        """Read what is needed of the two slices and not there yet: planes, or all of them at once."""
        for which, slot in enumerate(slots):
            if whole:
                needed = np.arange(self._planes)
            else:
                needed = np.unique(inside[later == which] // self._plane_links)
            for first, last in _runs(needed[~self._loaded[slot, needed]]):
                start = (self._held[slot] * self._planes + first) * self._plane_links * self._link.itemsize
                planes = self._slices[slot, first:last].reshape(-1).view(np.uint8)
                self._file.read_into(self._header.offset + start, memoryview(planes))
                self._loaded[slot, first:last] = True


def _runs(numbers: np.ndarray) -> list[tuple[int, int]]:
    """(first, behind the last) of every run of consecutive numbers."""
    cuts = np.flatnonzero(np.diff(numbers) != 1) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(numbers, cuts) if len(part)]
