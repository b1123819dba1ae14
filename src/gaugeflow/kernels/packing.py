"""Canonical arrays into packed fields and back, by ranges of chains and time slices: the moving part of `layout`."""

import numpy as np


class Packing:
    """Base of `Layout`, whose tables it uses: where a site is, which lanes are sites, how many chains share a batch."""

    def pack(self, field: np.ndarray) -> np.ndarray:
        """Canonical local reals (chains, t, ..., x, mu, component) -> packed, halo lanes left zero."""
        chains, directions, components = field.shape[0], field.shape[-2], field.shape[-1]
        out = np.zeros((self.batches(chains), self.blocks, directions, components, self.width))
        self.pack_slab(out, field, range(chains), range(self.extents[0]))
        self.fill_copies(out, chains)
        return out

    def pack_slab(self, packed: np.ndarray, values: np.ndarray, chains: range, times: range) -> None:
        """Put canonical reals (len(chains), len(times), ..., x, mu, component) into a packed field, in its own dtype.

        packed           (batch, block, mu, component, lane); lanes that are copies are for `fill_copies`
        chains, times    of this rank, from 0
        """
        flat = values.reshape(len(chains), -1, *packed.shape[2:4])
        for batch, own, lanes in self._batches_of(chains):
            for block, lane, sites in self._places(times):
                if self.site_lanes:
                    packed[batch][block, :, :, lane] = flat[own.start, sites]
                else:
                    packed[batch, block, :, :, lanes] = np.moveaxis(flat[own, sites], 0, -1)

    def unpack_slab(self, packed: np.ndarray, chains: range, times: range) -> np.ndarray:
        """Float64 canonical reals (len(chains), len(times), ..., x, mu, component) of a packed field."""
        slice_sites = self.volume // self.extents[0]
        out = np.empty((len(chains), len(times) * slice_sites, *packed.shape[2:4]))
        for batch, own, lanes in self._batches_of(chains):
            for block, lane, sites in self._places(times):
                if self.site_lanes:
                    out[own.start, sites] = packed[batch][block, :, :, lane]
                else:
                    out[own, sites] = np.moveaxis(packed[batch, block, :, :, lanes], -1, 0)
        return out.reshape(len(chains), len(times), *self.extents[1:], *packed.shape[2:4])

    def _batches_of(self, chains: range):
        """(batch, slice of positions in `chains`, slice of lanes) of these chains; no lanes where they are sites."""
        width = 1 if self.site_lanes else self.width
        for batch in range(chains.start // width, -(-chains.stop // width)):
            first, last = max(chains.start, batch * width), min(chains.stop, (batch + 1) * width)
            yield (
                batch,
                slice(first - chains.start, last - chains.start),
                slice(first - batch * width, last - batch * width),
            )

    def _places(self, times: range):
        """(blocks, lanes, slice of positions) of the sites of each of these time slices in canonical order."""
        slice_sites = self.volume // self.extents[0]
        for i, t in enumerate(times):
            sites = slice(t * slice_sites, (t + 1) * slice_sites)
            yield self._block_of_site[sites], self._lane_of_site[sites], slice(i * slice_sites, (i + 1) * slice_sites)

    def fill_copies(self, packed: np.ndarray, chains: int) -> None:
        """Give lanes that stand for no site or no chain of their own the values of lane 0 or of the last chain."""
        local = packed[:, : self.local_blocks]
        if self.site_lanes:
            local[..., self.lanes_used :] = local[..., :1]
        elif last := chains % self.width:
            local[-1, ..., last:] = local[-1, ..., last - 1 : last]

    def unpack(self, packed: np.ndarray, chains: int, directions: int) -> np.ndarray:
        """Packed (batch, block, directions, component, lane) -> canonical local reals."""
        view = packed.reshape(self.batches(chains), self.blocks, directions, -1, self.width)
        return self.unpack_slab(view, range(chains), range(self.extents[0]))
