"""Canonical arrays <-> packed blocks, and the neighbour tables of the packed form.

Canonical: links[chain, t, ..., x, mu, a, b]. Packed: reals [batch][block][mu][component][lane]. Lanes are sites of
one chain (a batch is a chain) or, for many small lattices, chains at one site (a batch is W chains). What a kernel
computes per site does not depend on which, so this file may change without touching a sampler.

Halo blocks of directions split over ranks stand behind the local blocks and are never permuted; a halo lane is a
remote site or, where a split direction is also cut into lanes, a copy of an own one.
"""

import math
from dataclasses import dataclass

import numpy as np

from gaugeflow.errors import GeometryError
from gaugeflow.kernels import lane_group, uneven
from gaugeflow.kernels.lane_group import SEAMS
from gaugeflow.kernels.packing import Packing
from gaugeflow.kernels.traversal import choose_tile, tiled_order

LONGEST_HALO_OFFSET = 2
"""A halo block may lie outside in this many directions: staples and clover leaves turn one corner."""


@dataclass(frozen=True)
class HaloMessage:
    """Lanes that one rank sends to the rank at `offset` in the process grid, as positions block * W + lane.

    The rank at coordinates c receives `target` from c + offset, which reads them at `source`.
    """

    offset: tuple[int, ...]
    source: np.ndarray
    target: np.ndarray


class Layout(Packing):
    """Blocks of one rank's part of the lattice.

    extents      local extents in site-axis order (t, ..., x)
    width        lanes of a register
    site_lanes   lanes are sites (True) or chains (False)
    grid, coords process grid over the site axes and this rank's place in it
    tile_limit   see `traversal.choose_tile`
    generators   lane group, chosen if None; a choice may also be uneven cuts, see `uneven`
    """

    def __init__(
        self, extents, width, site_lanes=True, grid=None, coords=None, tile_limit=290, generators=None, tile=None
    ):
        ndim = len(extents)
        self.extents, self.width, self.ndim = tuple(int(e) for e in extents), width, ndim
        self.grid = tuple(grid) if grid is not None else (1,) * ndim
        self.coords = tuple(coords) if coords is not None else (0,) * ndim
        self.global_extents = tuple(e * g for e, g in zip(self.extents, self.grid, strict=True))
        self.volume, self.site_lanes = int(np.prod(self.extents)), site_lanes
        self.split = np.array(self.grid) > 1
        self.dead = np.zeros(0, np.int64)
        if generators is None:
            split = tuple(np.flatnonzero(self.split))
            generators = lane_group.choose(self.extents, width, split) if site_lanes else []
            if site_lanes and not split and self._cut_unevenly(generators):
                return
        self._check(generators)
        self.group = lane_group.elements(self.extents, generators)
        self.lanes_used = len(self.group) if site_lanes else width
        self.perm, self.add = lane_group.tables(self.extents, self.group, width)
        if not site_lanes:
            self.perm[:, :width] = np.arange(width)
        self._number_blocks(tile_limit, tile)
        self._neighbour_tables()
        self._sites_of_lanes()

    def _cut_unevenly(self, generators) -> bool:
        """Take uneven cuts where they fill more lanes than the lane group; says whether it did."""
        grouped = math.prod(order for _, order in generators)
        if grouped == self.width:
            return False
        cuts = uneven.best_cuts(self.extents, self.width)
        if uneven.fill(self.extents, cuts, self.width) * self.width <= grouped:
            return False
        self._check(())
        table = uneven.UnevenLanes(self.extents, cuts, self.width)
        self.block_extents, self.local_blocks, self._x = np.array(table.block_extents), len(table.x), table.x
        self.blocks, self.lanes_used = self.local_blocks, self.width
        self._block_of_site, self._lane_of_site = table.block, table.lane
        self.forward, self.backward, self.perm = table.forward, table.backward, table.perm
        self.add = np.full((SEAMS, SEAMS), -1, np.int64)
        self.add[0] = self.add[:, 0] = np.where(table.perm[:, self.width] == 0, np.arange(SEAMS), -1)
        self._local_site = self.site = table.site
        self._offset = np.zeros((*table.site.shape, self.ndim), np.int64)
        self.dead = np.flatnonzero(table.dead)
        return True

    def _check(self, generators):
        if self.volume * int(np.prod(self.grid)) >= 1 << 40:
            raise GeometryError(f"lattice {self.global_extents} has 2^40 sites or more, beyond the RNG's site field")
        if self.split.any() and any(sum(1 for c in v if c) != 1 for v, _ in generators):
            raise GeometryError("a lattice split over ranks needs lane groups of coordinate cuts")

    def _key(self, x):
        return np.ravel_multi_index(tuple(np.moveaxis(x % np.array(self.extents), -1, 0)), self.extents)

    def _number_blocks(self, tile_limit, tile):
        sites = np.stack(np.unravel_index(np.arange(self.volume), self.extents), -1)
        orbit = np.stack([self._key(sites + g) for g in self.group], -1)
        representatives = np.unique(orbit.min(1))
        x = sites[representatives]
        self.block_extents = x.max(0) + 1
        tile, run = choose_tile(self.block_extents, tile_limit) if tile is None else tile
        order = tiled_order(x, tile, run)
        x, representatives = x[order], representatives[order]
        self.local_blocks = len(x)
        self._block_of_site = np.empty(self.volume, np.int64)
        self._lane_of_site = np.empty(self.volume, np.int64)
        self._block_of_site[orbit[representatives]] = np.arange(self.local_blocks)[:, None]
        self._lane_of_site[orbit[representatives]] = np.arange(len(self.group))
        halo = self._halo_coordinates()
        self.blocks = self.local_blocks + len(halo)
        self._x = np.concatenate((x, halo))

    def _halo_coordinates(self):
        if not self.split.any():
            return np.zeros((0, self.ndim), np.int64)
        ranges = [
            np.arange(-1, e + 1) if s else np.arange(e) for e, s in zip(self.block_extents, self.split, strict=True)
        ]
        box = np.stack(np.meshgrid(*ranges, indexing="ij"), -1).reshape(-1, self.ndim)
        outside = ((box < 0) | (box >= self.block_extents)).sum(1)
        return box[(outside > 0) & (outside <= LONGEST_HALO_OFFSET)]

    def _neighbour_tables(self):
        """forward, backward [block, mu] = neighbour block * SEAMS + seam; -1 beyond the halo."""
        steps = np.eye(self.ndim, dtype=np.int64)[::-1]  # direction mu steps along site axis D - 1 - mu
        find = self._find_in_box() if self.split.any() else self._find_on_torus
        self.forward = np.ascontiguousarray(np.stack([find(self._x + s) for s in steps], 1))
        self.backward = np.ascontiguousarray(np.stack([find(self._x - s) for s in steps], 1))

    def _find_on_torus(self, x):
        key = self._key(x)
        return self._block_of_site[key] * SEAMS + self._lane_of_site[key]

    def _find_in_box(self):
        pad = self.split.astype(np.int64)
        box = np.full(tuple(self.block_extents + 2 * pad), -1, np.int64)
        box[tuple((self._x + pad).T)] = np.arange(self.blocks)
        seam_of = {tuple(g): i for i, g in enumerate(self.group)}
        extents = np.array(self.extents)

        def find(x):
            wrapped = np.where(self.split, 0, x // self.block_extents)
            inside = np.where(self.split, x, x % self.block_extents)
            valid = (~self.split | ((x >= -1) & (x <= self.block_extents))).all(1)
            block = np.full(len(x), -1, np.int64)
            block[valid] = box[tuple((inside[valid] + pad).T)]
            seams = [seam_of[tuple(h)] for h in (wrapped * self.block_extents) % extents]
            return np.where(block >= 0, block * SEAMS + np.array(seams), -1)

        return find

    def _sites_of_lanes(self):
        lanes = self.group[[k if k < len(self.group) else 0 for k in range(self.width)]]
        x = self._x[:, None, :] + lanes
        extents = np.array(self.extents)
        self._local_site = self._key(x)
        self._offset = np.where(self.split, x // extents, 0)
        owner = np.array(self.coords) + self._offset
        position = (x % extents + owner * extents) % np.array(self.global_extents)
        self.site = np.ravel_multi_index(tuple(np.moveaxis(position, -1, 0)), self.global_extents).astype(np.int64)

    def halo_messages(self) -> list[HaloMessage]:
        """What has to arrive in the halo lanes, grouped by the sender's offset in the process grid, in fixed order."""
        n = self.local_blocks
        offsets = self._offset[n:].reshape(-1, self.ndim)
        site = self._local_site[n:].reshape(-1)
        target = np.arange(n * self.width, self.blocks * self.width)
        source = self._block_of_site[site] * self.width + self._lane_of_site[site]
        messages = []
        for offset in np.unique(offsets, axis=0) if len(offsets) else []:
            chosen = (offsets == offset).all(1)
            messages.append(HaloMessage(tuple(int(o) for o in offset), source[chosen], target[chosen]))
        return messages

    def fill_dead(self, packed, value) -> None:
        """Put `value` into the lanes without a site of a field (batch, block, .., lane)."""
        if len(self.dead):
            block, lane = np.divmod(self.dead, self.width)
            packed[:, block, ..., lane] = value

    def sources(self, table) -> np.ndarray:
        """Blocks that a step of `forward` or `backward` reads, (D, 1 or 2, blocks); -1 beyond the halo."""
        first = np.where(table >= 0, table // SEAMS, -1)
        second = first + self.perm[np.where(table >= 0, table % SEAMS, 0), self.width]
        return np.stack([first, second] if len(self.dead) else [first]).transpose(2, 0, 1)

    def batches(self, chains: int) -> int:
        """Number of batches that hold `chains` chains."""
        return chains if self.site_lanes else -(-chains // self.width)

    def chain_table(self, first_chain: int, chains: int) -> np.ndarray:
        """Global chain number of [batch, lane]; lanes beyond the last chain repeat it."""
        batch = np.arange(self.batches(chains))[:, None]
        lane = np.arange(self.width)[None, :]
        chain = batch + 0 * lane if self.site_lanes else np.minimum(batch * self.width + lane, chains - 1)
        return np.ascontiguousarray(first_chain + chain, np.int64)
