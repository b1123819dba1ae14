"""Kernels on a GPU beside what the card can do, both measured in this run.

python benchmarks/gpu.py [--device cuda] [CASE ...]      record in benchmarks/results/<card>/<case>.json

Bandwidth is that of a copy of two large arrays, the peak that of fused multiply-adds in registers, of the precision of
the fields. The roofline is the larger of operations / peak and compulsory bytes / bandwidth, as a share of the time.
Exit code 2 where there is no GPU or no CuPy; 1 if an aim is missed and --strict was given.
"""

import math
import re
import sys
import time
from pathlib import Path

import store

AIMS = {
    "drift": ("bandwidth_share", 0.6),
    "rk3": ("bandwidth_share", 0.6),
    "force": ("roofline_share", 0.5),
    "leapfrog": ("roofline_share", 0.5),
}
"""Kernel: (share, what SU(3) on 32^4 should reach)."""

CASES = {
    "su3_16x16x16x16": ("SU3", (16, 16, 16, 16), 1, "float64"),
    "su3_32x32x32x32": ("SU3", (32, 32, 32, 32), 1, "float64"),
    "su3_24x24x24x48": ("SU3", (24, 24, 24, 48), 1, "float64"),
    "su3_32x32x32x32_float32": ("SU3", (32, 32, 32, 32), 1, "float32"),
    "su3_8x8x8x8_64chains": ("SU3", (8, 8, 8, 8), 64, "float64"),
    "su2_32x32x32x32": ("SU2", (32, 32, 32, 32), 1, "float64"),
    "u1_16x16_16384chains": ("U1", (16, 16), 16384, "float64"),
}
"""Name -> group, extents (x, ..., t), chains, precision."""

QUICK = {"su3_4x4x4x4": ("SU3", (4, 4, 4, 4), 1, "float64")}
COPY_BYTES, FMA_ROUNDS, REPEATS = 1 << 30, 2000, 10

FMA_SOURCE = r"""
extern "C" __global__ void fma_peak(real *out, real x, int rounds) {
  real v[16];
  for (int k = 0; k < 16; ++k) v[k] = (real)(threadIdx.x + k);
  for (int r = 0; r < rounds; ++r) {
#pragma unroll
    for (int k = 0; k < 16; ++k) v[k] = fma(v[k], x, x);
  }
  real sum = 0;
  for (int k = 0; k < 16; ++k) sum += v[k];
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}
"""
FMA_FLOP = 2 * 16


def find_card():
    """CuPy and the name of the card; ends the program with exit code 2 where there is none."""
    try:
        import cupy

        count = cupy.cuda.runtime.getDeviceCount()
    except ImportError:
        no_gpu("CuPy is not installed; on a machine with a GPU: pip install cupy-cuda12x (or 13x)")
    except Exception as error:  # noqa: BLE001  CuPy's errors of a missing driver have no common base
        no_gpu(f"CuPy finds no driver or device ({error})")
    if not count:
        no_gpu("the driver has no device")
    return cupy, cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()


def no_gpu(reason: str) -> None:
    """Say why nothing was timed."""
    sys.stderr.write(f"no GPU: {reason}; nothing was timed\n")
    raise SystemExit(2)


def best_seconds(cupy, call, repeats: int) -> float:
    """Least seconds of a call by events on its stream."""
    start, stop, found = cupy.cuda.Event(), cupy.cuda.Event(), []
    for _ in range(repeats + 1):
        start.record()
        call()
        stop.record()
        stop.synchronize()
        found.append(cupy.cuda.get_elapsed_time(start, stop) / 1e3)
    return min(found[1:])


def card_limits(cupy, precision: str, repeats: int, copy_bytes: int) -> tuple[float, float]:
    """(operations, bytes) per second of this card: multiply-adds of the precision, and a copy, both ways counted."""
    a = cupy.ones(copy_bytes // 8, cupy.float64)
    b = cupy.empty_like(a)
    bandwidth = 2 * a.nbytes / best_seconds(cupy, lambda: cupy.copyto(b, a), repeats)
    real = {"float64": "double", "float32": "float"}[precision]
    kernel = cupy.RawKernel(FMA_SOURCE.replace("real", real), "fma_peak")
    blocks, threads = 8 * cupy.cuda.Device().attributes["MultiProcessorCount"], 256
    out = cupy.empty(blocks * threads, precision)
    arguments = (out, cupy.dtype(precision).type(0.5), cupy.int32(FMA_ROUNDS))
    seconds = best_seconds(cupy, lambda: kernel((blocks,), (threads,), arguments), repeats)
    return FMA_FLOP * FMA_ROUNDS * blocks * threads / seconds, bandwidth


def measure(cupy, device: str, case, repeats: int, copy_bytes: int) -> dict:
    """Record of one case."""
    from gaugeflow.cli.timings import fastest, needs, operations
    from gaugeflow.kernels.counts import counts
    from gaugeflow.lattice.packed import PackedLattice

    group, extents, chains, precision = case
    flop, bandwidth = card_limits(cupy, precision, repeats, copy_bytes)
    lattice = PackedLattice(group, extents, chains, device=device, precision=precision)
    calls, count = operations(lattice), counts(group, len(extents), precision)
    wait = cupy.cuda.runtime.deviceSynchronize
    seconds = fastest(calls, repeats, time.perf_counter, wait=wait)
    sites = chains * math.prod(extents)
    return {
        "lattice": {"group": group, "extents": extents, "chains": chains, "precision": precision, "device": device},
        "limits": {"flop": flop, "fields": bandwidth, "copy": bandwidth},
        "kernels": {name: needs(seconds[name] / sites, count[name], flop, bandwidth) for name in calls},
    }


def main() -> None:
    """Print and keep one record per case."""
    parser = store.parser(__doc__)
    parser.add_argument("case", nargs="*", help=f"some of {', '.join(CASES)}")
    parser.add_argument("--device", default="cuda", help="device of the lattice")
    parser.add_argument("--strict", action="store_true", help="exit code 1 if SU(3) on 32^4 misses an aim")
    options = parser.parse_args()
    cupy, name = find_card()
    folder = options.out
    if folder == parser.get_default("out"):
        folder = store.RESULTS / re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    cases, missed = QUICK if options.quick else CASES, []
    for case in options.case or cases:
        record = measure(cupy, options.device, cases[case], *((1, 1 << 24) if options.quick else (REPEATS, COPY_BYTES)))
        store.write(Path(folder), case, {"card": name, **record})
        limits = record["limits"]
        print(f"{case} on {name}: {limits['flop'] / 1e12:.2f} TFLOP/s, copy {limits['copy'] / 1e9:.0f} GB/s")
        for kernel, row in record["kernels"].items():
            share, aim = AIMS.get(kernel, ("", 0.0)) if case == "su3_32x32x32x32" else ("", 0.0)
            verdict = "" if not share else f"   {share} {row[share]:.2f}, aim {aim:.2f}"
            if share and row[share] < aim:
                missed.append(kernel)
            print(
                f"  {kernel:12} {row['ns']:9.4g} ns/site {row['gflops']:9.1f} GFLOP/s {row['gbytes']:8.1f} GB/s "
                f"{100 * row['peak_share']:4.0f}% of peak {100 * row['bandwidth_share']:4.0f}% of copy "
                f"{100 * row['roofline_share']:4.0f}% of roofline{verdict}",
                flush=True,
            )
    if missed and options.strict:
        raise SystemExit(f"aims missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
