"""One rank's part of many lattices: where its sites are, its memory, its halo and the way to whole configurations."""

import numpy as np

from gaugeflow.errors import GeometryError
from gaugeflow.kernels.dispatch import TERMS, Kernels
from gaugeflow.kernels.layout import Layout
from gaugeflow.kernels.memory import aligned_zeros
from gaugeflow.kernels.tuning import DEFAULT, choose_pace
from gaugeflow.lattice import decomposition
from gaugeflow.lattice.communicator import Communicator
from gaugeflow.lattice.halo import Halo
from gaugeflow.lattice.slabs import Slabs

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
        self.shape = (chains, *reversed(self.extents), self.ndim, kernels.n, kernels.n)
        self.slabs = Slabs(self.layout, comm, self.grid, self.shape)

    def _best_lanes(self, volume):
        padded = -(-self.local_chains // self.kernels.width) * self.kernels.width
        return "chains" if volume <= CHAIN_LANES_UP_TO and 4 * padded <= 5 * self.local_chains else "sites"

    def new_field(self, directions: int, components: int):
        """Zeros (batch, block, directions, components, lane) on the device."""
        return self.device.new_field(self.field_shape(directions, components))

    def field_shape(self, directions: int, components: int) -> tuple[int, ...]:
        """(batch, block, directions, components, lane)."""
        return (self.batches, self.layout.blocks, directions, components, self.kernels.width)

    def of_all_chains(self, local: np.ndarray) -> np.ndarray:
        """This rank's rows (local chains, ...) in an array of zeros for all chains."""
        out = np.zeros((self.chains, *local.shape[1:]), local.dtype)
        out[self.first_chain : self.first_chain + self.local_chains] = local
        return out

    def lanes_to_chains(self, per_lane: np.ndarray) -> np.ndarray:
        """(batch, lane, ...) -> (local chains, ...) where lanes are chains."""
        return per_lane.reshape(-1, *per_lane.shape[2:])[: self.local_chains]

    def _on_host(self, links) -> np.ndarray:
        """Packed links, or a snapshot of them, in memory of this process."""
        return links() if callable(links) else self.device.to_host(links)

    def gather_slabs(self, links, slabs):
        """(slab, canonical values on rank 0, None elsewhere) for every slab in order; see `lattice.slabs`."""
        return self.slabs.gather(self._on_host(links), slabs)

    def link_pieces(self, links, slabs):
        """(global index, canonical values) of this rank's piece of every slab, None where it has none."""
        return self.slabs.pieces(self._on_host(links), slabs)

    def piece_index(self, slab):
        """Global (chain, t, ..., x) slices of this rank's piece of a slab; None if it has none."""
        return self.slabs.index(self.comm.rank, slab)

    def scatter_slabs(self, slabs, read):
        """Packed links of every rank, halo under way, from read(slab) -> canonical values on rank 0."""
        shape = self.field_shape(self.ndim, 2 * self.kernels.n**2)
        packed = aligned_zeros(shape, self.kernels.dtype)
        self.slabs.scatter(packed, slabs, read)
        out = self.device.to_device(packed)
        self.halo.begin(out)
        return out

    def scatter_own(self, slabs, read, agree):
        """Packed links of every rank, halo under way, from what every rank reads by itself.

        read     global (chain, t, ..., x) slices of this rank's piece of a slab -> its canonical values
        agree    called once when everything was read, before anything is sent: raises on all ranks or on none
        """
        packed = aligned_zeros(self.field_shape(self.ndim, 2 * self.kernels.n**2), self.kernels.dtype)
        self.slabs.fill_own(packed, slabs, read)
        agree()
        out = self.device.to_device(packed)
        self.halo.begin(out)
        return out

    def gather(self, links) -> np.ndarray | None:
        """Canonical links of the whole ensemble step (chains, t, ..., x, mu, a, b) on rank 0, None elsewhere."""
        out = np.empty(self.shape, np.complex128) if self.comm.rank == 0 else None
        for slab, values in self.gather_slabs(links, self._time_slices()):
            if out is not None:
                out[slab] = values
        return out

    def scatter(self, links) -> np.ndarray:
        """Canonical links on rank 0 (anything elsewhere) -> packed links of every rank."""
        return self.scatter_slabs(self._time_slices(), lambda slab: links[slab])

    def _time_slices(self):
        return [(slice(0, self.chains), slice(t, t + 1)) for t in range(self.extents[-1])]

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
