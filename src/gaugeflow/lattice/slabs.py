"""Configurations between the packed fields of all ranks and rank 0, slab by slab: nobody ever holds a whole copy.

A slab is (chains, times): two slices of the global axes chain and t; all of (.., x, mu, a, b) belongs to it. Callers
choose slabs, the same on every rank, in C order of the canonical array and as small as their memory asks for. Every
rank copies only its share of a slab, its *piece*, out of or into its packed field; pieces travel one slab at a time.

    gather     packed fields -> slabs on rank 0        scatter    slabs on rank 0 -> packed fields
    pieces     this rank's share of every slab, for ranks that write into one file together
    fill_own   the same for ranks that read one file together
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from gaugeflow.lattice import decomposition

Slab = tuple[slice, slice]
"""Global chains and time slices, with start and stop."""


class Slabs:
    """Exchange of slabs for one rank's part of a lattice.

    layout     `kernels.layout.Layout` of this rank
    comm       ranks, arranged as grid (chains, t, ..., x)
    shape      canonical links of the whole lattice: (chains, t, ..., x, mu, a, b)
    """

    def __init__(self, layout, comm, grid: tuple[int, ...], shape: tuple[int, ...]) -> None:
        self._layout, self._comm, self._shape = layout, comm, shape
        self._parts = list(decomposition.parts(grid, shape))
        self._mine = self._parts[comm.rank]

    def index(self, rank: int, slab: Slab) -> tuple[slice, ...] | None:
        """Global (chain, t, ..., x) slices of a rank's piece of a slab; None if it has none."""
        part = self._parts[rank]
        cut = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(part, slab, strict=False)]
        return (*cut, *part[2:]) if all(c.start < c.stop for c in cut) else None

    def piece(self, field: np.ndarray, slab: Slab) -> np.ndarray | None:
        """This rank's piece of a slab, complex128 (chains, times, ..., x, mu, a, b); None if it has none."""
        index = self.index(self._comm.rank, slab)
        if index is None:
            return None
        return (
            self._layout.unpack_slab(field, *self._local(index)).view(np.complex128).reshape(self._piece_shape(index))
        )

    def pieces(self, field: np.ndarray, slabs: Iterable[Slab]) -> Iterator[tuple[tuple[slice, ...], np.ndarray] | None]:
        """(global index, piece) of this rank for every slab, None where it has no share."""
        for slab in slabs:
            piece = self.piece(field, slab)
            yield None if piece is None else (self.index(self._comm.rank, slab), piece)

    def gather(self, field: np.ndarray, slabs: Iterable[Slab]) -> Iterator[tuple[Slab, np.ndarray | None]]:
        """(slab, values) for every slab, values complex128 on rank 0 and None elsewhere; collective in every step.

        field    packed field (batch, block, mu, component, lane) of this rank in host memory
        """
        for slab in slabs:
            piece = self.piece(field, slab)
            if self._comm.size == 1:
                yield slab, piece
                continue
            others = self._others(slab)
            received = [(rank, np.empty(self._piece_shape(index), np.complex128)) for rank, index in others]
            self._comm.collect(piece, received)
            if self._comm.rank:
                yield slab, None
                continue
            values = np.empty(self._slab_shape(slab), np.complex128)
            if piece is not None:
                values[self._within(slab, self.index(0, slab))] = piece
            for (_, index), (_, array) in zip(others, received, strict=True):
                values[self._within(slab, index)] = array
            yield slab, values

    def scatter(self, field: np.ndarray, slabs: Iterable[Slab], read: Callable[[Slab], np.ndarray] | None) -> None:
        """Fill this rank's local lanes of a packed field; halo lanes stay as they are.

        read    on rank 0: called for every slab in order, gives its values; not used elsewhere
        """
        for slab in slabs:
            index, sent = self.index(self._comm.rank, slab), []
            piece = None
            if self._comm.rank == 0:
                values = np.asarray(read(slab), np.complex128)
                sent = [(r, np.ascontiguousarray(values[self._within(slab, i)])) for r, i in self._others(slab)]
                piece = values[self._within(slab, index)] if index else None
            elif index:
                piece = np.empty(self._piece_shape(index), np.complex128)
            self._comm.distribute(sent, piece)
            if index:
                self._layout.pack_slab(field, np.ascontiguousarray(piece).view(np.float64), *self._local(index))
        self._layout.fill_copies(field, self._mine[0].stop - self._mine[0].start)

    def fill_own(
        self, field: np.ndarray, slabs: Iterable[Slab], read: Callable[[tuple[slice, ...]], np.ndarray]
    ) -> None:
        """Fill this rank's local lanes of a packed field from what it reads itself; nothing is sent.

        read    called for this rank's piece of every slab with its global (chain, t, ..., x) slices, gives its values
        """
        for slab in slabs:
            index = self.index(self._comm.rank, slab)
            if index:
                piece = np.ascontiguousarray(read(index), np.complex128)
                self._layout.pack_slab(field, piece.view(np.float64), *self._local(index))
        self._layout.fill_copies(field, self._mine[0].stop - self._mine[0].start)

    def _others(self, slab: Slab) -> list[tuple[int, tuple[slice, ...]]]:
        """On rank 0: the other ranks with a share of the slab, and their indices."""
        if self._comm.rank:
            return []
        found = [(rank, self.index(rank, slab)) for rank in range(1, self._comm.size)]
        return [(rank, index) for rank, index in found if index is not None]

    def _local(self, index: tuple[slice, ...]) -> tuple[range, range]:
        """Chains and time slices of this rank, from 0."""
        chains, times = (
            range(i.start - m.start, i.stop - m.start) for i, m in zip(index[:2], self._mine, strict=False)
        )
        return chains, times

    def _piece_shape(self, index: tuple[slice, ...]) -> tuple[int, ...]:
        return (*(i.stop - i.start for i in index), *self._shape[len(index) :])

    def _slab_shape(self, slab: Slab) -> tuple[int, ...]:
        return (*(s.stop - s.start for s in slab), *self._shape[2:])

    @staticmethod
    def _within(slab: Slab, index: tuple[slice, ...]) -> tuple[slice, ...]:
        """A global index relative to its slab."""
        cut = (slice(i.start - s.start, i.stop - s.start) for i, s in zip(index, slab, strict=False))
        return (*cut, *index[2:])
