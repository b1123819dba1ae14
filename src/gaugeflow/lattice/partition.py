"""One rank's part of many lattices: where its sites are, its memory, its halo and the way to whole configurations."""

import numpy as np

from gaugeflow.errors import GeometryError
from gaugeflow.kernels.dispatch import TERMS, Kernels
from gaugeflow.kernels.layout import Layout
from gaugeflow.kernels.tuning import DEFAULT, choose_pace
from gaugeflow.lattice import decomposition
from gaugeflow.lattice.communicator import Communicator
from gaugeflow.lattice.halo import Halo

CHAIN_LANES_UP_TO = 4096
"""Largest number of sites for which lanes are chains: beyond, W lattices at once no longer share the cache."""


class Partition:
    """Layout, memory and communication of one rank.

    kernels   sizes of a matrix and a register
    extents   (x, ..., t) of one lattice; chains   number of lattices
    comm, grid (chains, t, ..., x)   ranks and their arrangement, chosen if None
    maker     makes the device, see `lattice.devices`
    lanes     "sites", "chains" or None for automatic
    """

    def __init__(self, kernels: Kernels, extents, chains: int, comm: Communicator, maker, grid=None, lanes=None):
        self.kernels, self.extents, self.ndim = kernels, tuple(extents), len(extents)
        self.chains, self.comm = chains, comm
        if grid is None:
            grid = decomposition.choose_grid(comm.size, chains, extents)
        decomposition.check_grid(grid, comm.size, chains, extents)
        self.grid = tuple(grid)
        self.coords = decomposition.coordinates(comm.rank, self.grid)
        self.local_chains = chains // self.grid[0]
        self.first_chain = self.coords[0] * self.local_chains
        local = [e // g for e, g in zip(reversed(self.extents), self.grid[1:], strict=True)]
        site_lanes = (lanes or self._best_lanes(int(np.prod(local)))) == "sites"
        timed = maker.timed and comm.rank == 0
        chosen = choose_pace(kernels, self.ndim, int(np.prod(local))) if timed else DEFAULT
        self.pace = comm.broadcast(chosen)
        self.layout = Layout(local, kernels.width, site_lanes, self.grid[1:], self.coords[1:], self.pace.tile_limit)
        if self.layout.blocks * self.ndim >= TERMS:
            raise GeometryError(f"local lattice {local} is too large for one rank's exact sums; use more ranks")
        self.batches = self.layout.batches(self.local_chains)
        chain = self.layout.chain_table(self.first_chain, self.local_chains)
        self.device = maker.make(kernels, self.layout, self.batches, chain, self.pace)
        self.halo = Halo(self.device, self.layout, comm, self.grid, self.coords)

    def _best_lanes(self, volume):
        padded = -(-self.local_chains // self.kernels.width) * self.kernels.width
        return "chains" if volume <= CHAIN_LANES_UP_TO and 4 * padded <= 5 * self.local_chains else "sites"

    def new_field(self, directions: int, components: int):
        """Zeros (batch, block, directions, components, lane) on the device."""
        return self.device.new_field((self.batches, self.layout.blocks, directions, components, self.kernels.width))

    def of_all_chains(self, local: np.ndarray) -> np.ndarray:
        """This rank's rows (local chains, ...) in an array of zeros for all chains."""
        out = np.zeros((self.chains, *local.shape[1:]), local.dtype)
        out[self.first_chain : self.first_chain + self.local_chains] = local
        return out

    def lanes_to_chains(self, per_lane: np.ndarray) -> np.ndarray:
        """(batch, lane, ...) -> (local chains, ...) where lanes are chains."""
        return per_lane.reshape(-1, *per_lane.shape[2:])[: self.local_chains]

    def from_local(self, links) -> np.ndarray:
        """Canonical links of this rank (chains, t, ..., x, mu, a, b) -> packed, halo filled."""
        reals = np.ascontiguousarray(links, np.complex128).view(np.float64)
        packed = self.layout.pack(reals.reshape(*reals.shape[:-2], -1))
        out = self.device.to_device(packed)
        self.halo.begin(out)
        return out

    def to_local(self, links) -> np.ndarray:
        """Packed links -> canonical links of this rank."""
        n = self.kernels.n
        reals = self.layout.unpack(self.device.to_host(links), self.local_chains, self.ndim)
        return reals.view(np.complex128).reshape(*reals.shape[:-1], n, n)

    def gather(self, links) -> np.ndarray | None:
        """Canonical links of the whole ensemble step (chains, t, ..., x, mu, a, b) on rank 0, None elsewhere."""
        pieces = self.comm.gather(self.to_local(links))
        if pieces is None:
            return None
        shape = (self.chains, *reversed(self.extents), *pieces[0].shape[self.ndim + 1 :])
        out = np.empty(shape, np.complex128)
        for where, piece in zip(decomposition.parts(self.grid, shape), pieces, strict=True):
            out[where] = piece
        return out

    def scatter(self, links) -> np.ndarray:
        """Canonical links on rank 0 (anything elsewhere) -> packed links of every rank."""
        pieces = None
        if self.comm.rank == 0:
            pieces = [np.ascontiguousarray(links[where]) for where in decomposition.parts(self.grid, links.shape)]
        return self.from_local(self.comm.scatter(pieces))

    def select(self, accepted, new, old) -> None:
        """new <- old for every chain that is not accepted; `accepted` (chains,) bool."""
        mine = accepted[self.first_chain : self.first_chain + self.local_chains]
        if mine.all():
            return
        for field in (new, old):
            self.halo.finish(field)
        lanes = 1 if self.layout.site_lanes else self.kernels.width
        keep = np.ones(self.batches * lanes, bool)
        keep[: self.local_chains] = mine
        keep[self.local_chains :] = mine[-1]
        self.device.copy_where(~keep.reshape(self.batches, 1, 1, 1, lanes), new, old)
