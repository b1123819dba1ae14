"""What the header of a foreign configuration says, in one form for all formats."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from gaugeflow.conventions import gauge_group


@dataclass(frozen=True)
class Claims:
    """What a file says about its own links, to be compared with what they are.

    plaquette     Re tr U_p / N, mean over sites and planes; None where the file does not say
    link_trace    Re tr U / N, mean over links; None where the file does not say
    checksums     "scidac" (suma, sumb), "nersc" (sum,), "milc" (sum29, sum31)
    """

    plaquette: float | None = None
    link_trace: float | None = None
    checksums: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Header:
    """A configuration's file without its links.

    format      "ildg", "scidac", "nersc", "milc", "milc_v4" or "openqcd"
    extents     (x, y, z, t)
    group       "SU3", "U1", ..; a file that tells N alone is taken for SU(N)
    dtype       of one real number as stored, with its byte order
    offset      first byte of the links
    rows        rows of a matrix that are stored: N, or 2 of 3
    claims      what the file says about its links
    facts       what else it says
    warnings    defects that do not keep it from being read, one sentence each
    """

    format: str
    extents: tuple[int, int, int, int]
    group: str
    dtype: np.dtype
    offset: int
    rows: int
    claims: Claims = Claims()
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    warnings: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Matrix size N."""
        return gauge_group(self.group).n

    @property
    def precision(self) -> str:
        """Precision of the numbers: "float32" or "float64"."""
        return {4: "float32", 8: "float64"}[self.dtype.itemsize]

    @property
    def shape(self) -> tuple[int, ...]:
        """(t, z, y, x, 4, N, N), of complex numbers."""
        return (*reversed(self.extents), 4, self.n, self.n)

    @property
    def sites(self) -> int:
        """Number of sites."""
        x, y, z, t = self.extents
        return x * y * z * t

    @property
    def site_bytes(self) -> int:
        """Bytes of a site's four links as stored."""
        return stored_site_bytes(self.rows, self.n, self.dtype.itemsize)

    @property
    def payload_bytes(self) -> int:
        """Bytes of all links as stored."""
        return self.sites * self.site_bytes


def stored_site_bytes(rows: int, n: int, itemsize: int) -> int:
    """Bytes of four matrices of `rows` x `n` complex numbers whose real and imaginary part have `itemsize` bytes."""
    return 4 * rows * n * 2 * itemsize
