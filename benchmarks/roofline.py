"""Roofline plot of a machine from its records: operations per second against operations per compulsory byte.

python benchmarks/roofline.py [--out FOLDER]        draws FOLDER/roofline.svg
"""

import math
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import store

KERNELS = ("force", "drift", "plaquette", "leapfrog", "rk3", "clover", "momenta", "overrelax", "heatbath")
MARKERS = "osD^v<>ph*XPd8H1234+x|"
SHOWN = len(MARKERS)
LEAST_SITES = 1000
"""Smaller lattices show what a call costs and not what a kernel does."""

NAMED = "su3_16x16x16x16"
"""Case whose points carry the names of the kernels."""


def draw(records: dict[str, dict], path: Path) -> int:
    """Write the plot of all records that hold kernels; number of points."""
    cases = {name: record for name, record in records.items() if "kernels" in record}
    if not cases:
        raise SystemExit(f"no record of kernels in {path.parent}; run benchmarks/record.py first")
    large = {name: record for name, record in cases.items() if sites(record["lattice"]) >= LEAST_SITES}
    cases = dict(list((large or cases).items())[:SHOWN])
    figure, axes = plt.subplots(figsize=(8.5, 4.6), layout="constrained")
    named = cases.get(NAMED, next(iter(cases.values())))
    intensity, points = np.geomspace(0.4, 40, 100), 0
    for record in cases.values():
        limits = record["limits"]
        roof = np.minimum(limits["flop"], intensity * limits["fields"]) / 1e9
        axes.plot(intensity, roof, color="0.85", lw=0.8, zorder=1)
    memory = np.minimum(named["limits"]["flop"], intensity * named["limits"]["copy"]) / 1e9
    axes.plot(intensity, memory, color="0.2", lw=1.2, zorder=2)
    for number, (name, record) in enumerate(cases.items()):
        rows = [row for kernel, row in record["kernels"].items() if kernel in KERNELS]
        x, y = [row["flop"] / row["bytes"] for row in rows], [row["gflops"] for row in rows]
        style = {"marker": MARKERS[number], "color": plt.get_cmap("tab20")(number)}
        axes.scatter(x, y, s=24, label=name, zorder=3, **style)
        points += len(rows)
    for kernel, row in named["kernels"].items():
        if kernel in KERNELS:
            place = row["flop"] / row["bytes"], row["gflops"]
            axes.annotate(kernel, place, fontsize=7, xytext=(4, -9), textcoords="offset points")
    axes.set(xscale="log", yscale="log", xlabel="operations / compulsory byte", ylabel="GFLOP/s")
    axes.set_title(f"{path.parent.name}: grey roofs from arrays as large as the fields, black from memory", fontsize=9)
    figure.legend(fontsize=7, loc="outside right center")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return points


def sites(lattice: dict) -> int:
    """Sites of all chains of a record's lattice."""
    return lattice["chains"] * math.prod(lattice["extents"])


def main() -> None:
    """Draw the plot of one folder of records."""
    plt.rcParams["svg.hashsalt"] = "gaugeflow"
    options = store.parser(__doc__).parse_args()
    path = options.out / "roofline.svg"
    print(f"{path}: {draw(store.read(options.out), path)} points")


if __name__ == "__main__":
    main()
