"""Configurations in the formats of other codes, written by one or by many.

wanted = Wanted("nersc", (8, 8, 8, 16), "SU3")
writer = LinkWriter(path, wanted)                 # every rank its own
writer.create()                                   # one rank, before the others write
writer.write(slice(0, 4), slice(0, 8), values)    # every rank its own sites
writer.finish(checksums, plaquette, link_trace)   # one rank, after the others: checksums of all combined
writer.close()
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from gaugeflow.conventions import gauge_group
from gaugeflow.errors import ConfigError
from gaugeflow.formats import headers_out, nersc, openqcd
from gaugeflow.formats.checksums import CrcOfSites, RunningChecksums, zlib_crc_of_sites
from gaugeflow.formats.file_bytes import os_failures
from gaugeflow.formats.header import Header
from gaugeflow.formats.known import require_four
from gaugeflow.formats.reading import site_numbers

ORDERS = {
    "ildg": ("big",),
    "scidac": ("big",),
    "nersc": ("big", "little"),
    "milc": ("little", "big"),
    "milc_v4": ("little", "big"),
    "openqcd": ("little",),
}
"""Format -> byte orders that it has, the usual one first."""

PRECISIONS = {"milc": ("float32",), "milc_v4": ("float32",), "openqcd": ("float64",)}
"""Format -> precisions that it has, where these are not both."""

WRITE_BYTES = 1 << 22
"""Sites are put into the stored form in parts of this size."""


@dataclass(frozen=True)
class Wanted:
    """A file to be written.

    format        "ildg", "scidac", "nersc", "milc", "milc_v4" or "openqcd"
    extents       (x, y, z, t)
    group         "SU3", ..; MILC, openQCD and SciDAC store N alone
    precision     "float64" or "float32"; MILC has float32 only, openQCD float64 only
    byte_order    "big" or "little", None for the format's usual one
    rows          rows of every matrix: None for all, or 2 for SU(3) in the NERSC format
    facts         what else the header is to say: "lfn" (ildg), capital keys such as ENSEMBLE_ID (nersc), "time_stamp"
                  (milc), "c1", "c2" (milc_v4), "title", "date", "info" (scidac); others are left out

    Raises    ConfigError for what the format cannot hold
    """

    format: str
    extents: tuple[int, int, int, int]
    group: str
    precision: str = "float64"
    byte_order: str | None = None
    rows: int | None = None
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if self.format not in ORDERS:
            raise ConfigError(f"format {self.format!r} cannot be written; use one of {', '.join(ORDERS)}")
        require_four(self.extents)
        n = gauge_group(self.group).n
        self._require("precision", self.precision, PRECISIONS.get(self.format, ("float32", "float64")))
        self._require("byte order", self.byte_order, (None, *ORDERS[self.format]))
        rows = (None, n, 2) if self.format == "nersc" and self.group == "SU3" else (None, n)
        self._require(f"number of rows of {self.group}", self.rows, rows)
        if self.format == "openqcd" and any(extent % 2 for extent in self.extents):
            raise ConfigError(f"openqcd: got extents {self.extents}, wanted even ones: links are stored at odd sites")
        for key, text in self.facts.items():
            if not (text.isprintable() and text.isascii()):
                raise ConfigError(f"{self.format}: {key} is {text!r}, wanted one line of printable ASCII")

    def _require(self, what: str, got: object, wanted: tuple[object, ...]) -> None:
        if got not in wanted:
            known = ", ".join(str(value) for value in wanted if value is not None)
            raise ConfigError(f"format {self.format} has {what} {known}, got {got}")

    @property
    def header(self) -> Header:
        """Where the links lie in the file, and how."""
        order = {"big": ">", "little": "<"}[self.byte_order or ORDERS[self.format][0]]
        dtype = np.dtype(f"{order}f{ {'float32': 4, 'float64': 8}[self.precision] }")
        plain = Header(self.format, tuple(self.extents), self.group, dtype, 0, self.rows or gauge_group(self.group).n)
        front, _ = headers_out.front_and_trailer(plain, self.facts, {}, 0.0, 0.0)
        return replace(plain, offset=len(front))


class LinkWriter:
    """A file in the making; writers of one file put disjoint z ranges into place, and its bytes are those of one.

    path            as `ensembles.atomic.atomic_path` gives it; the caller publishes and reads back
    crc_of_sites    uint8 (sites, bytes) -> uint32 (sites,), crc32 of every row

    Raises    FileError where the file cannot be written
    """

    def __init__(
        self, path: os.PathLike | str, wanted: Wanted, *, crc_of_sites: CrcOfSites = zlib_crc_of_sites
    ) -> None:
        self.path, self.wanted, self.header = Path(path), wanted, wanted.header
        self._running = RunningChecksums(self.header, crc_of_sites)
        self._written = np.zeros(self.header.shape[:2], bool)
        self._descriptor = -1

    def __enter__(self) -> "LinkWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def checksums(self) -> dict[str, tuple[int, ...]]:
        """Name -> partial sums over the sites written by this writer, as `LinkFile.checksums`."""
        return self._running.values

    def create(self) -> None:
        """Make the file with all the room for header and links, empty."""
        with os_failures(self.path, "writing"):
            self.close()
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
            os.ftruncate(self._descriptor, self.header.offset + self.header.payload_bytes)

    def write(self, times: slice, zs: slice, values: np.ndarray) -> None:
        """Put the links of z ranges into place, rounded to the precision of the file.

        times, zs    slices with their ends
        values       complex (t, z, y, x, 4, N, N) or reals (.., 2), directions x, y, z, t

        Raises    ValueError for another shape, or sites that this writer has written before
        """
        values = np.asarray(values)
        if values.dtype.kind == "c":
            values = np.ascontiguousarray(values).view(values.real.dtype).reshape(*values.shape, 2)
        shape = (times.stop - times.start, zs.stop - zs.start, *self.header.shape[2:], 2)
        if values.shape != shape:
            raise ValueError(f"{self.path}: got links of shape {values.shape}, wanted {shape}")
        if self._written[times, zs].any():
            raise ValueError(f"{self.path}: sites of times {times}, zs {zs} are written twice")
        self._written[times, zs] = True
        for part_times, part_zs in self._parts(times, zs):
            cut = values[
                part_times.start - times.start : part_times.stop - times.start,
                part_zs.start - zs.start : part_zs.stop - zs.start,
            ]
            self._write_part(part_times, part_zs, cut)

    def _parts(self, times: slice, zs: slice) -> list[tuple[slice, slice]]:
        """Parts of bounded size; openQCD's stay whole, since neighbours share records."""
        if self.header.format == "openqcd":
            return [(times, zs)]
        thickness = max(1, WRITE_BYTES // (self.header.site_bytes * self.header.extents[0] * self.header.extents[1]))
        return [
            (slice(t, t + 1), slice(z, min(z + thickness, zs.stop)))
            for t in range(times.start, times.stop)
            for z in range(zs.start, zs.stop, thickness)
        ]

    def _write_part(self, times: slice, zs: slice, values: np.ndarray) -> None:
        header = self.header
        with np.errstate(over="ignore", invalid="ignore"):
            stored = np.ascontiguousarray(values[..., : header.rows, :, :], header.dtype)
        full = stored if header.rows == header.n else nersc.third_row(stored)
        box = (times, zs, slice(0, header.extents[1]), slice(0, header.extents[0]))
        numbers = site_numbers(header.shape[:4], box)
        sites = stored.reshape(len(numbers), -1).view(np.uint8)
        if header.format == "openqcd":
            self._scatter(openqcd.link_numbers(header.extents, box).reshape(-1), stored)
        else:
            count = len(numbers) // (times.stop - times.start)
            for first, run in zip(numbers[::count], sites.reshape(-1, count * header.site_bytes), strict=True):
                self._put(header.offset + int(first) * header.site_bytes, run)
        self._running.add(numbers, sites, full.reshape(len(numbers), *full.shape[4:]))

    def _scatter(self, numbers: np.ndarray, stored: np.ndarray) -> None:
        """Put links at their numbers, neighbouring ones in one write."""
        link = np.dtype(f"V{self.header.n**2 * 16}")
        order = np.argsort(numbers, kind="stable")
        numbers, links = numbers[order], stored.reshape(-1).view(link)[order]
        ends = np.concatenate([[0], np.flatnonzero(np.diff(numbers) != 1) + 1, [len(numbers)]])
        raw = links.view(np.uint8)
        for first, last in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            position = self.header.offset + int(numbers[first]) * link.itemsize
            self._put(position, raw[first * link.itemsize : last * link.itemsize])

    def finish(self, checksums: Mapping[str, tuple[int, ...]], plaquette: float, link_trace: float) -> None:
        """Write the header, and what stands behind the links.

        checksums     of all sites, those of all writers combined
        plaquette     Re tr U_p / N
        link_trace    Re tr U / N

        Raises    ValueError where the checksum that the format stores is not among them
        """
        if not self._running.values.keys() <= checksums.keys():
            raise ValueError(f"{self.path}: got checksums {sorted(checksums)}, wanted {sorted(self._running.values)}")
        front, trailer = headers_out.front_and_trailer(self.header, self.wanted.facts, checksums, plaquette, link_trace)
        end = self.header.offset + self.header.payload_bytes
        self._put(0, np.frombuffer(front, np.uint8))
        self._put(end, np.frombuffer(trailer, np.uint8))
        with os_failures(self.path, "writing"):
            os.ftruncate(self._descriptor, end + len(trailer))

    def _put(self, position: int, raw: np.ndarray) -> None:
        with os_failures(self.path, "writing"):
            if self._descriptor < 0:
                self._descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
            view, done = memoryview(raw), 0
            while done < len(view):
                done += os.pwrite(self._descriptor, view[done:], position + done)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
