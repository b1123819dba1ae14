"""Links of many chains in packed form, and every operation on them that a sampler, flow or observable needs.

Fields are plain float64 arrays (batch, block, direction, component, lane); what the numbers mean is the layout's
business. An operation that reads neighbours expects filled halos; every operation that changes links fills them.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from gaugeflow.conventions import planes
from gaugeflow.kernels import schedule
from gaugeflow.kernels.dispatch import join, kernels_for
from gaugeflow.kernels.memory import aligned_zeros
from gaugeflow.kernels.traversal import l2_bytes
from gaugeflow.lattice.communicator import Communicator, Serial
from gaugeflow.lattice.partition import Partition


class PackedLattice:
    """One rank's part of `chains` lattices of `extents` (x, ..., t) for a gauge group.

    comm      ranks; grid (chains, t, ..., x) chosen if None
    threads   worker threads of this rank
    width     SIMD lanes (default: this machine's); lanes "sites", "chains" or None for automatic
    """

    def __init__(
        self, group, extents, chains, *, comm: Communicator | None = None, grid=None, threads=1, width=None, lanes=None
    ):
        self.group, self.extents, self.chains = group, tuple(extents), chains
        self.ndim, self.comm, self.threads = len(extents), comm or Serial(), threads
        self.volume = int(np.prod(extents))
        self.kernels = kernels_for(group, self.ndim, width)
        self.n, self.special = self.kernels.n, self.kernels.special
        self.partition = Partition(self.kernels, extents, chains, self.comm, grid, lanes)
        self.grid = self.partition.grid
        self.layout, self.batches = self.partition.layout, self.partition.batches
        self.first_chain, self.local_chains = self.partition.first_chain, self.partition.local_chains
        self.gather, self.scatter = self.partition.gather, self.partition.scatter
        self.select = self.partition.select
        self._chain = self.layout.chain_table(self.first_chain, self.local_chains)
        self._tables = (self.layout.forward, self.layout.backward, self.layout.perm.ctypes.data, self.layout.add)
        self._plan()
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def _plan(self):
        self._by_batch = self.batches >= self.threads
        options = {
            "parts": 1 if self._by_batch else self.threads,
            "unit_bytes": self.kernels.unit_bytes,
            "cache_bytes": l2_bytes(),
            "far": self.partition.pace.far,
        }
        self._kick_plan = schedule.make_plan(self.layout, schedule.touched_by_shared_force, shared=True, **options)
        self._drift_plan = schedule.make_plan(self.layout, schedule.touched_by_drift, **options)
        self._plaquette_plan = schedule.make_plan(self.layout, schedule.touched_by_plaquettes, **options)
        slots = max(1, self._kick_plan.slot_count) * len(planes(self.ndim)) * self.n**2 * self.kernels.width
        self._slots = aligned_zeros((self.threads if self._by_batch else 1, slots))

    # ---- running kernels

    def _tasks(self):
        """(first batch, last batch, part) of every thread."""
        if not self._by_batch:
            return [(0, self.batches, part) for part in range(self.threads)]
        cuts = [self.batches * t // self.threads for t in range(self.threads + 1)]
        return [(a, b, 0) for a, b in itertools.pairwise(cuts)]

    def _run(self, call):
        """call(thread, first batch, last batch, part) on every thread."""
        tasks = list(enumerate(self._tasks()))
        if self._pool is None:
            for thread, task in tasks:
                call(thread, *task)
        else:
            list(self._pool.map(lambda item: call(item[0], *item[1]), tasks))

    def _blocks_of(self, part):
        parts = 1 if self._by_batch else self.threads
        return self.layout.local_blocks * part // parts, self.layout.local_blocks * (part + 1) // parts

    def _run_blocks(self, kernel, *arguments):
        """kernel(first batch, last batch, first block, last block, ...) on every thread."""
        self._run(lambda thread, first, last, part: kernel(first, last, *self._blocks_of(part), *arguments))

    def _sum(self, count, call):
        """Exact sums by call(thread, address, first, last, part): int64 (local chains, count, 3) of high, low, bad."""
        raw = aligned_zeros((self.threads, self.batches, count, 2, self.kernels.width))
        self._run(lambda thread, first, last, part: call(thread, raw[thread].ctypes.data, first, last, part))
        per_lane = np.moveaxis(raw[..., : self.layout.lanes_used], -1, 2)  # thread, batch, lane, count, (high, low)
        finite = np.isfinite(per_lane)
        whole = np.where(finite, per_lane, 0.0).astype(np.int64).sum(0)
        out = np.concatenate([whole, (~finite).any(-1, keepdims=True).any(0).astype(np.int64)], -1)
        return out.sum(1) if self.layout.site_lanes else self.partition.lanes_to_chains(out)

    def total(self, *sums):
        """Exact totals over ranks of local sums, as floats (chains, columns); NaN where a term was not finite."""
        everywhere = self.comm.sum_integers(self.partition.of_all_chains(np.concatenate(sums, 1)))
        return np.where(everywhere[..., 2] > 0, np.nan, join(everywhere[..., 0], everywhere[..., 1]))

    # ---- fields

    def new_links(self) -> np.ndarray:
        """Memory for links, zero."""
        return self.partition.new_field(self.ndim, 2 * self.n**2)

    def new_momenta(self) -> np.ndarray:
        """Memory for algebra elements, zero."""
        return self.partition.new_field(self.ndim, self.n**2)

    def new_line(self) -> np.ndarray:
        """Memory for one matrix per site."""
        return self.partition.new_field(1, 2 * self.n**2)

    def cold(self) -> np.ndarray:
        """Links all one."""
        shape = (self.local_chains, *self.layout.extents, self.ndim, self.n, self.n)
        return self.partition.from_local(np.broadcast_to(np.eye(self.n, dtype=complex), shape))

    # ---- kernels as operations

    def _randomise(self, kernel, field, seed, purpose, trajectory):
        sites = np.ascontiguousarray(self.layout.site)
        key = (seed & 0xFFFFFFFF, seed >> 32)
        self._run_blocks(
            kernel,
            field.ctypes.data,
            sites.ctypes.data,
            self._chain.ctypes.data,
            self.layout.blocks,
            trajectory,
            int(purpose),
            *key,
        )
        self.layout.fill_dead(field, 0.0)

    def hot(self, seed, purpose) -> np.ndarray:
        """Haar-distributed links."""
        out = self.new_links()
        self._randomise(self.kernels.run.random_links, out, seed, purpose, 0)
        self.partition.fill_halo(out)
        return out

    def refresh(self, momenta, seed, purpose, trajectory) -> None:
        """momenta <- Gaussian momenta P = i p_a T_a with unit variance of every p_a."""
        self._randomise(self.kernels.run.gaussian_momenta, momenta, seed, purpose, trajectory)

    def kick(self, links, momenta, c, d=1.0) -> None:
        """P <- d P + c P(U S^dagger), S the sum of staples."""
        plan, tables, blocks = self._kick_plan.arguments, self._tables, self.layout.blocks

        def call(thread, first, last, part):
            slots = self._slots[thread if self._by_batch else 0].ctypes.data
            u, p = links.ctypes.data, momenta.ctypes.data
            self.kernels.run.kick(first, last, part, u, slots, p, float(c), float(d), blocks, tables, plan)

        self._run(call)

    def drift(self, links, momenta, eps) -> None:
        """U <- exp(eps P) U."""
        plan, blocks = self._drift_plan.arguments, self.layout.blocks

        def call(thread, first, last, part):
            u, p = links.ctypes.data, momenta.ctypes.data
            self.kernels.run.drift(first, last, part, u, p, float(eps), blocks, plan)

        self._run(call)
        self.partition.fill_halo(links)

    def plaquette_sums(self, links):
        """Local exact sums of Re tr U_p, one column per plane; pass to `total`."""
        plan, tables, blocks = self._plaquette_plan.arguments, self._tables, self.layout.blocks

        def call(thread, sums, first, last, part):
            u = links.ctypes.data
            self.kernels.run.plaquette_sums(first, last, part, u, sums, blocks, tables, plan)

        return self._sum(len(planes(self.ndim)), call)

    def kinetic_sums(self, momenta):
        """Local exact sums of -tr P^2, one column; pass to `total`."""
        self.layout.fill_dead(momenta, 0.0)  # kicks leave anything there
        blocks, p = self.layout.blocks, momenta.ctypes.data

        def call(thread, sums, first, last, part):
            self.kernels.run.kinetic_sums(first, last, *self._blocks_of(part), p, sums, blocks)

        return self._sum(1, call)

    def clover_sums(self, links):
        """Local exact sums of sum_{mu<nu} -tr F F and (4D) of the charge form; pass to `total`."""
        blocks, u = self.layout.blocks, links.ctypes.data
        scratch = aligned_zeros((self.threads, len(planes(self.ndim)) * self.n**2 * self.kernels.width))

        def call(thread, sums, first, last, part):
            room = scratch[thread].ctypes.data
            self.kernels.run.clover_sums(first, last, *self._blocks_of(part), u, room, sums, blocks, self._tables)

        return self._sum(2, call)

    def reunitarise(self, links) -> np.ndarray:
        """Links back to the group; largest change of a matrix element per chain, (chains,)."""
        worst = aligned_zeros((self.threads, self.batches, self.kernels.width))
        self.layout.fill_dead(links, np.eye(self.n, dtype=complex).view(float).ravel())  # zero has no direction
        self._run(
            lambda thread, first, last, part: self.kernels.run.reunitarise(
                first, last, *self._blocks_of(part), links.ctypes.data, worst[thread].ctypes.data, self.layout.blocks
            )
        )
        self.layout.fill_dead(links, 0.0)
        self.partition.fill_halo(links)
        lanes = worst.max(0)
        local = lanes.max(1) if self.layout.site_lanes else self.partition.lanes_to_chains(lanes)
        return self.comm.maximum(self.partition.of_all_chains(local))

    def plaquette_angles(self, links) -> np.ndarray:
        """arg tr U_p of this rank's sites, (local chains, sites, planes)."""
        count = len(planes(self.ndim))
        out = aligned_zeros((self.batches, self.layout.blocks, count, 2, self.kernels.width))
        self._run_blocks(
            self.kernels.run.plaquette_traces, links.ctypes.data, out.ctypes.data, self.layout.blocks, self._tables
        )
        traces = self.layout.unpack(out, self.local_chains, count)
        return np.arctan2(traces[..., 1], traces[..., 0]).reshape(self.local_chains, -1, count)

    # ---- straight lines

    def take_links(self, links, mu, line) -> None:
        """line(x) = U_mu(x)."""
        self._run_blocks(self.kernels.run.take_links, links.ctypes.data, line.ctypes.data, mu, self.layout.blocks)
        self.partition.fill_halo(line)

    def extend_line(self, links, mu, line, out) -> None:
        """out(x) = U_mu(x) line(x + mu)."""
        addresses = links.ctypes.data, line.ctypes.data, out.ctypes.data
        self._run_blocks(self.kernels.run.extend_line, *addresses, mu, self.layout.blocks, self._tables)
        self.partition.fill_halo(out)

    def shift_line(self, line, mu, out) -> None:
        """out(x) = line(x + mu)."""
        addresses = line.ctypes.data, out.ctypes.data
        self._run_blocks(self.kernels.run.shift_line, *addresses, mu, self.layout.blocks, self._tables)
        self.layout.fill_dead(out, 0.0)
        self.partition.fill_halo(out)

    def loop_sums(self, side, up, left, top):
        """Local exact sums of Re tr side up (left top)^dagger; pass to `total`."""
        addresses = side.ctypes.data, up.ctypes.data, left.ctypes.data, top.ctypes.data

        def call(thread, sums, first, last, part):
            self.kernels.run.loop_sums(first, last, *self._blocks_of(part), *addresses, sums, self.layout.blocks)

        return self._sum(1, call)

    def trace_sums(self, line):
        """Local exact sums of Re tr and Im tr of a line field; pass to `total`."""

        def call(thread, sums, first, last, part):
            self.kernels.run.trace_sums(first, last, *self._blocks_of(part), line.ctypes.data, sums, self.layout.blocks)

        return self._sum(2, call)
