"""Judging one configuration as its bytes arrive: plaquettes, link trace, distance from the group; no MPI.

A few time slices are held, whatever the extent in time. Sums are exact, so the result is the same bits however the
sites are cut into pieces.
"""

import math
from dataclasses import dataclass

import numpy as np

from gaugeflow.conventions import planes
from gaugeflow.errors import GeometryError
from gaugeflow.kernels.dispatch import TimeSlices, join, kernels_for

PRECISIONS = {4: "float32", 8: "float64"}
"""Bytes of a number -> precision of the arithmetic: that of the file."""


@dataclass(frozen=True)
class Judgement:
    """What the links of a configuration are like; NaN where a link that counts is not finite or absurdly large.

    plaquette                           Re tr U_p / N, mean over sites and planes
    plaquette_space, plaquette_time     the same over planes without and with time; None in two dimensions
    link_trace                          Re tr U / N, mean over links
    unitarity_defect                    largest |(U^dagger U - 1)_ab|
    determinant_defect                  largest |det U - 1| for SU(N), ||det U| - 1| for U(N)
    """

    plaquette: float
    plaquette_space: float | None
    plaquette_time: float | None
    link_trace: float
    unitarity_defect: float
    determinant_defect: float


class Judge:
    """Takes the sites of one configuration in C order (t, z, y, x), in pieces of any size.

    group      name, "SU3"
    extents    (x, .., t)

    Raises     ConfigError for an unknown group, GeometryError for extents without sites
    """

    def __init__(self, group: str, extents: tuple[int, ...]) -> None:
        self._group, self._extents = group, tuple(int(e) for e in extents)
        if len(self._extents) < 2 or min(self._extents) < 1:
            raise GeometryError(f"extents: got {self._extents}, wanted two or more positive numbers (x, .., t)")
        self._ndim = len(self._extents)
        self._n = kernels_for(group, self._ndim).n
        self._slice_sites = math.prod(self._extents[:-1])
        self._fed = 0
        self._dtype: np.dtype | None = None
        self._worst = np.zeros(2)
        self._trace = np.zeros(3, np.int64)
        self._sums = np.zeros((len(planes(self._ndim)), 3), np.int64)

    def feed(self, values: np.ndarray) -> None:
        """The next sites: reals (.., D, N, N, 2) of type <f4, >f4, <f8 or >f8, all calls alike.

        Raises    GeometryError for another shape or type, or more sites than the lattice has
        """
        rows = self._rows(values)
        while len(rows):
            t, first = divmod(self._fed, self._slice_sites)
            part = rows[: self._slice_sites - first]
            self._slices.pack(t, first, part)
            self._fed += len(part)
            rows = rows[len(part) :]
            if first + len(part) == self._slice_sites:
                self._finish(t)

    def result(self) -> Judgement:
        """The judgement, once all sites were fed; GeometryError before."""
        sites = self._slice_sites * self._extents[-1]
        if self._fed != sites:
            raise GeometryError(f"judging {self._group} {self._extents}: got {self._fed} sites, wanted {sites}")
        time = self._ndim - 1
        kinds = np.array([time in plane for plane in planes(self._ndim)])
        timelike = self._mean(self._sums[kinds]) if time > 1 else None
        spacelike = self._mean(self._sums[~kinds]) if time > 1 else None
        beyond_one = _total(self._trace[None]) / (sites * self._ndim * self._n)
        return Judgement(
            plaquette=self._mean(self._sums),
            plaquette_space=spacelike,
            plaquette_time=timelike,
            link_trace=1.0 + beyond_one,
            unitarity_defect=float(self._worst[0]),
            determinant_defect=float(self._worst[1]),
        )

    def _rows(self, values):
        """Numbers (sites, reals of a site); the first piece decides on the precision."""
        shape, dtype = (self._ndim, self._n, self._n, 2), values.dtype
        where = f"judging {self._group} {self._extents}"
        if values.shape[-4:] != shape or dtype.kind != "f" or dtype.itemsize not in PRECISIONS:
            raise GeometryError(f"{where}: got {dtype.str} {values.shape}, wanted f4 or f8 (.., {str(shape)[1:]}")
        if self._dtype is None:
            self._dtype = dtype
            kernels = kernels_for(self._group, self._ndim, precision=PRECISIONS[dtype.itemsize])
            self._slices = TimeSlices(kernels, self._extents)
        if dtype != self._dtype:
            raise GeometryError(f"{where}: got {dtype.str} after {self._dtype.str}, wanted one type throughout")
        rows = np.ascontiguousarray(values).reshape(-1, math.prod(shape))
        sites = self._slice_sites * self._extents[-1]
        if self._fed + len(rows) > sites:
            raise GeometryError(f"{where}: got {self._fed + len(rows)} sites, wanted {sites}")
        return rows

    def _finish(self, t):
        """Slice t is complete, so the plaquettes of the slice before it are."""
        defects, trace = self._slices.defects(t)
        self._worst = np.maximum(self._worst, defects)  # NaN stays
        self._trace += trace
        last = self._extents[-1] - 1
        for done in ([t - 1] if t else []) + ([t] if t == last else []):
            self._sums += self._slices.plaquette_sums(done)

    def _mean(self, sums):
        """Mean over sites and planes of Re tr U_p / N."""
        return _total(sums) / (len(sums) * self._slice_sites * self._extents[-1] * self._n)


def _total(sums) -> float:
    """Integer sums (.., (high, low, bad)) together, as a number; NaN where one is bad."""
    high, low, bad = (int(column) for column in sums.sum(0))
    return math.nan if bad else float(join(high, low))
