"""One rank's part of many lattices: where its sites are, its memory, its halo and the way to whole configurations."""

import numpy as np

from gaugeflow.errors import GeometryError
from gaugeflow.kernels.dispatch import TERMS, Kernels
from gaugeflow.kernels.layout import Layout
from gaugeflow.kernels.memory import aligned_zeros, pack_lanes, unpack_lanes
from gaugeflow.kernels.traversal import TILE_MATRICES_PER_MIB, l2_bytes
from gaugeflow.lattice import decomposition
from gaugeflow.lattice.communicator import Communicator

CHAIN_LANES_UP_TO = 4096
"""Largest number of sites for which lanes are chains: beyond, W lattices at once no longer share the cache."""


class Partition:
    """Layout, memory and communication of one rank.

    kernels   sizes of a matrix and a register
    extents   (x, ..., t) of one lattice; chains   number of lattices
    comm, grid (chains, t, ..., x)   ranks and their arrangement, chosen if None
    lanes     "sites", "chains" or None for automatic
    """

    def __init__(self, kernels: Kernels, extents, chains: int, comm: Communicator, grid=None, lanes=None):
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
        limit = max(1, TILE_MATRICES_PER_MIB * l2_bytes() // (1 << 20))
        self.layout = Layout(local, kernels.width, site_lanes, self.grid[1:], self.coords[1:], limit)
        if self.layout.blocks * self.ndim >= TERMS:
            raise GeometryError(f"local lattice {local} is too large for one rank's exact sums; use more ranks")
        self.batches = self.layout.batches(self.local_chains)
        self._messages = self.layout.halo_messages()

    def _best_lanes(self, volume):
        padded = -(-self.local_chains // self.kernels.width) * self.kernels.width
        return "chains" if volume <= CHAIN_LANES_UP_TO and 4 * padded <= 5 * self.local_chains else "sites"

    def new_field(self, directions: int, components: int) -> np.ndarray:
        """Zeros (batch, block, directions, components, lane)."""
        shape = (self.batches, self.layout.blocks, directions, components, self.kernels.width)
        return aligned_zeros(shape, self.kernels.dtype)

    def of_all_chains(self, local: np.ndarray) -> np.ndarray:
        """This rank's rows (local chains, ...) in an array of zeros for all chains."""
        out = np.zeros((self.chains, *local.shape[1:]), local.dtype)
        out[self.first_chain : self.first_chain + self.local_chains] = local
        return out

    def lanes_to_chains(self, per_lane: np.ndarray) -> np.ndarray:
        """(batch, lane, ...) -> (local chains, ...) where lanes are chains."""
        return per_lane.reshape(-1, *per_lane.shape[2:])[: self.local_chains]

    def fill_halo(self, field) -> None:
        """Exchange: halo lanes get the values of the sites they stand for."""
        view = field.reshape(self.batches, self.layout.blocks, -1, self.kernels.width)
        messages = []
        for message in self._messages:
            outgoing = np.empty((self.batches, len(message.source), view.shape[2]), view.dtype)
            incoming = np.empty_like(outgoing)
            pack_lanes(view, message.source, outgoing)
            coords = np.array(self.coords[1:])
            target = (self.coords[0], *(coords - message.offset))
            source = (self.coords[0], *(coords + message.offset))
            ranks = decomposition.rank_at(target, self.grid), decomposition.rank_at(source, self.grid)
            messages.append((*ranks, outgoing, incoming))
        self.comm.exchange(messages)
        for message, (_, _, _, incoming) in zip(self._messages, messages, strict=True):
            unpack_lanes(view, message.target, incoming)

    def from_local(self, links) -> np.ndarray:
        """Canonical links of this rank (chains, t, ..., x, mu, a, b) -> packed, halo filled."""
        reals = np.ascontiguousarray(links, np.complex128).view(np.float64)
        out = self.new_field(self.ndim, 2 * self.kernels.n**2)
        out[...] = self.layout.pack(reals.reshape(*reals.shape[:-2], -1))
        self.fill_halo(out)
        return out

    def to_local(self, links) -> np.ndarray:
        """Packed links -> canonical links of this rank."""
        n = self.kernels.n
        reals = self.layout.unpack(links, self.local_chains, self.ndim)
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
        if self.layout.site_lanes:
            new[~mine] = old[~mine]
        elif not mine.all():
            lanes = np.ones(self.batches * self.kernels.width, bool)
            lanes[: self.local_chains] = mine
            lanes[self.local_chains :] = mine[-1]
            np.copyto(new, old, where=~lanes.reshape(self.batches, 1, 1, 1, self.kernels.width))
