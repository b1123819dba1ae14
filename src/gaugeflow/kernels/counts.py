"""What a kernel needs per site: operations, counted by running its source, and compulsory bytes.

Compulsory bytes are what moves between memory and core when every field is read and written exactly once: links are
2 N^2 D numbers per site, momenta N^2 D, of 8 bytes each (float32: 4).
"""

import functools
from dataclasses import dataclass

import numpy as np

from gaugeflow.conventions import planes
from gaugeflow.kernels.dispatch import matrix_size
from gaugeflow.kernels.targets.counting import FLOP, INTEGER_OPERATIONS, recorded_kernels
from gaugeflow.kernels.targets.trace import ELEMENT_BYTES

RK3_STAGES = 3

NO_SEAM = np.zeros(2, np.int64)
"""Permutation table of one lane: neighbours are single blocks."""

LINKS, MOMENTA = 2, 1
"""Sizes of the two fields in units of N^2 D numbers per site."""

SWEEPS = ("overrelax", "heatbath")
"""Kernels of one direction; a sweep calls them for all of them. The first attempt of every draw counts."""

MOVED = {
    "force": LINKS + 2 * MOMENTA,
    "drift": 2 * LINKS + MOMENTA,
    "plaquette": LINKS,
    "momenta": MOMENTA,
    "kinetic": MOMENTA,
    "clover": LINKS,
    "overrelax": 2 * LINKS,
    "heatbath": 2 * LINKS,
    "reunitarise": 2 * LINKS,
}
"""Field sizes that each kernel reads and writes."""

HALF_STAPLES = 4
"""Matrices per site of the field between the two kernels of a force with rectangles, which run plane by plane."""


LINES_MOVED = {"leaves": 6, "carry": 1, "line_staples": 4, "projection": 3, "no_sweep": 3, "line": 3, "loop": 4}
"""Lines (one matrix per site) that kernels of lines read and write; an algebra element is half a line."""


def _moved(ndim: int) -> dict[str, float]:
    """MOVED, and what the kernels of forces with rectangles read and write: two links of a plane, half staples."""
    link, half = LINKS / ndim, HALF_STAPLES * LINKS / ndim
    return MOVED | {
        "half_staples": 2 * link + half,
        "kick_plane": 2 * link + half + 2 * 2 * MOMENTA / ndim,
        "smoothed": LINKS + 3 * MOMENTA,
        **{name: lines * link for name, lines in LINES_MOVED.items()},
    }


PROJECTION_SWEEPS = 10
"""Sweeps of the timed and counted search for the nearest group element."""


@dataclass(frozen=True)
class Count:
    """Needs per site.

    flop      operations that are executed, a fused multiply-add counted as two, a change of sign as none
    integer   integer operations (random numbers)
    moved     compulsory bytes
    nominal   operations of the textbook algorithm where it differs, else flop
    """

    flop: float
    integer: float
    moved: float
    nominal: float

    def __add__(self, other: "Count") -> "Count":
        return Count(*[getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__])

    def __rmul__(self, times: int) -> "Count":
        return Count(*[times * getattr(self, name) for name in self.__dataclass_fields__])


def nominal_force_flop(n: int, ndim: int) -> int:
    """Force by staples: 2 (D - 1) staples of two products per link, their sum, U S, projection and update of P."""
    product, matrix = n * n * (8 * n - 2), 2 * n * n
    staples = 2 * (ndim - 1)
    return ndim * ((2 * staples + 1) * product + (staples - 1) * matrix + 2 * n * (n - 1) + 2 * n * n)


def projection_sweeps(n: int, special: bool) -> int:
    """Sweeps that are done of PROJECTION_SWEEPS: U(1) and SU(2) settle after the first."""
    return 1 if n == 1 or (n == 2 and special) else PROJECTION_SWEEPS


def _calls(ndim):
    """Name of every kernel -> its name in `sites` and its arguments on a lattice of one site."""
    nothing = np.zeros((1, ndim), np.int64)
    tables = (nothing, nothing, NO_SEAM.ctypes.data, np.zeros((1, 1), np.int64))
    fetch = np.zeros(3, np.int64)
    rows, slots = np.zeros(1, np.int64), np.zeros((1, 1), np.int64)
    visit = (np.array([0, 1]), np.array([0]), rows, slots, fetch, fetch, 0, 0)
    share = (np.array([0, 2]), np.array([0, ~0]), rows, slots, fetch, fetch, 0, 0)
    return {
        "force": ("kick", 0, 1, 0, 0, 0, 0, 0.5, 0.5, 1, tables, share),
        "drift": ("drift", 0, 1, 0, 0, 0, 0.5, 1, visit),
        "plaquette": ("plaquette_sums", 0, 1, 0, 0, 0, 1, tables, visit),
        "momenta": ("gaussian_momenta", 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1),
        "kinetic": ("kinetic_sums", 0, 1, 0, 1, 0, 0, 1),
        "clover": ("clover_sums", 0, 1, 0, 1, 0, 0, NO_SEAM.ctypes.data, 3, 0, 0, 1, tables),
        "overrelax": ("overrelax", 0, 1, 0, 0, 0, 0, 1, tables, visit),
        "heatbath": ("heatbath", 0, 1, 0, *[0] * 6, 0.5, *[0] * 5, 1, tables, visit),
        "reunitarise": ("reunitarise", 0, 1, 0, 1, 0, 0, 1),
        "half_staples": ("half_staples", 0, 1, 0, 1, 0, 0, 0, 1, 0.5, 1, tables),
        "kick_plane": ("kick_plane", 0, 1, 0, 1, 0, 0, 0, 0, 1, 0.5, 0.5, 0.5, 1, tables),
        "smoothed": ("kick_smoothed", 0, 1, 0, 1, 0, 0, 0, 0.5, 0.5, 1, tables),
        "leaves": ("corner_leaves", 0, 1, 0, 1, *[0] * 8, 1),
        "carry": ("carry_element", 0, 1, 0, 1, 0, 0, 0, 1, tables),
        "line_staples": ("add_staples", 0, 1, 0, 1, 0, 0, 0, 0, 1, 0.5, 1, tables),
        "projection": ("project_line", 0, 1, 0, 1, 0, 0, 0, 0, 0.5, 0.5, 1, 1),
        "no_sweep": ("project_line", 0, 1, 0, 1, 0, 0, 0, 0, 0.5, 0.5, 0, 1),
        "line": ("extend_line", 0, 1, 0, 1, 0, 0, 0, 0, 1, tables),
        "loop": ("loop_sums", 0, 1, 0, 1, 0, 0, 0, 0, 0, 1),
    }


@functools.cache
def counts(group: str, ndim: int, precision: str = "float64") -> dict[str, Count]:
    """Name -> `Count` of every kernel, force, leapfrog step and third-order Runge-Kutta flow step."""
    n, special = matrix_size(group)
    recorder, kernels = recorded_kernels(n, special, ndim, precision)
    field_bytes, moved, out = ELEMENT_BYTES[precision] * n * n * ndim, _moved(ndim), {}
    for name, (kernel, *arguments) in _calls(ndim).items():
        kernels[kernel](*arguments)
        found = recorder.take()
        calls = ndim if name in SWEEPS else 1
        flop = calls * sum(weight * found[instruction] for instruction, weight in FLOP.items())
        integer = calls * sum(found[instruction] for instruction in INTEGER_OPERATIONS)
        nominal = nominal_force_flop(n, ndim) if name == "force" else flop
        out[name] = Count(flop, integer, moved[name] * field_bytes, nominal)
    one, none = out["projection"], out.pop("no_sweep")
    flop = none.flop + projection_sweeps(n, special) * (one.flop - none.flop)
    out["projection"] = Count(flop, one.integer, one.moved, flop)
    out["leapfrog"] = out["force"] + out["drift"]
    out["rk3"] = RK3_STAGES * out["leapfrog"]
    out["rectangle_force"] = len(planes(ndim)) * (out["half_staples"] + out["kick_plane"])
    out["zeuthen_force"] = out["rectangle_force"] + out["smoothed"]
    out["rk3_symanzik"] = RK3_STAGES * (out["rectangle_force"] + out["drift"])
    out["rk3_zeuthen"] = RK3_STAGES * (out["zeuthen_force"] + out["drift"])
    return out


EXACT_SUM_FLOP = 9
"""Splitting a term and adding its two parts."""


def formulae(n: int, special: bool, ndim: int) -> dict[str, int]:
    """Executed operations per site written out in N and D; the tests hold them against `counts`."""
    number_of_planes, product, entries = len(planes(ndim)), n * n * (8 * n - 2), n * n
    projected = 4 * entries + n * (n - 1) * (8 * n - 1)
    plaquette = 2 * product + projected
    transport = entries * (12 * n - 6)
    link = (2 * n if special else 0) + 3 * entries
    return {
        "force": number_of_planes * (plaquette + 2 * (transport + entries)) + ndim * link,
        "plaquette": number_of_planes * (2 * product + 4 * entries - 1 + EXACT_SUM_FLOP),
        "half_staples": 8 * product + 8 * entries,
        "kick_plane": 16 * product + 26 * entries + 5 * projected + 2 * link,
        "kinetic": ndim * (2 * entries - (n == 1) + EXACT_SUM_FLOP),
    }
