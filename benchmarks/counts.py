"""Operations and compulsory bytes per site of every kernel, counted from the source.

python benchmarks/counts.py [GROUP] [NDIM]
"""

import sys

from gaugeflow.kernels.counts import counts


def main() -> None:
    """Print one table per group and dimension."""
    groups = sys.argv[1:2] or ["U1", "SU2", "SU3"]
    dimensions = [int(d) for d in sys.argv[2:3]] or [2, 3, 4]
    for group in groups:
        for ndim in dimensions:
            print(f"\n{group}, {ndim}D   {'flop':>7} {'nominal':>8} {'integer':>8} {'bytes':>7}   per site")
            for name, count in counts(group, ndim).items():
                print(f"{name:12} {count.flop:7} {count.nominal:8} {count.integer:8} {count.moved:7}")


if __name__ == "__main__":
    main()
