"""Limits of this machine, one core and all of them together.

python benchmarks/machine_limits.py [--workers N]
"""

import argparse
import os

from gaugeflow.kernels.limits import MEMORY_BYTES, measure_flop, measure_limits


def main() -> None:
    """Print peak and bandwidths."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    for workers in sorted({1, parser.parse_args().workers}):
        limits = measure_limits(MEMORY_BYTES, workers)
        print(
            f"{workers} core(s): {limits.flop / 1e9:.1f} GFLOP/s with {limits.width} lanes, "
            f"memory copy {limits.copy / 1e9:.1f}, triad {limits.triad / 1e9:.1f} GB/s, "
            f"cache of {limits.l2_bytes >> 10} KiB {limits.l2 / 1e9:.0f} GB/s"
        )
    for lanes in (1, 2, 4, 8):
        if lanes <= limits.width:
            print(f"  {lanes} lanes, one core: {measure_flop(lanes) / 1e9:.1f} GFLOP/s")


if __name__ == "__main__":
    main()
