"""Links of many chains in packed form, and every operation on them that a sampler, flow or observable needs.

Fields are arrays (batch, block, direction, component, lane) in a device's memory; what the numbers mean is the
layout's business. An operation that changes links begins the exchange of their halo, one that reads neighbours
finishes it. Operations of `lattice.operations` have the same names on `lattice.oracle`.
"""

import numpy as np

from gaugeflow.conventions import gauge_group, planes
from gaugeflow.kernels.dispatch import join, kernels_for
from gaugeflow.lattice.communicator import Communicator, Serial
from gaugeflow.lattice.devices import device_maker
from gaugeflow.lattice.operations import operation
from gaugeflow.lattice.partition import Partition


class PackedLattice:
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
        self.link_pieces, self.piece_index = self.partition.link_pieces, self.partition.piece_index
        self.select = self.partition.select
        self._run = self.device.run

    # ---- sums

    def _sum(self, kernel, count, halo=None, **values):
        """Exact sums of a kernel: int64 (local chains, count, 3) of high, low, bad."""
        raw = self.device.exact_sums(kernel, count, halo, **values)
        per_lane = raw[..., : self.layout.lanes_used].transpose(0, 1, 4, 2, 3)  # copy, batch, lane, count, (high, low)
        out = np.zeros((*per_lane.shape[1:4], 3), np.int64)
        finite = np.isfinite(per_lane)
        if not finite.all():
            out[..., 2] = (~finite).any((0, -1))
            per_lane = np.where(finite, per_lane, 0.0)
        np.add.reduce(per_lane.astype(np.int64), 0, out=out[..., :2])
        return out.sum(1) if self.layout.site_lanes else self.partition.lanes_to_chains(out)

    def total(self, *sums):
        """Exact totals over ranks of local sums, as floats (chains, columns); NaN where a term was not finite."""
        everywhere = self.comm.sum_integers(self.partition.of_all_chains(np.concatenate(sums, 1)))
        return np.where(everywhere[..., 2] > 0, np.nan, join(everywhere[..., 0], everywhere[..., 1]))

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

    # ---- operations

    def _randomise(self, kernel, seed, purpose, trajectory, **field):
        keys = {"key0": seed & 0xFFFFFFFF, "key1": seed >> 32}
        self._run(kernel, trajectory=trajectory, purpose=int(purpose), **keys, **field)
        self.device.fill_dead(*field.values(), 0.0)

    @operation
    def hot(self, seed, purpose):
        """Haar-distributed links."""
        out = self.new_links()
        self._randomise("random_links", seed, purpose, 0, u=out)
        self.halo.begin(out)
        return out

    @operation
    def refresh(self, momenta, seed, purpose, trajectory) -> None:
        """momenta <- Gaussian momenta P = i p_a T_a with unit variance of every p_a."""
        self._randomise("gaussian_momenta", seed, purpose, trajectory, p=momenta)

    @operation
    def kick(self, links, momenta, c, d=1.0) -> None:
        """P <- d P + c P(U S^dagger), S the sum of staples."""
        self._run("kick", lambda: self.halo.finish(links), u=links, p=momenta, c=float(c), d=float(d))
        self.halo.finish(links)

    @operation
    def drift(self, links, momenta, eps) -> None:
        """U <- exp(eps P) U."""
        self._run("drift", u=links, p=momenta, eps=float(eps))
        self.halo.begin(links)

    @operation
    def plaquette_sums(self, links):
        """Local exact sums of Re tr U_p, one column per plane; pass to `total`."""
        return self._sum("plaquette_sums", len(planes(self.ndim)), lambda: self.halo.finish(links), u=links)

    @operation
    def kinetic_sums(self, momenta):
        """Local exact sums of -tr P^2, one column; pass to `total`."""
        self.device.fill_dead(momenta, 0.0)  # kicks leave anything there
        return self._sum("kinetic_sums", 1, p=momenta)

    @operation
    def clover_sums(self, links):
        """Local exact sums of sum_{mu<nu} -tr F F and (4D) of the charge form; pass to `total`."""
        return self._sum("clover_sums", 2, lambda: self.halo.finish(links), u=links)

    @operation
    def reunitarise(self, links) -> np.ndarray:
        """Links back to the group; largest change of a matrix element per chain, (chains,)."""
        self.device.fill_dead(links, np.eye(self.n, dtype=complex).view(float).ravel())  # zero has no direction
        worst = self.device.largest("reunitarise", u=links)
        self.device.fill_dead(links, 0.0)
        self.halo.begin(links)
        local = worst.max(1) if self.layout.site_lanes else self.partition.lanes_to_chains(worst)
        return self.comm.maximum(self.partition.of_all_chains(local))

    @operation
    def plaquette_angles(self, links) -> np.ndarray:
        """arg tr U_p of this rank's sites, (local chains, sites, planes)."""
        count = len(planes(self.ndim))
        out = self.device.new_field(self.partition.field_shape(count, 2), np.float64)
        self._run("plaquette_traces", lambda: self.halo.finish(links), u=links, out=out)
        traces = self.layout.unpack(self.device.to_host(out), self.local_chains, count)
        return np.arctan2(traces[..., 1], traces[..., 0]).reshape(self.local_chains, -1, count)

    @operation
    def staples(self, links, mu, out) -> None:
        """out(x) = sum of the staples of U_mu(x): U_mu(x) out(x) sums the plaquettes through the link."""
        self._run("staples", lambda: self.halo.finish(links), u=links, out=out, mu=mu)
        self.device.fill_dead(out, 0.0)
        self.halo.begin(out)

    # ---- straight lines

    @operation
    def take_links(self, links, mu, line) -> None:
        """line(x) = U_mu(x)."""
        self._run("take_links", u=links, line=line, mu=mu)
        self.halo.begin(line)

    @operation
    def extend_line(self, links, mu, line, out) -> None:
        """out(x) = U_mu(x) line(x + mu)."""
        self._run("extend_line", lambda: self.halo.finish(line), u=links, line=line, out=out, mu=mu)
        self.halo.begin(out)

    @operation
    def shift_line(self, line, mu, out) -> None:
        """out(x) = line(x + mu)."""
        self._run("shift_line", lambda: self.halo.finish(line), line=line, out=out, mu=mu)
        self.device.fill_dead(out, 0.0)
        self.halo.begin(out)

    @operation
    def loop_sums(self, side, up, left, top):
        """Local exact sums of Re tr side up (left top)^dagger; pass to `total`."""
        return self._sum("loop_sums", 1, side=side, up=up, left=left, top=top)

    @operation
    def trace_sums(self, line):
        """Local exact sums of Re tr and Im tr of a line field; pass to `total`."""
        return self._sum("trace_sums", 2, line=line)
