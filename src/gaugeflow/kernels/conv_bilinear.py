"""The door of networks to their kernels: the fused convolution and bilinear layer on arrays in this machine's memory.

    fields      W[lattice, channel, t, .., x, N, N]                                     complex, contiguous
    products    P[lattice, product, t, .., x, N, N]                                     complex, contiguous
    weights     alpha[outputs, 2 channels + 1, 2 channels (paths + 1) + 1]              real, contiguous

`sites/conv_bilinear.py` has the formulas. Arrays are passed as addresses. Values do not depend on the number of
threads: blocks of sites that add to common sites are in different stages, and alpha's gradient is summed in fixed
shares.
"""

import functools
import itertools
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from gaugeflow.kernels.memory import CACHE_LINE, address, aligned_zeros
from gaugeflow.kernels.targets import networks
from gaugeflow.kernels.targets.lanes import native_width
from gaugeflow.kernels.traversal import l2_bytes

BLOCKS_OF_SLOT = 16
"""Blocks below which a share of the gradient is not worth its sums."""

SLOTS, SLOT_BYTES = 32, 1 << 24
"""Most shares of a gradient, and most bytes of their sums."""

LATTICES = 8
"""With so many lattices each is done by one thread, and blocks need no stages."""

SHARE_FORWARD, SHARE_BACK = 5, 2
"""The part of the second-level cache that rows of mixed output channels take: a fifth, and half."""

ALIGNMENT = 16
"""Numbers to which places in the scratch are rounded: one cache line of float32."""


@dataclass(frozen=True)
class Shape:
    """What a layer's kernels are made for.

    n             matrix size
    precision     "float64" or "float32"
    extents       of the lattice axes, in the order of memory
    lattices, channels, outputs, products    numbers of them
    paths         (displacement along the axes, product, whether backward) of every path but ()
    width         lanes of a register, None for this machine's
    """

    n: int
    precision: str
    extents: tuple[int, ...]
    lattices: int
    channels: int
    outputs: int
    products: int
    paths: tuple[tuple[tuple[int, ...], int, bool], ...]
    width: int | None = None


@functools.lru_cache(maxsize=64)
def site_table(extents, displacements, block: int) -> np.ndarray:
    """Numbers of the sites and of those a displacement away, [displacement][site], padded to whole blocks."""
    volume = math.prod(extents)
    site = np.arange(volume).reshape(extents)
    moved = [site] + [np.roll(site, [-step for step in d], range(len(extents))) for d in displacements]
    rows = np.stack([sites.ravel() for sites in moved]).astype(np.int64)
    return np.ascontiguousarray(np.pad(rows, ((0, 0), (0, -volume % block)), mode="edge"))


@functools.lru_cache(maxsize=64)
def stages_of(extents, displacements, block: int) -> tuple[tuple[int, ...], ...]:
    """Blocks of a lattice in stages: those of one stage add to no common block."""
    volume, table = math.prod(extents), site_table(extents, displacements, block)
    touched = [np.unique(table[:, first : min(first + block, volume)] // block) for first in range(0, volume, block)]
    taken: list[set[int]] = [set() for _ in touched]  # stages in which a block is added to
    stages: list[list[int]] = []
    for b, others in enumerate(touched):
        busy = set().union(*(taken[other] for other in others))
        stage = next(k for k in range(len(stages) + 1) if k not in busy)
        if stage == len(stages):
            stages.append([])
        stages[stage].append(b)
        for other in others:
            taken[other].add(stage)
    return tuple(map(tuple, stages))


def _cut(count, shares):
    return [count * k // shares for k in range(shares + 1)]


def _steps(stages, lattices, slots):
    """(lattice, block) in the order of stages and slots, and where every slot begins."""
    if lattices >= LATTICES:
        order = np.array([b for stage in stages for b in stage])
        steps = np.stack([np.repeat(np.arange(lattices), len(order)), np.tile(order, lattices)], 1)
        return steps, [len(order) * first for first in _cut(lattices, slots)], 1
    steps, starts = [], []
    for stage in stages:
        starts += [len(steps) + first for first in _cut(lattices * len(stage), slots)[:-1]]
        steps += [(lattice, b) for lattice in range(lattices) for b in stage]
    return np.array(steps), [*starts, len(steps)], len(stages)


class _Memory(threading.local):
    """Scratch of one thread, which grows to what was needed."""

    def __init__(self):
        self._array = aligned_zeros((0,), np.uint8)
        self._address = 0

    def take(self, count):
        """Address of at least `count` bytes, whose content is lost at the next call."""
        if count > len(self._array):
            self._array = aligned_zeros((count,), np.uint8)
            self._address = address(self._array)
        return self._address


_scratch, _sums = _Memory(), _Memory()


@functools.cache
def _pool(threads):
    return ThreadPoolExecutor(threads - 1)


def _on_threads(threads, call):
    """call(thread) for all threads, the last of them here."""
    waiting = [_pool(threads).submit(call, thread) for thread in range(threads - 1)] if threads > 1 else []
    call(threads - 1)
    for future in waiting:
        future.result()


class ConvBilinear:
    """The layer's kernels for one `Shape`, with its tables.

    slots, stages    shares of alpha's gradient, and rounds of blocks that add to no common site
    blocks           of all lattices together
    """

    def __init__(self, made_for: Shape):
        s = self.shape = made_for
        self.width = s.width or native_width(s.precision)
        block = networks.GROUPS * self.width
        displacements = tuple(d for d, _, _ in s.paths)
        self._sites = site_table(s.extents, displacements, block)
        self._paths = np.array([(product, back) for _, product, back in s.paths] or [(0, 0)], np.int64)
        blocks = self._sites.shape[1] // block
        self.blocks = blocks * s.lattices
        pairs, factors = (len(s.paths) + 1) * s.channels, 2 * s.channels + 1
        self.weights = s.outputs * factors * (2 * pairs + 1)
        self._number = np.dtype(s.precision).itemsize
        self.slots = self._count_slots()
        steps, starts, self.stages = _steps(stages_of(s.extents, displacements, block), s.lattices, self.slots)
        self._steps, self._starts = np.ascontiguousarray(steps, np.int64), np.array(starts, np.int64)
        sizes = {
            "channels": s.channels,
            "outputs": s.outputs,
            "paths": len(s.paths),
            "products": s.products,
            "pairs": pairs,
            "factors": factors,
            "volume": math.prod(s.extents),
            "padded": self._sites.shape[1],
            "blocks": blocks,
            "stages": self.stages,
            "slots": self.slots,
        }
        sizes |= self._scratch_places(pairs, factors)
        self._plan = np.array([sizes[name] for name in networks.PLAN], np.int64)
        self._tables = tuple(address(x) for x in (self._plan, self._paths, self._sites))
        self._schedule = address(self._starts), address(self._steps)

    def _count_slots(self):
        most = max(1, SLOT_BYTES // (self.weights * self.width * self._number))
        slots = max(1, min(SLOTS, most, self.blocks // BLOCKS_OF_SLOT))
        return min(slots, self.shape.lattices) if self.shape.lattices >= LATTICES else slots

    def _scratch_places(self, pairs, factors):
        """Where everything lies in a thread's scratch, and how many output channels are mixed at once."""
        s = self.shape
        row = networks.GROUPS * s.n**2 * self.width
        together, together_back = (
            self._together(factors * row * self._number * arrays, share)
            for arrays, share in ((2, SHARE_FORWARD), (4, SHARE_BACK))
        )
        most = max(together, together_back)
        counts = {
            "own": 2 * s.channels * row,
            "part_s": (pairs + 1) * row,
            "part_d": pairs * row,
            "even": s.outputs * factors * (pairs + 1),
            "odd": s.outputs * factors * pairs,
            "spare": 2 * row,
            "mixed_s": most * factors * row,
            "mixed_d": most * factors * row,
            "own_back": 2 * s.channels * row,
            "back_s": together_back * factors * row,
            "back_d": together_back * factors * row,
            "part_s_back": pairs * row,
            "part_d_back": pairs * row,
        }
        padded = [-(-count // ALIGNMENT) * ALIGNMENT for count in counts.values()]
        ends = list(itertools.accumulate(padded, initial=0))
        self._scratch_bytes = ends[-1] * self._number
        return dict(zip(counts, ends, strict=False)) | {"together": together, "together_back": together_back}

    def _together(self, bytes_of_one, share):
        """Output channels whose rows fit a share of the second-level cache, evenly."""
        rounds = -(-self.shape.outputs * bytes_of_one // max(bytes_of_one, l2_bytes() // share))
        return -(-self.shape.outputs // rounds)

    def _module(self, fields=True, links=True):
        return networks.compiled(self.shape.n, self.width, self.shape.precision, fields, links)

    def forward(self, w: int, p: int, alpha: int, out: int, threads: int) -> None:
        """out = W' of all lattices; addresses of contiguous arrays."""
        kernel = self._module().conv_bilinear
        threads = max(1, min(threads, self.blocks // BLOCKS_OF_SLOT))
        cut = _cut(self.blocks, threads)

        def call(thread):
            kernel(cut[thread], cut[thread + 1], *self._tables, alpha, w, p, out, _scratch.take(self._scratch_bytes))

        _on_threads(threads, call)

    def gradient(self, w: int, p: int, alpha: int, g: int, dw: int, dp: int, dalpha: int, threads: int) -> None:
        """dw += dL/dW, dp += dL/dP, dalpha = dL/dalpha from g = dL/dW'.

        dp = 0 if dL/dP is not wanted, dw = dp = 0 if neither is.
        """
        module = self._module(bool(dw), bool(dp))
        kernel, threads = module.conv_bilinear_gradient, max(1, min(threads, self.slots))
        sums_bytes = self.slots * self.weights * self.width * self._number
        sums = _sums.take(sums_bytes + 8 * self.slots * self.weights + CACHE_LINE)
        partial = sums + -(-sums_bytes // CACHE_LINE) * CACHE_LINE

        def call(thread, first=0, last=self.stages):
            place = thread, threads, first, last
            arrays = alpha, w, p, g, dw, dp, sums, partial
            kernel(*place, *self._tables, *self._schedule, *arrays, _scratch.take(self._scratch_bytes))

        if threads == 1:
            call(0)
        else:
            for stage in range(self.stages):
                _on_threads(threads, functools.partial(call, first=stage, last=stage + 1))
        module.add_slots(self.slots, self.weights, partial, dalpha)


conv_bilinear = functools.lru_cache(maxsize=64)(ConvBilinear)
