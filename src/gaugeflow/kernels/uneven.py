"""Lanes of lattices that no group of translations cuts well: every direction into parts that differ by one site.

Direction d of extent L is cut into s parts; the first L mod s have a = ceil(L / s) sites, the others one less (all have
a if s divides L). A block is one position 0 <= i_d < a_d of all parts at once, so in the last position of a direction
the shorter parts have no site. Such a lane is dead: its links are zero and stay so, whatever its momenta, and it adds
zero to sums; momenta are cleared there before their squares are summed.

A step of all lanes of a block ends in one block or in two (at the last positions some parts go on, others are left), so
a seam names two blocks: row h of `perm` holds lanes 0 .. 2 W - 1 of both and, in column W, the number of blocks from
the first to the second. Blocks are stored in lexicographic order of their positions, which makes it constant.
"""

import itertools
import math

import numpy as np

from gaugeflow.errors import GeometryError
from gaugeflow.kernels.lane_group import SEAMS


def positions(extents, cuts) -> tuple[int, ...]:
    """Positions of a block in every direction, ceil(L / s)."""
    return tuple(-(-n // s) for n, s in zip(extents, cuts, strict=True))


def fill(extents, cuts, width) -> float:
    """Part of the lanes that has a site."""
    return math.prod(extents) / (math.prod(positions(extents, cuts)) * width)


def best_cuts(extents, width) -> tuple[int, ...]:
    """Cuts with at most W parts in all that leave the fewest lanes dead; x is cut rather than t."""
    ranges = [[s for s in range(1, min(n, width) + 1) if -(-n // s) * (s - 1) < n] for n in extents]
    fitting = (c for c in itertools.product(*ranges) if math.prod(c) <= width)
    return max(fitting, key=lambda c: (fill(extents, c, width), c))


class UnevenLanes:
    """Sites of blocks and lanes, and the seams between blocks.

    site (blocks, W)    canonical site of every lane, that of lane 0 where the lane is dead
    dead (blocks, W)    lanes without a site
    block, lane (sites,)   where a site is
    forward, backward (blocks, D)   first block of the step * SEAMS + seam, directions mu = x, .., t
    perm (SEAMS, 2 W)   see above
    """

    def __init__(self, extents, cuts, width):
        self.extents, self.width, self.ndim = tuple(extents), width, len(extents)
        self.block_extents = positions(extents, cuts)
        lanes, volume = int(np.prod(cuts)), int(np.prod(extents))
        self.x = np.stack(np.unravel_index(np.arange(int(np.prod(self.block_extents))), self.block_extents), -1)
        part = np.stack(np.unravel_index(np.arange(width) % lanes, cuts), -1)
        x, alive = np.empty((len(self.x), width, self.ndim), np.int64), np.arange(width) < lanes
        alive = np.repeat(alive[None], len(self.x), 0)
        for d, (n, s) in enumerate(zip(extents, cuts, strict=True)):
            sizes = np.full(s, n // s) + (np.arange(s) < n % s)
            starts = np.cumsum(sizes) - sizes
            x[..., d] = starts[part[None, :, d]] + self.x[:, None, d]
            alive &= self.x[:, None, d] < sizes[part[None, :, d]]
        self.dead = ~alive
        x = np.where(alive[..., None], x, x[:, :1])
        self.site = np.ravel_multi_index(tuple(np.moveaxis(x, -1, 0)), self.extents)
        self.block, self.lane = np.empty((2, volume), np.int64)
        self.block[self.site[alive]], self.lane[self.site[alive]] = np.nonzero(alive)
        self._rows = {(*range(width), *[0] * width): 0}
        self.forward, self.backward = self._steps(x, 1), self._steps(x, -1)
        self.perm = np.zeros((SEAMS, 2 * width), np.int64)
        self.perm[: len(self._rows)] = list(self._rows)

    def _steps(self, x, sign):
        out = np.empty((len(x), self.ndim), np.int64)
        for mu in range(self.ndim):
            step = np.eye(self.ndim, dtype=np.int64)[self.ndim - 1 - mu] * sign
            y = np.ravel_multi_index(tuple(np.moveaxis((x + step) % np.array(self.extents), -1, 0)), self.extents)
            block, lane = self.block[y], self.lane[y]
            first = np.where(self.dead, block[:, :1], block).min(1)
            second = np.where(self.dead, block[:, :1], block).max(1)
            index = np.where(self.dead, np.arange(self.width), lane + self.width * (block > first[:, None]))
            if not (self.dead | (block == first[:, None]) | (block == second[:, None])).all():
                raise GeometryError(f"lanes of {self.extents}: a step of one block ends in more than two")
            out[:, mu] = first * SEAMS + self._row_numbers(index, second - first)
        return out

    def _row_numbers(self, index, distance):
        rows = np.zeros((len(index), 2 * self.width), np.int64)
        rows[:, : self.width], rows[:, self.width] = index, distance
        kinds, which = np.unique(rows, axis=0, return_inverse=True)
        numbers = np.array([self._rows.setdefault(tuple(int(n) for n in row), len(self._rows)) for row in kinds])
        if len(self._rows) > SEAMS:
            raise GeometryError(f"lanes of {self.extents} have more than {SEAMS} kinds of seams")
        return numbers[which.ravel()]
