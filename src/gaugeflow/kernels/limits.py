"""What one core can do: multiply-adds per second, and bytes per second from memory and from its second-level cache.

Benchmarks quote shares of these limits, measured in the same process as what they are compared with.
"""

import functools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
from numba import types

from gaugeflow.kernels.memory import aligned_zeros
from gaugeflow.kernels.targets.cache import JIT
from gaugeflow.kernels.targets.lanes import Lanes, align_stack, make_store, native_width, traced
from gaugeflow.kernels.targets.trace import ELEMENTS, Real, constant, lanes_type
from gaugeflow.kernels.traversal import l2_bytes

ACCUMULATORS = 12
"""Independent chains of fused multiply-adds: two pipes times a latency of four to six cycles."""

UNROLL = 8
MEMORY_BYTES = 1 << 26
"""Size of one array of the memory test, beyond any one core's share of the last-level cache."""

STREAM_BYTES = 1 << 26
"""Bytes of one array that a sample passes through, however often that takes."""

L2_PART = 8
"""Arrays of the cache test are the cache's size divided by this: three of them fit."""

LEAST_BYTES = 1 << 12
SAMPLE_SECONDS = 0.02

NOT_CACHED = {**JIT, "cache": False}


@dataclass(frozen=True)
class Limits:
    """Measured limits of one core, or of several at once.

    flop        operations per second of the precision asked for, a fused multiply-add counted as two
    width       lanes of a register
    workers     cores that were measured together; rates are of all of them
    copy, triad bytes per second from memory: b = a (two streams), c = a + x b (three); stores count once
    l2          the better of both with everything in the second-level cache
    fields      the better of both with arrays that are together as large as the fields of the benchmark
    l2_bytes    size of one core's cache
    """

    flop: float
    width: int
    workers: int
    copy: float
    triad: float
    l2: float
    fields: float
    l2_bytes: int

    def __add__(self, other: "Limits") -> "Limits":
        """The larger of two measurements of everything."""
        best = {name: max(getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__}
        return Limits(**best)


@functools.cache
def fma_kernel(width: int, precision: str = "float64"):
    """Compiled f(rounds, x, out): rounds x UNROLL x ACCUMULATORS multiply-adds in registers of `width` lanes.

    out     address of ACCUMULATORS x width numbers for the results, so that no work is dropped
    """
    registers = Lanes(ACCUMULATORS, width, precision)
    store = make_store(registers)

    def ones(builder):
        return [Real(builder, constant(lanes_type(ELEMENTS[precision], width), 1.0))] * ACCUMULATORS

    def unrolled(builder, values, x):
        for _ in range(UNROLL):
            values = [v.fma(x, x) for v in values]
        return values

    start = traced(registers, (), ones)
    spin = traced(registers, (registers, types.float64), unrolled)

    @numba.njit("void(int64, float64, int64)", **NOT_CACHED)
    def fma_peak(rounds, x, out):
        align_stack()
        values = start()
        for _ in range(rounds):
            values = spin(values, x)
        store(out, 0, values)

    return fma_peak


@functools.cache
def stream_kernels():
    """Compiled copy(a, b, times) and triad(a, b, c, times); a changes in between, so that no pass is dropped."""

    @numba.njit("void(float64[::1], float64[::1], int64)", **NOT_CACHED)
    def copy(a, b, times):
        for k in range(times):
            for i in range(a.shape[0]):
                b[i] = a[i]
            a[k % a.shape[0]] += 1.0

    @numba.njit("void(float64[::1], float64[::1], float64[::1], int64)", **NOT_CACHED)
    def triad(a, b, c, times):
        for k in range(times):
            for i in range(a.shape[0]):
                c[i] = a[i] + 0.5 * b[i]
            a[k % a.shape[0]] += 1.0

    return copy, triad


def _best(call, workers, repeats):
    """Least seconds of call(worker) for every worker of 0 .. workers - 1 at once."""
    times = []
    with ThreadPoolExecutor(workers) as pool:
        for _ in range(repeats):
            clock = time.perf_counter if workers > 1 else time.thread_time
            start = clock()
            if workers > 1:
                list(pool.map(call, range(workers)))
            else:
                call(0)
            times.append(clock() - start)
    return min(times)


def measure_flop(width: int, workers: int = 1, repeats: int = 5, precision: str = "float64") -> float:
    """Operations per second of registers of `width` lanes, `workers` threads together."""
    kernel, rounds = fma_kernel(width, precision), 1000
    out = aligned_zeros((workers, ACCUMULATORS, width), precision)

    def seconds(rounds, repeats):
        return _best(lambda worker: kernel(rounds, 0.5, out[worker].ctypes.data), workers, repeats)

    while seconds(rounds, 1) < SAMPLE_SECONDS:
        rounds *= 2
    return 2 * width * UNROLL * ACCUMULATORS * rounds * workers / seconds(rounds, repeats)


def measure_streams(array_bytes: int, workers: int = 1, repeats: int = 5) -> tuple[float, float]:
    """(copy, triad) in bytes per second on arrays of `array_bytes` each, three for every worker."""
    arrays = [[aligned_zeros((array_bytes // 8,)) for _ in range(3)] for _ in range(workers)]
    for x in (x for mine in arrays for x in mine):
        x[:] = 1.0
    copy, triad = stream_kernels()
    times = max(1, STREAM_BYTES // array_bytes)
    moved = workers * times * arrays[0][0].nbytes
    return (
        2 * moved / _best(lambda worker: copy(*arrays[worker][:2], times), workers, repeats),
        3 * moved / _best(lambda worker: triad(*arrays[worker], times), workers, repeats),
    )


def measure_limits(footprint: int, workers: int = 1, repeats: int = 5, precision: str = "float64") -> Limits:
    """All limits of this core (of `workers` cores together) for fields of `footprint` bytes, the best of `repeats`."""
    width, cache = native_width(precision), l2_bytes()
    streams = {
        name: measure_streams(min(MEMORY_BYTES, max(LEAST_BYTES, size // 8 * 8)), workers, repeats)
        for name, size in (("memory", MEMORY_BYTES), ("l2", cache // L2_PART), ("fields", footprint // (3 * workers)))
    }
    return Limits(
        flop=measure_flop(width, workers, repeats, precision),
        width=width,
        workers=workers,
        copy=streams["memory"][0],
        triad=streams["memory"][1],
        l2=max(streams["l2"]),
        fields=max(streams["fields"]),
        l2_bytes=cache,
    )
