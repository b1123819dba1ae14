"""Peak memory of judging a configuration against its extents: it grows with a time slice and not with time.

python benchmarks/check_memory.py [--group SU3] [--precision float64] [--space 8,16,24,32] [--times 8,16,32]
                                  [--measure-large] [--json FILE]

Every lattice has a process of its own (VmHWM), which feeds the judge sites as a reader would, in blocks of a MiB. The
last line is the straight line through peak against bytes of a slice, carried on to 64^3 x 128.
"""

import argparse
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np

from gaugeflow.conventions import gauge_group

BLOCK = 1 << 20
LARGE = 64
"""Extent in space of the lattice whose memory is predicted."""

CHILD = """
import re, sys, pathlib
import numpy as np
from gaugeflow.lattice.judge import Judge
group, dtype, n, block, *extents = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
judge, sites = Judge(group, extents), 1
for extent in extents:
    sites *= extent
rows = np.zeros((block, len(extents), n, n, 2), dtype)
rows[..., range(n), range(n), 0] = 1
for start in range(0, sites, block):
    judge.feed(rows[: sites - start])
assert judge.result().plaquette == 1.0
print(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1])
"""


def peak_bytes(group: str, dtype: np.dtype, extents: list[int]) -> int:
    """Largest resident size of a process that judges one configuration of ones."""
    n = gauge_group(group).n
    rows = max(1, BLOCK // (len(extents) * n * n * 2 * dtype.itemsize))
    command = [sys.executable, "-c", CHILD, group, dtype.str, *map(str, [n, rows, *extents])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"judging {extents} failed:\n{done.stderr}")
    return int(done.stdout) * 1024


def main() -> None:
    """Print a line per lattice and the prediction."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--group", default="SU3")
    parser.add_argument("--precision", default="float64", choices=("float64", "float32"))
    parser.add_argument("--space", default="8,16,24,32")
    parser.add_argument("--times", default="8,16,32")
    parser.add_argument("--measure-large", action="store_true", help=f"also judge {LARGE}^3 x 4")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    dtype = np.dtype(options.precision).newbyteorder(">")
    cases = [(int(s), int(t)) for s in options.space.split(",") for t in options.times.split(",")]
    cases += [(LARGE, 4)] * options.measure_large
    site = 4 * gauge_group(options.group).n ** 2 * 2 * dtype.itemsize
    peak_bytes(options.group, dtype, [4, 4, 4, 4])  # all is compiled now
    rows = []
    for space, times in cases:
        slice_bytes, peak = space**3 * site, peak_bytes(options.group, dtype, [space] * 3 + [times])
        rows.append({"extents": [space] * 3 + [times], "slice_bytes": slice_bytes, "peak_bytes": peak})
        mib = [x / 2**20 for x in (slice_bytes * times, slice_bytes, peak)]
        what = f"{options.group} {options.precision} {space}^3 x {times}"
        print("{:24} configuration {:8.1f} MiB   slice {:6.1f} MiB   peak {:6.1f} MiB".format(what, *mib), flush=True)
    fitted = [row for row in rows if row["extents"][0] < LARGE]
    slope, base = np.polyfit(*np.array([(row["slice_bytes"], row["peak_bytes"]) for row in fitted], float).T, 1)
    predicted = base + slope * LARGE**3 * site
    print(
        f"peak = {base / 2**20:.0f} MiB + {slope:.2f} slices; {LARGE}^3 x 128 "
        f"({LARGE**3 * 128 * site / 2**30:.1f} GiB): {predicted / 2**20:.0f} MiB"
    )
    if options.json:
        record = {"base_bytes": base, "slices": slope, "predicted_bytes": math.ceil(predicted), "rows": rows}
        options.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
