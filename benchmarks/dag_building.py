"""How long Snakemake takes to build the graph of studies with 10,000 chunk jobs, and how much memory.

python benchmarks/dag_building.py        record in benchmarks/results/<processor>/dag_building.json

Nothing runs and nothing is submitted: each case ends, in a process of its own, where Snakemake knows which steps run
and which of them share a job. Jobs are grouped as in the SLURM profile.
Exit code 1 where a case takes longer or more memory than the aims.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import store
import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
SECONDS = 30.0
BYTES = 1 << 30
"""Aims of each case."""


@dataclass(frozen=True)
class Case:
    """Ensembles of one study, each a chain of so many chunks; every chunk is measured."""

    ensembles: int
    chunks: int


CASES = {
    "50 ensembles of 200 chunks": Case(50, 200),
    "one chain of 5000 chunks": Case(1, 5000),
    "one chain of 10000 chunks": Case(1, 10_000),
}
QUICK = {"2 ensembles of 5 chunks": Case(2, 5), "one chain of 20 chunks": Case(1, 20)}


def write_study(folder: Path, case: Case) -> Path:
    """Write a study of 2D chains of one rank whose chunks take half an hour or so; return its folder."""
    ensembles = {
        "group": "U1",
        "extents": [128, 128],
        "beta": [round(1.0 + 0.01 * number, 2) for number in range(case.ensembles)],
        "chains": 64,
        "seed": 7,
        "start": "mixed",
        "sampler": {"kind": "hmc", "integrator": "omf2", "tau": 1.0, "n_steps": 10},
        "thermalisation": 100,
        "save_every": 20,
        "configs_per_chunk": 50,
        "chunks": case.chunks,
    }
    scale = {"ensembles": [ensembles], "measure": {"loops": {"max_r": 2, "max_t": 2}}, "flow": None}
    folder.mkdir(parents=True)
    text = yaml.safe_dump({"version": 1, "title": "many chunks", "scales": {"full": scale, "tiny": scale}})
    (folder / "study.yaml").write_text(text)
    return folder


def build(study: Path) -> None:
    """Build the graph in this process and print a line of JSON: CPU time since Python started, memory, steps, jobs."""
    import snakemake.cli
    from snakemake.dag import DAG

    finish = DAG.postprocess

    async def stop(dag, *arguments, **options):
        await finish(dag, *arguments, **options)
        needed = list(dag.needrun_jobs())
        own = resource.getrusage(resource.RUSAGE_SELF)
        row = {
            "cpu_seconds": own.ru_utime + own.ru_stime,
            "peak_bytes": own.ru_maxrss * 1024,
            "steps": len(needed),
            "chunks": sum(job.rule.name == "generate" for job in needed),
            "groups": len({dag._group[job].groupid for job in needed if job in dag._group}),
        }
        print(json.dumps(row), flush=True)
        os._exit(0)

    DAG.postprocess = stop
    line = ["-s", str(REPOSITORY / "Snakefile"), "--workflow-profile", "none", "--quiet", "all"]
    line += ["--profile", str(REPOSITORY / "cluster" / "slurm"), "-n"]
    own = yaml.safe_load((REPOSITORY / "cluster" / "slurm" / "config.yaml").read_text())["config"]
    snakemake.cli.main([*line, "--config", "root=.", "scale=full", f"studies=[{study}]", *own])


def measure(case: Case) -> Mapping[str, float]:
    """A case in a process of its own: what `build` prints.

    Raises    SystemExit with its output where it ends otherwise
    """
    with tempfile.TemporaryDirectory() as folder:
        study = write_study(Path(folder) / "many", case)
        line = [sys.executable, str(Path(__file__).resolve()), "--build", str(study)]
        began = time.monotonic()
        done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - began
    if done.returncode or not done.stdout.strip():
        raise SystemExit(f"building the graph of {case} failed:\n{done.stdout}{done.stderr}")
    return {"seconds": seconds, **json.loads(done.stdout.splitlines()[-1])}


def options() -> argparse.Namespace:
    """Those of all benchmarks, and --build for the processes of the cases."""
    parser = store.parser(__doc__)
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure all cases, print a line for each, keep the record."""
    chosen = options()
    if chosen.build:
        build(chosen.build)
    rows = []
    for name, case in (QUICK if chosen.quick else CASES).items():
        row = {"case": name, "ensembles": case.ensembles, "chunks_each": case.chunks, **measure(case)}
        rows.append(row)
        print(
            f"{name:28} {row['steps']:6} steps, {row['groups']:4} jobs of several: {row['seconds']:6.1f} s"
            f" ({row['cpu_seconds']:.1f} s of CPU), {row['peak_bytes'] / 2**20:.0f} MiB",
            flush=True,
        )
    aims = {"seconds": SECONDS, "peak_bytes": BYTES}
    store.write(chosen.out, "dag_building", {"snakemake": metadata.version("snakemake"), "aims": aims, "rows": rows})
    missed = [row["case"] for row in rows if row["seconds"] > SECONDS or row["peak_bytes"] > BYTES]
    if missed:
        raise SystemExit(f"aims missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
