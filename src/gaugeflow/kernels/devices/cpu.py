"""The CPU: fields are NumPy arrays; threads share out the batches, or the parts of a plan where batches are too few."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from gaugeflow.conventions import planes
from gaugeflow.kernels import schedule
from gaugeflow.kernels.checkerboard import sweep_plan
from gaugeflow.kernels.memory import address, aligned_zeros
from gaugeflow.kernels.signatures import signatures
from gaugeflow.kernels.traversal import l2_bytes


class _OfThread:
    """A value that differs between threads: row `thread` of an array."""

    def __init__(self, array):
        self._array = array
        self._first, self._stride = address(array), array.strides[0]

    def address(self, thread):
        return self._first + thread * self._stride


class CpuDevice:
    """Kernels of one lattice on `threads` threads of this process.

    kernels        compiled kernels and sizes
    layout         blocks of this rank;  batches   how many of them are stored one after the other
    chain          (batches, W) global chain numbers
    pace           how far ahead kernels fetch, see `kernels.tuning`
    """

    name = "cpu"
    asynchronous = False

    def __init__(self, kernels, layout, batches: int, chain: np.ndarray, pace, threads: int):
        self.kernels, self.layout, self.batches, self.threads = kernels, layout, batches, threads
        self._by_batch = batches >= threads
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._shares = self._cut_batches()
        self._tables = (layout.forward, layout.backward, layout.perm.ctypes.data, layout.add)
        self._plan_options = {
            "parts": 1 if self._by_batch else self.threads,
            "unit_bytes": self.kernels.unit_bytes,
            "cache_bytes": l2_bytes(),
            "far": pace.far,
        }
        self._plans = self._make_plans()
        element = kernels.n**2 * kernels.width * len(planes(layout.ndim))  # of the plaquettes of one block
        slots = max(1, self._plans["kick"].slot_count) * element
        self._own = {
            "site": np.ascontiguousarray(layout.site),
            "chain": chain,
            "q": self._for_threads(slots) if self._by_batch else self.new_field((slots,)),
            "scratch": self._for_threads(element),
            "work": self._for_threads(4 * self.kernels.n**2 * self.kernels.width),  # two matrices of a block
        }

    @property
    def merges_colours(self) -> bool:
        """Whether all colours of a direction are updated in one call, by one thread per lattice."""
        return self._by_batch

    def _make_plans(self):
        options, make = self._plan_options, schedule.make_plan
        return {
            "kick": make(self.layout, schedule.touched_by_shared_force, shared=True, **options),
            "drift": make(self.layout, schedule.touched_by_drift, neighbours=False, **options),
            "plaquette_sums": make(self.layout, schedule.touched_by_plaquettes, **options),
        }

    def _for_threads(self, size):
        return _OfThread(self.new_field((self.threads, size)))

    # ---- memory

    def new_field(self, shape, dtype=None) -> np.ndarray:
        """Zeros, of the kernels' precision unless another type is wanted."""
        return aligned_zeros(shape, dtype or self.kernels.dtype)

    def table(self, array: np.ndarray) -> np.ndarray:
        """A list of int64 for kernels."""
        return np.ascontiguousarray(array, np.int64)

    def to_device(self, array: np.ndarray) -> np.ndarray:
        """A field from memory of this process, which belongs to the field from now on."""
        return array

    def to_host(self, field: np.ndarray) -> np.ndarray:
        """A field as an array of this process."""
        return field

    def copy(self, field: np.ndarray) -> np.ndarray:
        """A field of its own with the same content."""
        out = self.new_field(field.shape)
        np.copyto(out, field)
        return out

    def snapshot(self, field: np.ndarray):
        """Call it for an array with its content of now, whatever happens to the field."""
        kept = self.copy(field)
        return lambda: kept

    def copy_where(self, mask: np.ndarray, target: np.ndarray, source: np.ndarray) -> None:
        """target <- source where `mask`, broadcast."""
        np.copyto(target, source, where=mask)

    def fill_dead(self, field: np.ndarray, value) -> None:
        """Put `value` (a number, or one per component) into the lanes of a field that have no site."""
        self.layout.fill_dead(field, value)

    # ---- kernels

    def run(self, name: str, halo=None, items: int | None = None, update=None, **values) -> None:
        """Run a kernel over all local blocks (or `items` entries of a list) and batches.

        update  (mu, colour) of an update of one direction; colour None: all, one after the other
        """
        signature, kernel = signatures()[name], getattr(self.kernels.run, name)
        values = self._own | values
        passed = [values[v] for v in signature.values]
        tail = (self.layout.blocks, *([self._tables] if signature.tables else []))
        if signature.plan:
            self._run_plan(kernel, self._plan(name, update), halo, passed, tail)
            return
        if halo:
            halo()
        count, parts = self.layout.local_blocks if items is None else items, 1 if self._by_batch else self.threads
        cut = [count * part // parts for part in range(parts + 1)]
        tasks = [[(first, last, cut[part], cut[part + 1])] for first, last, part in self._shares]
        self._on_threads(kernel, tasks, passed, tail)

    def _plan(self, name, update):
        """Plan of a kernel; those of updates are made when first wanted."""
        key = update or name
        if key not in self._plans:
            self._plans[key] = sweep_plan(self.layout, *update, **self._plan_options)
        return self._plans[key]

    def _run_plan(self, kernel, plan, halo, passed, tail):
        """Batches share plaquette slots, so each passes through all stages before the next one starts."""
        arguments = (*tail, plan.arguments)
        early, late = plan.stages[0], plan.stages[1:]
        shares = self._shares
        if not late:
            tasks = [[(first, last, early.parts[part])] for first, last, part in shares]
            self._on_threads(kernel, tasks, passed, arguments)
            return
        self._on_threads(kernel, [[(a, a + 1, early.parts[part])] for a, _, part in shares], passed, arguments)
        if halo:
            halo()
        rest = [
            [(a, a + 1, stage.parts[part]) for stage in late]
            + [(b, b + 1, stage.parts[part]) for b in range(a + 1, last) for stage in plan.stages]
            for a, last, part in shares
        ]
        self._on_threads(kernel, rest, passed, arguments)

    def _cut_batches(self):
        """(first batch, last batch, part) of every thread."""
        if not self._by_batch:
            return [(0, self.batches, part) for part in range(self.threads)]
        cuts = [self.batches * t // self.threads for t in range(self.threads + 1)]
        return [(a, b, 0) for a, b in itertools.pairwise(cuts)]

    def _on_threads(self, kernel, tasks, passed, tail):
        """kernel(*place, ..) for the places of every thread's list, in its order."""

        def call(thread, places):
            mine = [_argument(value, thread) for value in passed]
            for place in places:
                kernel(*place, *mine, *tail)

        if self._pool is None:
            for thread, task in enumerate(tasks):
                call(thread, task)
        else:
            list(self._pool.map(call, range(len(tasks)), tasks))

    def exact_sums(self, name: str, count: int, halo=None, **values) -> np.ndarray:
        """Accumulators of `count` exact sums, (threads, batches, count, 2, W)."""
        raw = aligned_zeros((self.threads, self.batches, count, 2, self.kernels.width))
        self.run(name, halo, sums=_OfThread(raw), **values)
        return raw

    def largest(self, name: str, **values) -> np.ndarray:
        """Largest number of every batch and lane, (batches, W)."""
        worst = aligned_zeros((self.threads, self.batches, self.kernels.width))
        self.run(name, worst=_OfThread(worst), **values)
        return worst.max(0)

    def sums_and_largest(self, name: str, count: int, rows: int, **values) -> tuple[np.ndarray, np.ndarray]:
        """`exact_sums` of a kernel, and the largest of `rows` numbers of every batch and lane, (batches, rows, W)."""
        worst = aligned_zeros((self.threads, self.batches, rows, self.kernels.width))
        raw = self.exact_sums(name, count, worst=_OfThread(worst), **values)
        return raw, worst.max(0)

    # ---- messages: memory of this process is what MPI sends

    def buffer(self, shape) -> tuple[np.ndarray, np.ndarray]:
        """(what kernels use, what messages use): the same memory here."""
        memory = self.new_field(shape)
        return memory, memory

    def view(self, field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Part of a field as a buffer, so that a message arrives in place."""
        return field, field

    def fork(self):
        """What follows until `join` may run beside the kernels; here nothing does."""

    join = settle = fork

    def send(self, buffer):
        """The kernels' part of a buffer -> the messages' part."""

    receive = send


def _argument(value, thread):
    if isinstance(value, np.ndarray):
        return address(value)
    return value.address(thread) if isinstance(value, _OfThread) else value
