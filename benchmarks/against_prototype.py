"""Our kernels beside another implementation's `bench.py`, one sample of each in turn.

    python benchmarks/against_prototype.py FOLDER [--extents 16,16,16,16 ...] [--repeats 6] [--json FILE]

FOLDER holds a bench.py that times calls by `common.bench(call, repeats, seconds)`. It runs here as it is, with that
function replaced: every call it hands over for an operation that we have is timed in alternation with ours.
"""

import argparse
import contextlib
import io
import json
import math
import pathlib
import runpy
import sys

from gaugeflow.cli.timings import fastest, operations
from gaugeflow.lattice.packed import PackedLattice

THEIR_NAMES = {
    "share": "force",
    "drift": "drift",
    "plaq": "plaquette",
    "leapfrog(share)": "leapfrog",
    "RK3(share)": "rk3",
    "OR": "overrelax",
}
"""Names in their output of what we compare."""

BESIDE = {"overrelax": ("heatbath",)}
"""Operations of ours that they lack, timed beside one of theirs: the ratio is to that one."""

DEFAULT = ("8,8,8,8", "16,16,16,16", "24,12,12,12")
LARGE = "48,24,24,24"


def compare(folder: pathlib.Path, extents, repeats: int) -> dict[str, tuple[float, float]]:
    """Operation -> (theirs, ours) in ns per site, on `extents` in site-axis order (t, z, y, x)."""
    ours = operations(PackedLattice("SU3", tuple(reversed(extents)), 1))
    found, volume = {}, math.prod(extents)

    def bench(call, *_):
        name = THEIR_NAMES.get(sys._getframe(1).f_locals.get("name"))
        if name is None:
            return math.nan
        names = (name, *BESIDE.get(name, ()))
        best = fastest({"theirs": call} | {own: ours[own] for own in names}, repeats)
        found.update({own: (best["theirs"] / volume * 1e9, best[own] / volume * 1e9) for own in names})
        return best["theirs"]

    sys.path.insert(0, str(folder))
    import common

    common.bench = bench
    sys.argv = ["bench.py", repr(tuple(extents))]
    with contextlib.redirect_stdout(io.StringIO()):
        runpy.run_path(str(folder / "bench.py"), run_name="__main__")
    return found


def main() -> None:
    """Print one line per operation and lattice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--extents", nargs="+", default=DEFAULT, help=f"t,z,y,x; also {LARGE}")
    parser.add_argument("--repeats", type=int, default=6)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    record = {}
    print(f"{'extents':14} {'operation':10} {'theirs':>8} {'ours':>8}  ns per site   ours / theirs")
    for text in options.extents:
        found = compare(options.folder, tuple(map(int, text.split(","))), options.repeats)
        record[text] = {name: {"theirs_ns": a, "ours_ns": b, "ratio": b / a} for name, (a, b) in found.items()}
        for name, (a, b) in found.items():
            print(f"{text:14} {name:10} {a:8.1f} {b:8.1f} {'':14} {b / a:.2f}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
