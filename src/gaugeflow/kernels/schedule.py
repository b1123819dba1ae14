"""What a kernel does in which order, and what it fetches when: integer tables made once per layout.

Out of cache the limit is latency, so a simulated LRU cache decides once which pieces of memory step i + 1 will miss;
they are fetched during step i, into the first-level cache. That hides the latency of the caches, not that of memory:
the list is walked a second time, `far` entries ahead, and what stands there is fetched into the second-level cache.
A piece ("unit") is one algebra element of a block, N^2 W doubles; a link matrix is two.

    links 2 (b D + mu), +1    plaquette slots q0 + slot planes + plane    momenta p0 + b D + mu

The shared force works on a program of steps: s >= 0 computes the plaquettes of block s into a slot that is reused as
soon as its last reader is done; ~b gathers the force on block b from slots.
"""

from dataclasses import dataclass

import numpy as np

from gaugeflow.conventions import planes
from gaugeflow.kernels.lane_group import SEAMS
from gaugeflow.kernels.targets.cache import cached_jit

AHEAD = 1
"""Steps between a fetch and its use."""

L2_SHARE = 2 / 3
"""Part of the second-level cache that the simulated cache models."""


@dataclass(frozen=True)
class Stage:
    """Parts of a plan that may run at once, after those of the stages before; `halo`: they read halo blocks.

    pieces   pieces of a site's work (planes, directions) that a device with many threads may share out
    """

    parts: tuple[int, ...]
    halo: bool
    pieces: int = 1


@dataclass(frozen=True)
class Plan:
    """Steps of every part, slot of every block, and the units to fetch during each step.

    start (parts + 1,), steps (n,), rows (parts,) of slots (.., blocks), fetch_start (n + 1,), fetch_units; all int64.
    The low half of a word of fetch_units is a unit for the first-level cache, the high half one for the second-level
    cache.
    """

    start: np.ndarray
    steps: np.ndarray
    rows: np.ndarray
    slots: np.ndarray
    fetch_start: np.ndarray
    fetch_units: np.ndarray
    slot_count: int
    q0: int
    p0: int
    stages: tuple[Stage, ...]

    @property
    def arguments(self):
        """The tuple that kernels take."""
        return (self.start, self.steps, self.rows, self.slots, self.fetch_start, self.fetch_units, self.q0, self.p0)


@cached_jit
def share_program(order, behind, slot, base):
    """(steps, slots used) of the shared force over the blocks of `order`; fills slot[block].

    behind (sources, blocks)   blocks whose plaquettes a block gathers beside its own
    """
    sources, blocks = behind.shape
    left = np.zeros(blocks, np.int64)
    free = np.empty(blocks, np.int64)
    n, free_count, slot_count, k = order.shape[0], 0, 0, 0
    steps = np.empty(n * (sources + 2), np.int64)
    for i in range(n):
        for d in range(-1, sources):
            left[order[i] if d < 0 else behind[d, order[i]]] += 1
    for i in range(n):
        b = order[i]
        for d in range(-1, sources):
            y = b if d < 0 else behind[d, b]
            if slot[y] < 0:
                if free_count > 0:
                    free_count -= 1
                    slot[y] = free[free_count]
                else:
                    slot[y] = base + slot_count
                    slot_count += 1
                steps[k] = y
                k += 1
        steps[k] = ~b
        k += 1
        for d in range(-1, sources):
            y = b if d < 0 else behind[d, b]
            left[y] -= 1
            if left[y] == 0:
                free[free_count] = slot[y]
                free_count += 1
    return steps[:k].copy(), slot_count


@cached_jit
def misses(touched, units, capacity):
    """(start, list): units of each step (row of `touched`, -1 = none) that an LRU cache of `capacity` units misses.

    The second of two sweeps counts: the cache starts as the previous sweep left it.
    """
    steps, most = touched.shape
    previous = np.full(units + 1, -2, np.int64)
    following = np.full(units + 1, -2, np.int64)
    head = units
    previous[head] = following[head] = head
    start = np.zeros(steps + 1, np.int64)
    out = np.empty(steps * most + 1, np.int64)
    held = k = 0
    for _ in range(2):
        k = 0
        for i in range(steps):
            start[i] = k
            for j in range(most):
                a = touched[i, j]
                if a < 0:
                    continue
                if previous[a] == -2:
                    out[k] = a
                    k += 1
                    held += 1
                    if held > capacity:
                        v = previous[head]
                        previous[head] = previous[v]
                        following[previous[v]] = head
                        previous[v] = -2
                        held -= 1
                else:
                    previous[following[a]] = previous[a]
                    following[previous[a]] = following[a]
                following[a] = following[head]
                previous[a] = head
                previous[following[head]] = a
                following[head] = a
    start[steps] = k
    return start, out[: k + 1].copy()


def _links(block, mu, ndim):
    unit = 2 * (block * ndim + mu)
    return [unit, unit + 1]


# Columns stand in the order of first use: what is needed first is fetched first, in time.


def _plane_links(layout, b):
    """Links of the plaquettes of blocks b as [plane][unit], each link in the first plane that uses it."""
    seen, out, ahead_of = set(), [], layout.sources(layout.forward[b])
    for mu, nu in planes(layout.ndim):
        columns = []
        for ahead, direction in ((None, mu), (None, nu), (mu, nu), (nu, mu)):
            if (ahead, direction) not in seen:
                seen.add((ahead, direction))
                for block in [b] if ahead is None else ahead_of[ahead]:
                    columns += _links(block, direction, layout.ndim)
        out.append(columns)
    return out


def touched_by_drift(layout, steps, slot, q0, p0):
    """Units of a link update, one row per step."""
    ndim = layout.ndim
    return np.stack([u for mu in range(ndim) for u in [p0 + steps * ndim + mu, *_links(steps, mu, ndim)]], 1)


def touched_by_plaquettes(layout, steps, slot, q0, p0):
    """Units of a plaquette measurement, one row per step."""
    return np.stack([unit for plane in _plane_links(layout, steps) for unit in plane], 1)


def _gathered(layout, b, slot, q0, p0):
    """Units of gather steps: plaquettes here and behind, the links between, momenta."""
    ndim, seen, out, behind = layout.ndim, set(), [], layout.sources(layout.backward[b])
    number = {plane: k for k, plane in enumerate(planes(ndim))}
    for mu in range(ndim):
        for nu in (nu for nu in range(ndim) if nu != mu):
            plane = number[min(mu, nu), max(mu, nu)]
            if plane not in seen:
                out.append(q0 + slot[b] * len(number) + plane)
            for y in behind[nu]:
                out += [] if ("link", nu) in seen else _links(y, nu, ndim)
                out.append(q0 + slot[y] * len(number) + plane)
            seen |= {plane, ("link", nu)}
        out.append(p0 + b * ndim + mu)
    return out


def touched_by_shared_force(layout, steps, slot, q0, p0):
    """Units of the shared force's program: plaquette steps and gather steps have their own columns."""
    count = len(planes(layout.ndim))
    b = np.maximum(steps, 0)
    compute = [unit for k, links in enumerate(_plane_links(layout, b)) for unit in [*links, q0 + slot[b] * count + k]]
    gather = _gathered(layout, np.where(steps < 0, ~steps, 0), slot, q0, p0)
    rows = np.full((len(steps), max(len(compute), len(gather))), -1, np.int64)
    rows[:, : len(compute)] = np.stack(compute, 1)
    gathers = steps < 0
    rows[gathers] = -1
    rows[gathers, : len(gather)] = np.stack(gather, 1)[gathers]
    return rows


def reads_halo(layout, behind) -> np.ndarray:
    """Local blocks whose plaquettes (and, with `behind`, those of blocks one step behind) touch halo blocks, bool."""
    n = layout.local_blocks
    touches = (np.arange(layout.blocks) >= n) | (layout.forward // SEAMS >= n).any(1)
    return touches[:n] | touches[layout.backward[:n] // SEAMS].any(1) if behind else touches[:n]


def make_plan(layout, touched, *, shared=False, neighbours=True, parts=1, unit_bytes=0, cache_bytes=0, far=0) -> Plan:
    """Plan of one kernel: what needs no halo block comes first, so that it may run while halos are under way.

    touched      one of the `touched_by` functions, or None: visit local blocks without prefetch
    shared       make the shared force's program
    neighbours   whether the kernel reads neighbours at all
    parts        number of threads
    unit_bytes, cache_bytes   sizes that decide what fits; no prefetch where everything does
    far          entries of the fetch list between a fetch from memory and that into the first-level cache
    """
    late = reads_halo(layout, shared) if neighbours else np.zeros(layout.local_blocks, bool)
    cuts = [layout.local_blocks * t // parts for t in range(parts + 1)]
    slots = np.full((parts, layout.blocks), -1, np.int64)
    programs, lengths, slot_count = [], [], 0
    behind = np.ascontiguousarray(layout.sources(layout.backward).reshape(-1, layout.blocks))
    for t in range(parts):
        mine = np.arange(cuts[t], cuts[t + 1])
        early = mine[~late[mine]]
        program, first = np.concatenate([early, mine[late[mine]]]), len(early)
        if shared:
            program, used = share_program(program, behind, slots[t], slot_count)
            first = 1 + int(np.flatnonzero(program == ~early[-1])[0]) if len(early) else 0
            slot_count += used
        programs.append(program)
        lengths.append([first, len(program) - first] if late.any() else [len(program)])
    q0 = 2 * layout.blocks * layout.ndim
    p0 = q0 + slot_count * len(planes(layout.ndim))
    units = p0 + layout.blocks * layout.ndim
    capacity = int(L2_SHARE * cache_bytes / unit_bytes) if unit_bytes else 0
    start = np.concatenate(([0], np.cumsum(np.concatenate(lengths)))).astype(np.int64)
    fetch_start = np.zeros(start[-1] + 1, np.int64)
    fetch_units = np.zeros(1, np.int64)
    if touched is not None and units > capacity > 0:
        fetch_start, fetch_units = prefetch_lists(layout, touched, programs, slots, q0, p0, units, capacity, far)
    each = len(lengths[0])
    stages = tuple(Stage(tuple(range(k, parts * each, each)), halo=k == each - 1 and each > 1) for k in range(each))
    rows = np.repeat(np.arange(parts), each)
    return Plan(start, np.concatenate(programs), rows, slots, fetch_start, fetch_units, slot_count, q0, p0, stages)


def near_and_far(near, far):
    """Words near[k] + 2^32 near[k + far]; the last ones, which have nothing ahead, repeat their own unit."""
    ahead = near.copy()
    ahead[: max(0, len(near) - far)] = near[far:]
    return near | ahead << 32


def prefetch_lists(layout, touched, programs, slots, q0, p0, units, capacity, far):
    """(fetch_start, fetch_units) of the programs of all parts, see `Plan`; slots: one row per program."""
    starts, lists, offset = [], [], 0
    for program, slot in zip(programs, slots, strict=True):
        start, missed = misses(touched(layout, program, slot, q0, p0), units, capacity)
        ahead = np.minimum(np.arange(len(program) + 1) + AHEAD, len(program))
        starts.append(start[ahead][:-1] + offset)
        lists.append(near_and_far(missed[:-1], far))
        offset += len(missed) - 1
    return np.concatenate([*starts, [offset]]), np.concatenate([*lists, np.zeros(1, np.int64)])
