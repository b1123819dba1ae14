"""Timed operations of `gaugeflow bench` and of the scripts in benchmarks/."""

import time
from collections.abc import Callable, Mapping

from gaugeflow.flow.gradient_flow import rk3_step
from gaugeflow.kernels.counts import PROJECTION_SWEEPS, Count
from gaugeflow.rng import Purpose

TINY = 1e-9
"""Step size of timed updates: links and momenta stay what they are, however often an update runs."""

LEAST_SECONDS = 0.1
"""Shortest sample: below, the clock's resolution would show."""

Call = Callable[[], object]
Clock = Callable[[], float]


def at_once() -> None:
    """What to wait for after calls that are done when they return."""


def operations(lattice, seed: int = 1) -> dict[str, Call]:
    """Name -> call of every timed operation on hot links of `lattice`."""
    links, momenta = lattice.hot(seed, Purpose.START), lattice.new_momenta()
    lattice.refresh(momenta, seed, Purpose.MOMENTA, 0)
    elements = [lattice.new_element() for _ in range(4)]
    side, top, out, spare = (lattice.new_line() for _ in range(4))
    lattice.take_links(links, 0, side)
    lattice.take_links(links, 1, top)

    def leapfrog():
        lattice.kick(links, momenta, TINY)
        lattice.drift(links, momenta, TINY)

    return {
        "force": lambda: lattice.kick(links, momenta, TINY),
        "drift": lambda: lattice.drift(links, momenta, TINY),
        "plaquette": lambda: lattice.plaquette_sums(links),
        "leapfrog": leapfrog,
        "rk3": lambda: rk3_step(lattice, links, momenta, TINY),
        "rectangle_force": lambda: lattice.kick_rectangles(links, momenta, TINY, TINY),
        "zeuthen_force": lambda: lattice.kick_smoothed(links, momenta, TINY, TINY, TINY),
        "rk3_symanzik": lambda: rk3_step(lattice, links, momenta, TINY, "symanzik"),
        "rk3_zeuthen": lambda: rk3_step(lattice, links, momenta, TINY, "zeuthen"),
        "kinetic": lambda: lattice.kinetic_sums(momenta),
        "clover": lambda: lattice.clover_sums(links),
        "overrelax": lambda: lattice.overrelax(links),
        "heatbath": lambda: lattice.heatbath(links, 2.0 * lattice.n, seed, 0, 0),  # at bare coupling g = 1
        "reunitarise": lambda: lattice.reunitarise(links),
        "leaves": lambda: lattice.corner_leaves(side, top, side, top, *elements),
        "carry": lambda: lattice.carry_element(elements[0], 0, elements[1]),
        "line_staples": lambda: lattice.add_staples(side, top, 1, 0, 0.0, out),
        "projection": lambda: lattice.project_line(side, top, 1.0, 1.0, spare, PROJECTION_SWEEPS),
        "line": lambda: lattice.extend_line(links, 0, side, spare),
        "loop": lambda: lattice.loop_sums(side, top, side, top),
        "momenta": lambda: lattice.refresh(momenta, seed, Purpose.MOMENTA, 0),  # last: the others see small forces
    }


def clock_for(threads: int) -> Clock:
    """CPU time of the calling thread, in which neighbours do not count, or wall time where several threads work."""
    return time.thread_time if threads == 1 else time.perf_counter


def sample(
    call: Call, clock: Clock = time.thread_time, least: float = LEAST_SECONDS, wait: Callable[[], None] = at_once
) -> float:
    """Mean seconds of one call over at least `least` seconds of `clock`.

    wait    returns when all calls are done, for devices that work on their own; then calls are counted in doubling runs
    """
    count, many, start = 0, 1, clock()
    while (elapsed := clock() - start) < least:
        for _ in range(many):
            call()
        wait()
        count += many
        many *= 1 if wait is at_once else 2
    return elapsed / count


def fastest(
    calls: Mapping[str, Call],
    repeats: int,
    clock: Clock = time.thread_time,
    least: float = LEAST_SECONDS,
    wait: Callable[[], None] = at_once,
) -> dict[str, float]:
    """Smallest of `repeats` samples of every call in seconds; calls take turns, so that all see the same neighbours."""
    for call in calls.values():
        call()
        wait()
    rounds = [{name: sample(call, clock, least, wait) for name, call in calls.items()} for _ in range(repeats)]
    return {name: min(one[name] for one in rounds) for name in calls}


def needs(seconds: float, count: Count, peak: float, bandwidth: float) -> dict[str, float]:
    """Numbers of one kernel from its seconds per site, its counts and the machine's limits per second."""
    return {
        "ns": seconds * 1e9,
        "flop": count.flop,
        "bytes": count.moved,
        "gflops": count.flop / seconds / 1e9,
        "gflops_nominal": count.nominal / seconds / 1e9,
        "gbytes": count.moved / seconds / 1e9,
        "peak_share": count.flop / seconds / peak,
        "bandwidth_share": count.moved / seconds / bandwidth,
        "roofline_share": max(count.flop / peak, count.moved / bandwidth) / seconds,
    }
