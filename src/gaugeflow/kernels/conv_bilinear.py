"""The door of networks to their kernels: the fused convolution and bilinear layer on arrays in this machine's memory.

    fields      W[lattice, channel, t, .., x, N, N]                                     complex, contiguous
    products    P[lattice, product, t, .., x, N, N]                                     complex, contiguous
    weights     alpha[outputs, 2 channels + 1, 2 channels (paths + 1) + 1]              real, contiguous

`sites/conv_bilinear.py` has the formulas. Arrays are passed as addresses. Values do not depend on the number of
threads: blocks of sites that add to common sites are in different stages, and alpha's gradient is summed in fixed
shares.
"""

import functools
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from gaugeflow.kernels.memory import address, aligned_zeros
from gaugeflow.kernels.targets import networks
from gaugeflow.kernels.targets.lanes import native_width
from gaugeflow.kernels.traversal import l2_bytes

BLOCKS_OF_SLOT = 16
"""Blocks below which a share of the gradient is not worth its sums."""

SLOTS, SLOT_BYTES = 32, 1 << 24
"""Most shares of a gradient, and most bytes of their sums."""

LATTICES = 8
"""With so many lattices each is done by one thread, and blocks need no stages."""

ALIGNMENT = 16


@dataclass(frozen=True)
class Shape:
    """What a layer's kernels are made for.

    n             matrix size
    precision     "float64" or "float32"
    extents       of the lattice axes, in the order of memory
    lattices, channels, outputs, products    numbers of them
    paths         (displacement along the axes, product, whether backward) of every path but ()
    width         lanes of a register
    """

    n: int
    precision: str
    extents: tuple[int, ...]
    lattices: int
    channels: int
    outputs: int
    products: int
    paths: tuple[tuple[tuple[int, ...], int, bool], ...]
    width: int


def shape(n, precision, extents, lattices, channels, outputs, products, paths, width=None) -> Shape:
    """A `Shape`, of this machine's registers if no width is given."""
    width = width or native_width(precision)
    return Shape(n, precision, extents, lattices, channels, outputs, products, paths, width)


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


class _Plan:
    """Tables of one `Shape`, and its kernels."""

    def __init__(self, made_for: Shape):
        s = self.shape = made_for
        self.block = networks.GROUPS * s.width
        displacements = tuple(d for d, _, _ in s.paths)
        volume = math.prod(s.extents)
        self.sites = site_table(s.extents, displacements, self.block)
        self.paths = np.array([(product, back) for _, product, back in s.paths] or [(0, 0)], np.int64)
        blocks = self.sites.shape[1] // self.block
        self.blocks = blocks * s.lattices
        pairs, factors = (len(s.paths) + 1) * s.channels, 2 * s.channels + 1
        self.weights = s.outputs * factors * (2 * pairs + 1)
        size = np.dtype(s.precision).itemsize
        most = max(1, SLOT_BYTES // (self.weights * s.width * size))
        self.slots = max(1, min(SLOTS, most, self.blocks // BLOCKS_OF_SLOT))
        if s.lattices >= LATTICES:
            self.slots = min(self.slots, s.lattices)
        steps, starts, self.stages = _steps(stages_of(s.extents, displacements, self.block), s.lattices, self.slots)
        self.steps, self.starts = np.ascontiguousarray(steps, np.int64), np.array(starts, np.int64)
        row = networks.GROUPS * s.n**2 * s.width
        together, together_back = (
            self._together(factors * row * size * arrays, share) for arrays, share in ((2, 5), (4, 2))
        )
        sizes = {
            "own": 2 * s.channels * row,
            "part_s": (pairs + 1) * row,
            "part_d": pairs * row,
            "even": s.outputs * factors * (pairs + 1),
            "odd": s.outputs * factors * pairs,
            "spare": 2 * row,
            "mixed_s": max(together, together_back) * factors * row,
            "mixed_d": max(together, together_back) * factors * row,
            "own_back": 2 * s.channels * row,
            "back_s": together_back * factors * row,
            "back_d": together_back * factors * row,
            "part_s_back": pairs * row,
            "part_d_back": pairs * row,
        }
        places, end = {}, 0
        for name, count in sizes.items():
            places[name] = end
            end += -(-count // ALIGNMENT) * ALIGNMENT
        self.scratch_bytes = end * size
        self.sums_bytes = self.slots * self.weights * s.width * size
        entries = {
            "channels": s.channels,
            "outputs": s.outputs,
            "paths": len(s.paths),
            "products": s.products,
            "pairs": pairs,
            "factors": factors,
            "volume": volume,
            "padded": self.sites.shape[1],
            "blocks": blocks,
            "stages": self.stages,
            "slots": self.slots,
            "together": together,
            "together_back": together_back,
        }
        self.plan = np.array([(entries | places)[name] for name in networks.PLAN], np.int64)
        self.tables = tuple(address(x) for x in (self.plan, self.paths, self.sites))
        self.schedule = address(self.starts), address(self.steps)

    def _together(self, bytes_of_one, share):
        """Output channels whose rows fit a share of the second-level cache, evenly."""
        rounds = -(-self.shape.outputs * bytes_of_one // max(bytes_of_one, l2_bytes() // share))
        return -(-self.shape.outputs // rounds)

    def run(self, fields=True, links=True):
        """Module of compiled kernels."""
        return networks.compiled(self.shape.n, self.shape.width, self.shape.precision, fields, links)


_plan = functools.lru_cache(maxsize=256)(_Plan)


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


def conv_bilinear(made_for: Shape, w: int, p: int, alpha: int, out: int, threads: int) -> None:
    """out = W' of all lattices; addresses of contiguous arrays."""
    plan = _plan(made_for)
    kernel = plan.run().conv_bilinear
    threads = max(1, min(threads, plan.blocks // BLOCKS_OF_SLOT))
    cut = _cut(plan.blocks, threads)

    def call(thread):
        kernel(cut[thread], cut[thread + 1], *plan.tables, alpha, w, p, out, _scratch.take(plan.scratch_bytes))

    _on_threads(threads, call)


def conv_bilinear_gradient(
    made_for: Shape, w: int, p: int, alpha: int, g: int, dw: int, dp: int, dalpha: int, threads: int
) -> None:
    """dw += dL/dW, dp += dL/dP, dalpha = dL/dalpha from g = dL/dW'; dp = 0, dw = dp = 0: not wanted."""
    plan = _plan(made_for)
    module = plan.run(bool(dw), bool(dp))
    kernel, threads = module.conv_bilinear_gradient, max(1, min(threads, plan.slots))
    partial_bytes = 8 * plan.slots * plan.weights
    sums = _sums.take(plan.sums_bytes + partial_bytes + 64)
    partial = sums + -(-plan.sums_bytes // 64) * 64

    def call(thread, first=0, last=plan.stages):
        scratch = _scratch.take(plan.scratch_bytes)
        kernel(
            *(
                thread,
                threads,
                first,
                last,
                *plan.tables,
                *plan.schedule,
                alpha,
                w,
                p,
                g,
                dw,
                dp,
                sums,
                partial,
                scratch,
            )
        )

    if threads == 1:
        call(0)
    else:
        for stage in range(plan.stages):
            _on_threads(threads, functools.partial(call, first=stage, last=stage + 1))
    module.add_slots(plan.slots, plan.weights, partial, dalpha)
