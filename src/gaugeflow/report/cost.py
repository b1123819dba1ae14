"""What the ensembles of a study cost, from the files that Snakemake's `benchmark` writes for every job.

BENCHMARKS/generate/<ensemble id>/<chunk>.tsv
BENCHMARKS/{measure,flow}/<ensemble id>/<settings>/<chunk>.tsv      columns s (wall time), max_rss (MB), ..
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaugeflow.errors import FileError


@dataclass(frozen=True)
class Cost:
    """Cost of one ensemble; wall time of whole jobs, their start included. None where no job of the kind is known.

    label            ensemble
    jobs             generating jobs that are known, chunks of the ensemble
    hours            wall time of the generating jobs
    per_hour         trajectories of all chains together in one hour
    update_seconds   wall time of one trajectory of all chains
    site_seconds     the same per chain and site
    independent      wall time per independent plaquette, 2 tau_int saved configurations of one chain
    memory           largest resident memory of a job in MB
    measure, flow    wall time per configuration of all chains
    """

    label: str
    jobs: tuple[int, int]
    hours: float
    per_hour: float
    update_seconds: float
    site_seconds: float
    independent: float | None
    memory: float | None
    measure: float | None
    flow: float | None


def costs(results: dict[str, Any], benchmarks: Path) -> list[Cost]:
    """Cost of every ensemble of a study of which at least one generating job is known.

    Raises    FileError if a benchmark file is not one
    """
    found = (_cost(entry, results["diagnostics"][entry["label"]], benchmarks) for entry in results["ensembles"])
    return [cost for cost in found if cost is not None]


def _cost(entry: dict[str, Any], diagnostics: dict[str, Any], benchmarks: Path) -> Cost | None:
    jobs = _jobs(benchmarks / "generate" / entry["ensemble_id"])
    chunks = sum(name.startswith("configs/") for name in entry["inputs"])
    jobs = {chunk: job for chunk, job in jobs.items() if chunk < chunks}
    if not jobs:
        return None
    seconds = sum(job["s"] for job in jobs.values())
    trajectories = len(jobs) * entry["trajectories"] / chunks + (entry["thermalisation"] if 0 in jobs else 0)
    update = seconds / trajectories
    memory = [job["max_rss"] for job in jobs.values() if math.isfinite(job["max_rss"])]
    per_chunk = entry["configurations"] / chunks
    tau_int = diagnostics["autocorrelation"]["plaquette"]["tau_int"]
    save_every = entry["trajectories"] / entry["configurations"]
    return Cost(
        label=entry["label"],
        jobs=(len(jobs), chunks),
        hours=seconds / 3600,
        per_hour=3600 / update * entry["chains"],
        update_seconds=update,
        site_seconds=update / entry["chains"] / math.prod(entry["extents"]),
        independent=None if tau_int is None else 2 * tau_int * save_every * update / entry["chains"],
        memory=max(memory, default=None),
        measure=_per_configuration(benchmarks / "measure" / entry["ensemble_id"], chunks, per_chunk),
        flow=_per_configuration(benchmarks / "flow" / entry["ensemble_id"], chunks, per_chunk),
    )


def _per_configuration(folder: Path, chunks: int, per_chunk: float) -> float | None:
    """Mean wall time per configuration over the jobs of all settings."""
    settings = sorted(folder.iterdir()) if folder.is_dir() else []
    jobs = [job["s"] for path in settings for chunk, job in _jobs(path).items() if chunk < chunks]
    return sum(jobs) / len(jobs) / per_chunk if jobs else None


def _jobs(folder: Path) -> dict[int, dict[str, float]]:
    """Wall time and memory by chunk; the last line of a file where a job ran several times."""
    paths = [path for path in sorted(folder.glob("*.tsv")) if path.stem.isdigit()]
    return {int(path.stem): _read(path) for path in paths}


def _read(path: Path) -> dict[str, float]:
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t"))
        row = rows[-1]
        return {"s": float(row["s"]), "max_rss": _number(row.get("max_rss"))}
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise FileError(f"{path}: no benchmark file of Snakemake ({error!r}); remove it") from error


def _number(text: str | None) -> float:
    """A column that Snakemake fills with "-" or "NA" for jobs too short to be looked at."""
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan
