"""Time every kernel on the lattices below and keep one JSON record per case for this kind of machine.

python benchmarks/record.py [CASE ...]        results in benchmarks/results/<processor>/<case>.json
"""

import store

from gaugeflow.cli.bench import measure

SU3_4D = ("SU3", (16, 16, 16, 16), 1, 1, "float64")
CASES = {
    "su3_8x8x8x8": ("SU3", (8, 8, 8, 8), 1, 1, "float64"),
    "su3_16x16x16x16": SU3_4D,
    "su3_12x12x12x24": ("SU3", (12, 12, 12, 24), 1, 1, "float64"),
    "su3_24x24x24x48": ("SU3", (24, 24, 24, 48), 1, 1, "float64"),
    "su3_32x32x32x32": ("SU3", (32, 32, 32, 32), 1, 1, "float64"),
    "su3_6x6x6x6": ("SU3", (6, 6, 6, 6), 1, 1, "float64"),
    "su3_7x7x7x7": ("SU3", (7, 7, 7, 7), 1, 1, "float64"),
    "su3_10x10x10x10": ("SU3", (10, 10, 10, 10), 1, 1, "float64"),
    "su3_16x16x16x16_float32": (*SU3_4D[:4], "float32"),
    "su3_16x16x16x16_2threads": ("SU3", (16, 16, 16, 16), 1, 2, "float64"),
    "su2_16x16x16x16": ("SU2", (16, 16, 16, 16), 1, 1, "float64"),
    "su2_16x16x16x16_float32": ("SU2", (16, 16, 16, 16), 1, 1, "float32"),
    "u1_16x16x16x16": ("U1", (16, 16, 16, 16), 1, 1, "float64"),
    "u2_16x16x16x16": ("U2", (16, 16, 16, 16), 1, 1, "float64"),
    "su4_8x8x8x8": ("SU4", (8, 8, 8, 8), 1, 1, "float64"),
    "u1_16x16_1024chains": ("U1", (16, 16), 1024, 1, "float64"),
    "su2_16x16_256chains": ("SU2", (16, 16), 256, 1, "float64"),
    "su3_16x16_128chains": ("SU3", (16, 16), 128, 1, "float64"),
    "u1_8x8": ("U1", (8, 8), 1, 1, "float64"),
}
"""Name -> group, extents (x, ..., t), chains, threads, precision; the last shows what a call costs by itself."""

QUICK = {"su3_2x2x2x4": ("SU3", (2, 2, 2, 4), 1, 1, "float64"), "u1_4x4": ("U1", (4, 4), 2, 1, "float64")}
REPEATS = 5


def main() -> None:
    """Run the cases named, or all."""
    parser = store.parser(__doc__)
    parser.add_argument("case", nargs="*", help=f"some of {', '.join(CASES)}")
    options = parser.parse_args()
    cases = QUICK if options.quick else CASES
    for name in options.case or cases:
        group, extents, chains, threads, precision = cases[name]
        repeats, least = (1, 1e-4) if options.quick else (REPEATS, None)
        record = measure(group, extents, chains, threads, "all", repeats, precision, least)
        store.write(options.out, name, record)
        rows = record["kernels"].items()
        text = "  ".join(f"{k} {row['ns']:.4g} ({100 * row['roofline_share']:.0f}%)" for k, row in rows)
        print(f"{name:26}", text, flush=True)


if __name__ == "__main__":
    main()
