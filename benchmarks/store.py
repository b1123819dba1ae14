"""Records of this machine: one JSON file per benchmark in results/<processor>/."""

import argparse
import json
import os
import platform
import re
from importlib import metadata
from pathlib import Path

import gaugeflow

RESULTS = Path(__file__).resolve().parent / "results"


def processor() -> str:
    """Name of the processor as a folder name: vendor's name, family and model where the system says them."""
    path = Path("/proc/cpuinfo")
    found = dict(
        re.findall(r"^(model name|cpu family|model)\s*: (.*)$", path.read_text() if path.exists() else "", re.M)
    )
    parts = (found.get("model name", platform.processor() or platform.machine()), found.get("cpu family"))
    words = [part for part in (*parts, found.get("model")) if part]
    return re.sub(r"[^a-z0-9]+", "_", " ".join(words).lower()).strip("_")


def software() -> dict[str, str]:
    """Versions that move a benchmark."""
    names = ("numba", "llvmlite", "numpy")
    return {"gaugeflow": gaugeflow.__version__, "python": platform.python_version()} | {
        name: metadata.version(name) for name in names
    }


def parser(description: str | None) -> argparse.ArgumentParser:
    """Options that all benchmarks share: --out and --quick."""
    out = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    out.add_argument("--out", type=Path, default=RESULTS / processor(), help="folder of the records")
    out.add_argument("--quick", action="store_true", help="tiny lattices and samples: shows that the program runs")
    return out


def write(folder: Path, name: str, record: dict) -> None:
    """Keep one record."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"software": software(), "cores": len(os.sched_getaffinity(0)), **record}
    (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")


def read(folder: Path) -> dict[str, dict]:
    """All records of a folder by name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def volume_text(extents) -> str:
    """(8, 8, 8, 16) -> "8^3 x 16"."""
    runs: list[list[int]] = []
    for extent in extents:
        if runs and runs[-1][0] == extent:
            runs[-1][1] += 1
        else:
            runs.append([extent, 1])
    return " x ".join(f"{extent}^{count}" if count > 1 else str(extent) for extent, count in runs)
