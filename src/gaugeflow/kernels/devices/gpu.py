"""A device that runs kernels as launches of many threads: fields stay in its memory, scalars come back.

Everything here is plain bookkeeping; memory, launches and streams are the driver's (`cuda.CudaDriver`), so the tests
run this file over a build of the same kernels for the host.
"""

import numpy as np

from gaugeflow.conventions import planes
from gaugeflow.kernels import launches
from gaugeflow.kernels.checkerboard import sweep_launches
from gaugeflow.kernels.signatures import signatures

SUM_COPIES = 64
"""Accumulators that threads spread over, so that atomic additions seldom meet."""

LARGEST_GRID = 65535
"""Batches of one launch: CUDA's limit of a grid's second side."""

TIMED_CALLS = 5

SLOT_BYTES = 1 << 30
"""Plaquette slots take at most this much; more batches are worked off one group after the other."""


class GpuDevice:
    """Kernels of one lattice on one card.

    driver         memory and launches
    kernels        sizes;  layout  blocks of this rank;  batches  how many of them are stored one after the other
    chain          (batches, W) global chain numbers
    chunks         pieces into which the force cuts the lattice so that its plaquettes stay in the card's cache
    """

    def __init__(self, driver, kernels, layout, batches: int, chain: np.ndarray, chunks: int = 1):
        self.driver, self.kernels, self.layout, self.batches = driver, kernels, layout, batches
        self.name, self.asynchronous = driver.name, driver.asynchronous
        count, ndim = len(planes(layout.ndim)), layout.ndim
        self._element = count * kernels.n**2 * kernels.width
        self._kept: list = []
        self._plans = {
            "drift": launches.visit_plan(layout, ndim, neighbours=False),
            "plaquette_sums": launches.visit_plan(layout, count, neighbours=True),
        }
        tables = [self.table(x) for x in (layout.forward, layout.backward, layout.perm, layout.add)]
        self._tables = tuple(driver.address(x) for x in tables)
        self._dead = [self.table(x) for x in np.divmod(layout.dead, layout.width)]
        self._own = {"site": self.table(layout.site), "chain": self.table(chain)}
        self._lists = {name: self._plan_addresses(plan) for name, plan in self._plans.items()}
        self.cut_force(chunks)

    def cut_force(self, chunks: int) -> None:
        """Use `chunks` pieces for the force from now on; the bits do not depend on it."""
        plan = launches.shared_force_plan(self.layout, chunks)
        self._plans["kick"], self._lists["kick"] = plan, self._plan_addresses(plan)
        one = plan.slot_count * self._element * self.kernels.dtype.itemsize
        self._batches_at_once = max(1, min(self.batches, SLOT_BYTES // one, LARGEST_GRID))
        self._own["q"] = self.new_field((self._batches_at_once * plan.slot_count * self._element,))

    def _plan_addresses(self, plan):
        lists = (plan.start, plan.steps, plan.rows, plan.slots, plan.fetch_start, plan.fetch_units)
        return (*(self.driver.address(self.table(x)) for x in lists), plan.q0, plan.p0)

    # ---- memory

    def new_field(self, shape, dtype=None):
        """Zeros in the card's memory, of the kernels' precision unless another type is wanted."""
        return self.driver.zeros(shape, dtype or self.kernels.dtype)

    def tune_force(self) -> dict[int, float]:
        """Cut the force as is fastest on this card: {chunks: seconds of a force} of the candidates, which are timed.

        One chunk, or as many as let a chunk's links, plaquettes and momenta fill the card's cache, or half of it.
        """
        matrix = self.kernels.n**2 * self.kernels.width * self.kernels.dtype.itemsize
        links, momenta = 2 * matrix * self.layout.ndim, matrix * self.layout.ndim
        one = self._element * self.kernels.dtype.itemsize + links + momenta
        fill = -(-one * self.layout.local_blocks * min(self.batches, self._batches_at_once) // self.driver.cache_bytes)
        if fill == 1:
            return {}
        candidates = sorted({1, fill, 2 * fill})
        shape = (self.batches, self.layout.blocks, self.layout.ndim)
        u = self.new_field((*shape, 2 * self.kernels.n**2, self.kernels.width))
        p = self.new_field((*shape, self.kernels.n**2, self.kernels.width))
        seconds = {}
        for chunks in candidates:
            self.cut_force(chunks)
            self.run("kick", u=u, p=p, c=0.0, d=1.0)
            seconds[chunks] = self.driver.seconds(
                lambda: [self.run("kick", u=u, p=p, c=0.0, d=1.0) for _ in range(TIMED_CALLS)]
            )
        self.cut_force(min(seconds, key=seconds.get))
        return seconds

    def table(self, array: np.ndarray):
        """A list of int64 in the card's memory, kept as long as this device."""
        out = self.driver.to_device(np.ascontiguousarray(array, np.int64))
        self._kept.append(out)
        return out

    def to_device(self, array: np.ndarray):
        """A field from memory of this process."""
        return self.driver.to_device(np.asarray(array, self.kernels.dtype))

    def to_host(self, field) -> np.ndarray:
        """A field as an array of this process."""
        return self.driver.to_host(field)

    def copy(self, field):
        """A field of its own with the same content."""
        return field.copy()

    def snapshot(self, field):
        """Call it for an array with its content of now, whatever happens to the field; copied beside the kernels."""
        return self.driver.snapshot(field)

    def copy_where(self, mask: np.ndarray, target, source) -> None:
        """target <- source where `mask`, broadcast."""
        self.driver.copy_where(mask, target, source)

    def fill_dead(self, field, value) -> None:
        """Put `value` (a number, or one per component) into the lanes of a field that have no site."""
        if len(self.layout.dead):
            self.driver.fill_lanes(field, *self._dead, value)

    # ---- kernels

    merges_colours = False
    """All links of one launch are updated at once, so colours are launches of their own."""

    def run(self, name: str, halo=None, items: int | None = None, update=None, **values) -> None:
        """Launch a kernel over all local blocks (or `items` entries of a list) and batches.

        update  (mu, colour) of an update of one direction
        """
        signature = signatures()[name]
        inputs = self._inputs(signature, values)  # held until the launches are made
        passed = [self._argument(v) for v in inputs]
        tail = [self.layout.blocks, *(self._tables if signature.tables else ())]
        extra = values.get("spread", ())
        if not signature.plan:
            if halo:
                halo()
            count = self.layout.local_blocks if items is None else items
            for first in range(0, self.batches, LARGEST_GRID):
                self._launch(name, count, 1, (0, count), passed, (*tail, *extra), LARGEST_GRID, first)
            return
        plan, lists = self._plan(name, update)
        at_once = self._batches_at_once if name == "kick" else LARGEST_GRID
        for first in range(0, self.batches, at_once):
            for stage in plan.stages:
                if stage.halo and halo and first == 0:
                    halo()
                (part,) = stage.parts
                count = int(plan.start[part + 1] - plan.start[part])
                ends = (*tail, *lists, *extra)
                self._launch(name, count, stage.pieces, (part,), passed, ends, at_once, first)

    def _plan(self, name, update):
        """(plan, addresses of its lists); those of updates are made when first wanted."""
        key = update or name
        if key not in self._plans:
            self._plans[key] = sweep_launches(self.layout, *update)
            self._lists[key] = self._plan_addresses(self._plans[key])
        return self._plans[key], self._lists[key]

    def _inputs(self, signature, values):
        own = self._own
        if "scratch" in signature.values:
            room = self.batches * self.layout.blocks * self._element
            own = own | {"scratch": self.driver.empty((room,), self.kernels.dtype)}
        if "work" in signature.values:  # two matrices of every block
            room = self.batches * self.layout.blocks * 4 * self.kernels.n**2 * self.kernels.width
            own = own | {"work": self.driver.empty((room,), self.kernels.dtype)}
        values = own | values
        return [values[v] for v in signature.values]

    def _launch(self, name, items, pieces, place, passed, tail, at_once, first):
        if items == 0:
            return
        last = min(first + at_once, self.batches)
        arguments = [first, last, *place, *passed, *tail]
        numbers = [np.float64(a) if isinstance(a, float) else np.int64(a) for a in arguments]
        self.driver.launch(name, last - first, items, pieces, numbers)

    def _argument(self, value):
        return value if isinstance(value, int | float | np.integer) else self.driver.address(value)

    def exact_sums(self, name: str, count: int, halo=None, **values) -> np.ndarray:
        """Accumulators of `count` exact sums, (copies, batches, count, 2, W), brought to the host."""
        copies = max(1, min(SUM_COPIES, self.layout.local_blocks // SUM_COPIES))
        raw = self.driver.zeros((copies, self.batches, count, 2, self.kernels.width), np.float64)
        self.run(name, halo, sums=raw, spread=(copies, raw[0].size), **values)
        return self.driver.to_host(raw)

    def largest(self, name: str, **values) -> np.ndarray:
        """Largest number of every batch and lane, (batches, W), brought to the host."""
        worst = self.driver.zeros((self.batches, self.kernels.width), np.float64)
        self.run(name, worst=worst, **values)
        return self.driver.to_host(worst)

    def sums_and_largest(self, name: str, count: int, rows: int, **values) -> tuple[np.ndarray, np.ndarray]:
        """`exact_sums` of a kernel, and the largest of `rows` numbers of every batch and lane, (batches, rows, W)."""
        worst = self.driver.zeros((self.batches, rows, self.kernels.width), np.float64)
        raw = self.exact_sums(name, count, worst=worst, **values)
        return raw, self.driver.to_host(worst)

    # ---- messages

    def buffer(self, shape):
        """(what kernels use, what messages use): card and pinned memory, or twice the card's where MPI reads it."""
        return self.driver.buffer(shape, self.kernels.dtype)

    def view(self, field):
        """Part of a field as a buffer, so that a message arrives in place."""
        return self.driver.view(field)

    def fork(self) -> None:
        """What follows until `join` runs beside the kernels that are launched from now on."""
        self.driver.fork()

    def join(self) -> None:
        """Kernels launched from now on wait for what ran beside."""
        self.driver.join()

    def settle(self) -> None:
        """Wait until what ran beside is done, as MPI does not know streams."""
        self.driver.settle()

    def send(self, buffer) -> None:
        """The kernels' part of a buffer -> the messages' part."""
        self.driver.send(buffer)

    def receive(self, buffer) -> None:
        """The messages' part of a buffer -> the kernels' part."""
        self.driver.receive(buffer)
