"""Checksums of links in the ways of SciDAC, NERSC and MILC, as sums over sites that come in any order and number.

scidac    c = crc32 of a site's bytes, r its number (x fastest, then y, z, t):
          suma = xor of rotl32(c, r mod 29), sumb = xor of rotl32(c, r mod 31)
nersc     sum of the links as 32-bit words in the stored byte order, mod 2^32
milc      w the 32-bit word number i of the links: sum29 = xor of rotl32(w, i mod 29), sum31 with 31
links     the scidac checksum of full matrices in ILDG's order, big-endian, at the stored precision, whatever the
          format: the same for the same links in all formats of one precision
"""

import zlib
from collections.abc import Callable, Mapping

import numpy as np

from gaugeflow.formats.header import Header

CrcOfSites = Callable[[np.ndarray], np.ndarray]
"""uint8 (sites, bytes) -> uint32 (sites,): the crc32 of every row."""

Numbers = range | np.ndarray
"""Numbers of sites, in the order in which their bytes come."""

CHUNK_BYTES = 1 << 22
"""Worked on at once: bounds the memory of what is swapped."""

CLASSES = 29 * 31
"""Words whose numbers agree mod 29 * 31 are rotated alike."""


def zlib_crc_of_sites(raw: np.ndarray) -> np.ndarray:
    """crc32 of every row, as zlib gives it.

    raw    uint8 (sites, bytes), contiguous
    """
    rows = raw.reshape(-1).view(f"V{raw.shape[1]}").tolist()  # as bytes: quicker than an array for every row
    return np.fromiter(map(zlib.crc32, rows), np.uint32, len(rows))


def rotate_left(words: np.ndarray, by: np.ndarray) -> np.ndarray:
    """uint32 words rotated by 0 to 31 bits."""
    by = by.astype(np.uint32)
    return (words << by) | (words >> ((np.uint32(32) - by) & np.uint32(31)))


class RotatedSums:
    """(xor of rotl32(w, i mod 29), xor of rotl32(w, i mod 31)) over words w with numbers i, in any order and portions.

    Words are gathered by i mod 29 * 31; only then they are rotated, and swapped where they are not of this machine.
    """

    def __init__(self, word: np.dtype) -> None:
        self._word, self._classes = word, np.zeros(CLASSES, np.uint32)

    def add(self, words: np.ndarray, numbers: Numbers) -> None:
        """Add words (count,) with these numbers."""
        native = words.view(np.uint32)
        if not isinstance(numbers, range):
            np.bitwise_xor.at(self._classes, numbers % CLASSES, native)
            return
        whole = len(native) // CLASSES * CLASSES
        reduced = np.bitwise_xor.reduce(native[:whole].reshape(-1, CLASSES), axis=0)
        reduced[: len(native) - whole] ^= native[whole:]
        self._classes ^= np.roll(reduced, numbers.start % CLASSES)

    @property
    def values(self) -> tuple[int, int]:
        """The two sums."""
        words, classes = self._classes.view(self._word).astype(np.uint32), np.arange(CLASSES)
        first, second = (int(np.bitwise_xor.reduce(rotate_left(words, classes % m))) for m in (29, 31))
        return first, second


def _word_numbers(sites: Numbers, width: int) -> Numbers:
    """Numbers of the words of sites that have `width` words each."""
    if isinstance(sites, range):
        return range(sites.start * width, sites.stop * width)
    return (sites[:, None] * width + np.arange(width)).reshape(-1)


def nersc_sum(words: np.ndarray) -> int:
    """Sum of 32-bit words of either byte order, mod 2^32: unsigned numbers wrap."""
    return int(np.add.reduce(words.reshape(-1), dtype=np.uint32))


def combine_checksums(a: Mapping[str, tuple[int, ...]], b: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Checksums of two disjoint sets of sites together: xor, or the sum mod 2^32 for "nersc"."""
    if a.keys() != b.keys():
        raise ValueError(f"checksums of two formats: {sorted(a)} and {sorted(b)}")
    return {
        name: tuple((s + t) % 2**32 if name == "nersc" else s ^ t for s, t in zip(a[name], b[name], strict=True))
        for name in a
    }


class RunningChecksums:
    """Checksums of a format over the sites that have come so far: its own, and "links".

    header          says format, byte order, N and rows
    crc_of_sites    crc32 of every row
    links           whether "links" is wanted; where the format's own is the same it costs nothing
    """

    def __init__(self, header: Header, crc_of_sites: CrcOfSites = zlib_crc_of_sites, *, links: bool = True) -> None:
        self._header, self._crc = header, crc_of_sites
        self._big = header.dtype.str[0] == ">"
        self._word = np.dtype(">u4" if self._big else "<u4")
        self._whole = np.dtype(f"<u{header.dtype.itemsize}")
        own = {"ildg": "scidac", "scidac": "scidac", "nersc": "nersc", "milc": "milc"}.get(header.format)
        self._own, self._wanted = own, links or own == "scidac"
        self._links = RotatedSums(np.dtype(np.uint32))
        self._words = RotatedSums(self._word)
        self._total = 0

    @property
    def values(self) -> dict[str, tuple[int, ...]]:
        """Name -> sums."""
        links = self._links.values
        own = {"scidac": links, "nersc": (self._total,), "milc": self._words.values}
        found = {"links": links} if self._wanted else {}
        return found | ({self._own: own[self._own]} if self._own else {})

    def add(self, numbers: Numbers, stored: np.ndarray, reals: np.ndarray) -> None:
        """Add sites that have not come before.

        numbers    of the sites
        stored     uint8 (sites, bytes), as in the file
        reals      (sites, 4, N, N, 2), full matrices in the stored byte order; contiguous
        """
        step = max(1, CHUNK_BYTES // self._header.site_bytes)
        full = reals.reshape(len(numbers), -1)
        for first in range(0, len(numbers), step):
            part = slice(first, first + step)
            self._add_chunk(numbers[part], stored[part], full[part])

    def _add_chunk(self, numbers: Numbers, stored: np.ndarray, reals: np.ndarray) -> None:
        if self._wanted:
            big = reals if self._big else reals.view(self._whole).astype(self._whole.newbyteorder(">"))
            self._links.add(self._crc(big.view(np.uint8)), numbers)
        if self._own == "nersc":
            self._total = (self._total + nersc_sum(stored.view(self._word))) % 2**32
        elif self._own == "milc":
            words = stored.view(self._word)
            self._words.add(words.reshape(-1), _word_numbers(numbers, words.shape[1]))
