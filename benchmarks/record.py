"""Time every kernel on the lattices below and keep one JSON record per case for this kind of machine.

python benchmarks/record.py [CASE ...]        results in benchmarks/results/<processor>/<case>.json
"""

import json
import platform
import re
import sys
from pathlib import Path

from gaugeflow.cli.bench import measure

CASES = {
    "su3_8x8x8x8": ("SU3", (8, 8, 8, 8), 1, 1),
    "su3_16x16x16x16": ("SU3", (16, 16, 16, 16), 1, 1),
    "su3_12x12x12x24": ("SU3", (12, 12, 12, 24), 1, 1),
    "su3_24x24x24x48": ("SU3", (24, 24, 24, 48), 1, 1),
    "su3_7x7x7x7": ("SU3", (7, 7, 7, 7), 1, 1),
    "su3_16x16x16x16_2threads": ("SU3", (16, 16, 16, 16), 1, 2),
    "su2_16x16x16x16": ("SU2", (16, 16, 16, 16), 1, 1),
    "u1_16x16x16x16": ("U1", (16, 16, 16, 16), 1, 1),
    "u1_16x16_1024chains": ("U1", (16, 16), 1024, 1),
    "su2_16x16_256chains": ("SU2", (16, 16), 256, 1),
    "su3_16x16_128chains": ("SU3", (16, 16), 128, 1),
    "u1_8x8": ("U1", (8, 8), 1, 1),
}
"""Name -> group, extents (x, ..., t), chains, threads; the last one shows what a call costs before it does anything."""


def processor() -> str:
    """Name of the processor as a folder name: vendor's name, family and model where the system says them."""
    path = Path("/proc/cpuinfo")
    found = dict(
        re.findall(r"^(model name|cpu family|model)\s*: (.*)$", path.read_text() if path.exists() else "", re.M)
    )
    parts = (found.get("model name", platform.processor() or platform.machine()), found.get("cpu family"))
    words = [part for part in (*parts, found.get("model")) if part]
    return re.sub(r"[^a-z0-9]+", "_", " ".join(words).lower()).strip("_")


def results_folder() -> Path:
    """Folder of this machine's records, made if missing."""
    folder = Path(__file__).resolve().parent / "results" / processor()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def main() -> None:
    """Run the cases named, or all."""
    for name in sys.argv[1:] or CASES:
        group, extents, chains, threads = CASES[name]
        record = measure(group, extents, chains, threads, "all", 5)
        (results_folder() / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
        rows = record["kernels"].items()
        print(f"{name:26}", "  ".join(f"{k} {row['ns']:.4g} ({100 * row['roofline_share']:.0f}%)" for k, row in rows))


if __name__ == "__main__":
    main()
