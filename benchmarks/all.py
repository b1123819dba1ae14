"""All benchmarks of the processor, one after the other, then the plot and the page: about eight minutes.

python benchmarks/all.py [--quick] [--out FOLDER]

A program that fails ends the run with its exit code.
"""

import subprocess
import sys
import time
from pathlib import Path

import store

HERE = Path(__file__).resolve().parent


def programs(quick: bool, out: Path) -> list[list[str]]:
    """Words of every program in its turn."""
    shared = ["--out", str(out), *(["--quick"] if quick else [])]
    small = ["--extents", "4,4,4,4", "4,4,4,8"] if quick else []
    return [
        ["machine_limits"],
        *([name, *shared] for name in ("record", "trajectories", "integrators", "many_chains", "rank_scaling")),
        ["memory", "--json", str(out / "memory.json"), *small],
        ["io_rates", *shared],
        ["roofline", "--out", str(out)],
    ]


def main() -> None:
    """Run them; the page is written for the records of the repository only."""
    options = store.parser(__doc__).parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    lines = programs(options.quick, options.out)
    if options.out.parent == store.RESULTS:
        lines.append(["page"])
    for name, *words in lines:
        start = time.monotonic()
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, str(HERE / f"{name}.py"), *words], check=False)
        if done.returncode:
            raise SystemExit(done.returncode)
        print(f"   {time.monotonic() - start:.0f} s", flush=True)
    print(f"all benchmarks: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
