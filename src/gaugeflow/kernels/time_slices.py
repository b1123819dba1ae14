"""A ring of packed time slices, through which a lattice of any length passes slice by slice.

A slot holds one time slice in blocks of W sites; lanes never run along time, so slots are alike and a slot's forward
neighbour in time is whichever slot holds the next slice. Slice 0 keeps slot 0 to the end; the others take slots 1 and
2 in turn:

    slice       0  1  2  3  4  ..  T-1
    slot        0  1  2  1  2  ..               ahead of slice T-1: slot 0

Sites arrive as the bytes of a file, in C order (t, .., x), and go straight into their lanes.
"""

import functools

import numpy as np

from gaugeflow.conventions import planes
from gaugeflow.errors import GeometryError
from gaugeflow.kernels.algebra.defects import true_defects
from gaugeflow.kernels.algebra.exact import TERMS, totals
from gaugeflow.kernels.lane_group import SEAMS
from gaugeflow.kernels.layout import Layout
from gaugeflow.kernels.memory import address, aligned_zeros
from gaugeflow.kernels.schedule import Plan
from gaugeflow.kernels.targets.cache import cached_jit
from gaugeflow.kernels.targets.words import swap_bytes

SLOTS = 3


@cached_jit
def pack_native(raw, places, width, field):
    """field[places[i] + k width] = raw[i, k]: number k of site i."""
    numbers, step = np.uint64(raw.shape[1]), np.uint64(width)  # unsigned: signed indices would be tested for their sign
    for i in range(raw.shape[0]):
        site, place = raw[i], np.uint64(places[i])
        for k in range(numbers):
            field[place] = site[k]
            place += step


@cached_jit
def pack_swapped(raw, places, width, field):
    """The same with the bytes of every number in the other order."""
    numbers, step = np.uint64(raw.shape[1]), np.uint64(width)
    for i in range(raw.shape[0]):
        site, place = raw[i], np.uint64(places[i])
        for k in range(numbers):
            field[place] = swap_bytes(site[k])
            place += step


class _Tables:
    """Where sites are and which blocks are neighbours, for all rings of `slots` slices of `extents` (x, ..)."""

    def __init__(self, kernels, extents, slots):
        ndim = len(extents) + 1
        in_order = (1,) * ndim, 0  # as sites arrive; looking for better tiles takes longer than a judgement
        self.layout = layout = Layout((1, *reversed(extents)), kernels.width, tile=in_order)
        self.blocks = layout.local_blocks
        if self.blocks * ndim >= TERMS:
            raise GeometryError(f"time slices of {extents} are too large for one process's exact sums")
        numbers = ndim * 2 * kernels.n**2
        self.places = layout._block_of_site * (numbers * kernels.width) + layout._lane_of_site
        first = np.arange(slots)[:, None, None] * self.blocks * SEAMS
        forward, self.backward = (
            (table[None] + first).reshape(-1, ndim) for table in (layout.forward, layout.backward)
        )
        own = np.arange(self.blocks) * SEAMS

        def ahead(following):
            table = forward.copy().reshape(slots, self.blocks, ndim)
            table[..., -1] = np.array(following[:slots])[:, None] * self.blocks * SEAMS + own
            return table.reshape(-1, ndim)

        self.onward, self.closing = ahead((1, 2, 1)), ahead((0, 0, 0))
        steps = np.arange(slots * self.blocks)
        start, nothing = np.arange(slots + 1) * self.blocks, np.zeros(1, np.int64)
        fetched = np.zeros(len(steps) + 1, np.int64)
        self.plan = Plan(start, steps, np.arange(slots), np.zeros((slots, 1), np.int64), fetched, nothing, 0, 0, 0, ())


_tables = functools.lru_cache(maxsize=4)(_Tables)


class TimeSlices:
    """Sums and defects of one configuration, slice by slice.

    kernels    `dispatch.Kernels`, of the precision in which the numbers come
    extents    (x, .., t)
    """

    def __init__(self, kernels, extents):
        self.kernels, self.extents, self.ndim = kernels, tuple(extents), len(extents)
        slots = min(SLOTS, self.extents[-1])
        self._tables = tables = _tables(kernels, self.extents[:-1], slots)
        self._slot_blocks = tables.blocks
        self.sites = len(tables.places)
        shape = (1, slots * tables.blocks, self.ndim, 2 * kernels.n**2, kernels.width)
        self._field = aligned_zeros(shape, kernels.dtype)
        word = np.dtype(f"u{kernels.dtype.itemsize}")
        self._words = self._field.view(word).reshape(slots, -1)

    @staticmethod
    def slot(t: int) -> int:
        """Slot of time slice t."""
        return t if t == 0 else 1 + (t - 1) % 2

    def pack(self, t: int, first: int, numbers: np.ndarray) -> None:
        """Put sites first, first + 1, .. of slice t into place; numbers (sites, reals of a site), any byte order."""
        word = np.dtype(f"u{numbers.dtype.itemsize}")
        call = pack_native if numbers.dtype.isnative else pack_swapped
        places = self._tables.places[first : first + len(numbers)]
        call(numbers.view(word), places, self.kernels.width, self._words[self.slot(t)])

    def _own(self, t):
        n = self._slot_blocks
        return self._field[:, self.slot(t) * n : (self.slot(t) + 1) * n]

    def defects(self, t: int) -> tuple[np.ndarray, np.ndarray]:
        """(largest unitarity and determinant defect, integer sums (high, low, bad) of Re tr U - N) of slice t."""
        layout, own = self._tables.layout, self._own(t)
        layout.fill_dead(own, np.eye(self.kernels.n, dtype=complex).view(float).ravel())
        worst, sums = (aligned_zeros((1, 1, 2, self.kernels.width)) for _ in range(2))
        self.kernels.run.link_defects(
            0, 1, 0, self._slot_blocks, address(own), address(worst), address(sums), self._slot_blocks
        )
        layout.fill_dead(own, 0.0)
        used = layout.lanes_used
        largest = true_defects(worst[0, 0, :, :used].max(1))
        return largest, totals(sums[0, 0, :, :used].T)

    def plaquette_sums(self, t: int) -> np.ndarray:
        """Integer sums (plane, (high, low, bad)) of Re tr U_p of slice t; it and the next slice are in place."""
        tables, layout = self._tables, self._tables.layout
        sums = aligned_zeros((1, len(planes(self.ndim)), 2, self.kernels.width))
        forward = tables.closing if t == self.extents[-1] - 1 else tables.onward
        neighbours = (forward, tables.backward, address(layout.perm), layout.add)
        blocks = len(tables.plan.steps)
        self.kernels.run.plaquette_sums(
            0, 1, self.slot(t), address(self._field), address(sums), blocks, neighbours, tables.plan.arguments
        )
        return totals(sums[0, ..., : layout.lanes_used].transpose(2, 0, 1))
