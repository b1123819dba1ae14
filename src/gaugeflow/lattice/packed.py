"""Links of many chains in packed form, and every operation on them that a sampler, flow or observable needs.

Fields are arrays (batch, block, direction, component, lane) in a device's memory; what the numbers mean is the
layout's business. Memory and sums are here, operations by topic in files of their own (the bases below): one
"""

import numpy as np

from gaugeflow.conventions import gauge_group
from gaugeflow.kernels.dispatch import join, kernels_for, totals
from gaugeflow.lattice.communicator import Communicator, Serial
from gaugeflow.lattice.defects import Defects
from gaugeflow.lattice.devices import device_maker
from gaugeflow.lattice.evolution import Evolution
from gaugeflow.lattice.field_strength import FieldStrength
from gaugeflow.lattice.frames import Frames
from gaugeflow.lattice.lines import Lines
from gaugeflow.lattice.partition import Partition
from gaugeflow.lattice.plaquettes import Plaquettes
from gaugeflow.lattice.rectangles import Rectangles
from gaugeflow.lattice.smearing import Smearing
from gaugeflow.lattice.sweeps import Sweeps


class PackedLattice(Evolution, Plaquettes, Rectangles, Lines, Sweeps, Frames, FieldStrength, Smearing, Defects):
    """One rank's part of `chains` lattices of `extents` (x, ..., t) for a gauge group.

    comm      ranks; grid (chains, t, ..., x) chosen if None
    threads   worker threads of this rank (device cpu)
    width     SIMD lanes (default: this machine's, 64 bytes on a card); lanes "sites", "chains" or None for automatic
    precision "float64" or "float32", of links, momenta and their arithmetic
    device    "cpu", "cuda", or a function (kernels, layout, batches, chain table, pace) -> device
    """

    def __init__(
        self,
        group,
        extents,
        chains,
        *,
        comm: Communicator | None = None,
        grid=None,
        threads=1,
        width=None,
        lanes=None,
        precision="float64",
        device="cpu",
    ):
        self.group, self.extents, self.chains = group, tuple(extents), chains
        self.ndim, self.comm, self.threads = len(extents), comm or Serial(), threads
        self.volume = int(np.prod(extents))
        maker = device_maker(device, self.comm, threads, precision)
        self.kernels = kernels_for(group, self.ndim, width or maker.width, precision)
        self.n, self.special, self.precision = self.kernels.n, self.kernels.special, precision
        self.generator_trace = gauge_group(group).generator_trace
        self.partition = Partition(self.kernels, extents, chains, self.comm, maker, grid, lanes)
        self.device, self.halo = self.partition.device, self.partition.halo
        self.asynchronous = self.device.asynchronous
        self.grid = self.partition.grid
        self.layout, self.batches = self.partition.layout, self.partition.batches
        self.first_chain, self.local_chains = self.partition.first_chain, self.partition.local_chains
        self.shape = self.partition.shape
        self.gather, self.scatter = self.partition.gather, self.partition.scatter
        self.gather_slabs, self.scatter_slabs = self.partition.gather_slabs, self.partition.scatter_slabs
        self.scatter_own = self.partition.scatter_own
        self.link_pieces, self.piece_index = self.partition.link_pieces, self.partition.piece_index
        self.select = self.partition.select
        self._run = self.device.run
        self._scratch: dict = {}

    # ---- sums

    def _sum(self, kernel, count, halo=None, **values):
        """Exact sums of a kernel: int64 (local chains, count, 3) of high, low, bad."""
        return self._of_chains(self._lane_sums(kernel, count, halo, **values))

    def _lane_sums(self, kernel, count, halo=None, **values):
        """The same of every lane, (batch, lane, count, 3)."""
        return self._totals(self.device.exact_sums(kernel, count, halo, **values))

    def _totals(self, raw):
        """Accumulators (copy, batch, count, (high, low), lane) of a device -> (batch, lane, count, 3)."""
        return totals(raw[..., : self.layout.lanes_used].transpose(0, 1, 4, 2, 3))

    def _of_chains(self, lane_sums):
        """(batch, lane, ...) -> (local chains, ...): lanes are sites of a chain, or chains."""
        return lane_sums.sum(1) if self.layout.site_lanes else self.partition.lanes_to_chains(lane_sums)

    def total(self, *sums):
        """Exact totals over ranks of local sums, as floats (chains, columns); NaN where a term was not finite."""
        everywhere = self.comm.sum_integers(self.partition.of_all_chains(np.concatenate(sums, 1)))
        return np.where(everywhere[..., 2] > 0, np.nan, join(everywhere[..., 0], everywhere[..., 1]))

    def _largest(self, kernel, **values):
        """Largest number of a kernel on all ranks, (chains,)."""
        return self._largest_of_chains(self.device.largest(kernel, **values))

    def _largest_of_chains(self, worst):
        """Largest numbers (batch, lane) of this rank -> those of all ranks, (chains,)."""
        local = worst.max(1) if self.layout.site_lanes else self.partition.lanes_to_chains(worst)
        return self.comm.maximum(self.partition.of_all_chains(local))

    # ---- fields

    def new_links(self):
        """Memory for links, zero."""
        return self.partition.new_field(self.ndim, 2 * self.n**2)

    def new_momenta(self):
        """Memory for algebra elements, zero."""
        return self.partition.new_field(self.ndim, self.n**2)

    def new_line(self):
        """Memory for one matrix per site, zero."""
        return self.partition.new_field(1, 2 * self.n**2)

    def scratch(self, name, directions, components):
        """The field of that name, kept from call to call; its content is whatever the last call left."""
        if name not in self._scratch:
            self._scratch[name] = self.partition.new_field(directions, components)
        return self._scratch[name]

    def copy(self, field):
        """A field of its own with the same content."""
        self.halo.finish(field)
        return self.device.copy(field)

    def snapshot(self, links):
        """Links as they are now, whatever happens to `links`; `gather` and its like take it as they take links."""
        return self.device.snapshot(links)

    def cold(self):
        """Links all one."""
        out = self.new_links()
        out[..., :: 2 * (self.n + 1), :] = 1.0  # real parts of the diagonal, in halo lanes too
        self.device.fill_dead(out, 0.0)
        return out
