"""One chain that SLURM runs for an hour: how much of the wall time computes nothing.

    python benchmarks/production_hour.py                 about an hour; root on Linux, beside nothing else
    python benchmarks/production_hour.py --minutes 4     a short one

The chain, SU(3) on 8^4, is submitted with `gaugeflow submit` to a private SLURM (tests/slurm) with the shipped profile,
and jobs are looked at as seldom as the plugin does by itself. Useful is the time between the lines `chunk` and `end` in
the logs of attempts that generate or measure, less the time in files. All the rest, from the submission to the end of
the last chunk, is what scheduling takes; benchmarks/scheduler_model.py computes with its parts.
The record is results/<processor>/production_hour.json.
"""

import re
import shutil
import sys
import tempfile
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import store
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from house import REPOSITORY, run
from slurm.cluster import Cluster
from slurm.site import write_profile

from gaugeflow.config.load import load_study
from gaugeflow.jobs.attempt import Attempt, all_attempts

FIRST_LOOK = 40
"""Seconds, of SLURM's plugin unless a site says otherwise."""

JOB_MINUTES = 240
"""As shipped: an hour's chunks share one job."""

CHUNK_MINUTES = 5.0

TRIAL = 2000
"""Trajectories that tell how many this machine makes in five minutes."""

OF_EVERY_CHUNK = ("files", "starts of programs", "Snakemake between steps")

HMC = {"kind": "hmc", "integrator": "omf2", "tau": 1.0, "n_steps": 10}


def write_study(folder: Path, chunks: int, trajectories: int) -> Path:
    """A study of one chain of so many chunks with so many trajectories, a multiple of ten."""
    entry = {
        "label": "hour", "group": "SU3", "extents": [8, 8, 8, 8], "beta": [6.0], "chains": 1, "seed": 4101,
        "start": "hot", "sampler": HMC, "thermalisation": 100, "warmup": 50,
        "save_every": trajectories // 10, "configs_per_chunk": 10, "chunks": chunks, "acceptance_band": [0.2, 1.0],
    }  # fmt: skip
    scale = {"ensembles": [entry], "measure": {"loops": {"max_r": 2, "max_t": 2}}, "flow": None}
    template = REPOSITORY / "workflow" / "studies" / "_template"
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns("__pycache__"))
    content = {"version": 1, "title": "an hour of production", "scales": {"tiny": scale, "full": scale}}
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    return folder


def trajectories_per_second(folder: Path) -> float:
    """Of this chain on this machine, on one core and without a scheduler."""
    study, spec, out = write_study(folder / "trial", 1, TRIAL), folder / "trial.json", folder / "trial.h5"
    (ensemble,) = load_study(str(study), "tiny").ensembles
    for line in (
        ("spec", study, "--ensemble", ensemble.ensemble_id, "--scale", "tiny", "--out", spec),
        ("generate", spec, "--chunk", "0", "--out", out),
    ):
        done = run("gaugeflow", *line)
        if done.returncode:
            raise SystemExit(done.stderr)
    count, seconds = re.search(r"(\d+) trajectories in ([\d.]+) s", done.stdout).groups()
    return int(count) / float(seconds)


def moment(text: str) -> float:
    """Seconds since the epoch of a time in a log."""
    return datetime.fromisoformat(text).timestamp()


def parts(began: float, jobs: dict[str, tuple[float, float]], attempts: list[Attempt]) -> dict[str, float]:
    """Seconds of everything between the submission and the end of the last chunk.

    jobs    start and end of each job of steps of the chain, as SLURM says
    """
    ended = max(moment(attempt.end["time"]) for attempt in attempts)
    files = sum(attempt.end["io_seconds"] for attempt in attempts)
    inside = [(moment(a.begin["time"]), moment(a.chunks[0]["time"]), moment(a.end["time"])) for a in attempts]
    starts = sum(chunk - begin for begin, chunk, _ in inside)
    useful = sum(end - chunk for _, chunk, end in inside) - files
    allocations, steps = 0.0, 0.0
    for number, (start, end) in jobs.items():
        of_job = [
            times for attempt, times in zip(attempts, inside, strict=True) if number == attempt.begin["slurm_job_id"]
        ]
        first, last = min(begin for begin, _, _ in of_job), max(done for _, _, done in of_job)
        allocations += first - start + end - last
        steps += last - first - sum(done - begin for begin, _, done in of_job)
    ordered = sorted(jobs.values())
    between = [later - earlier for (_, earlier), (later, _) in pairwise(ordered)]
    return {
        "wall": ended - began,
        "useful": useful,
        "files": files,
        "starts of programs": starts,
        "Snakemake between steps": steps,
        "allocations": allocations,
        "between jobs": sum(between),
        "before the first job": min(start for start, _ in jobs.values()) - began,
    }


def jobs_of(cluster: Cluster, ids: set[str]) -> dict[str, tuple[float, float]]:
    """Start and end of jobs; SLURM forgets them after a while, so it is asked at the end of a run at the latest."""
    said = cluster.run("squeue", "-h", "-t", "all", "-o", "%i\t%S\t%e").stdout
    rows = [line.split("\t") for line in said.splitlines()]
    return {number: (moment(start), moment(end)) for number, start, end in rows if number in ids}


def main() -> int:
    """Run the chain and keep the record."""
    options = store.parser(__doc__)
    options.add_argument("--minutes", type=float, default=60.0)
    chosen = options.parse_args()
    minutes = 1.0 if chosen.quick else chosen.minutes
    with tempfile.TemporaryDirectory(prefix="gaugeflow_hour_") as name, Cluster(nodes=2) as cluster:
        folder = Path(name)
        chunks = max(3, round(minutes / CHUNK_MINUTES))
        trajectories = round(60 * minutes / chunks * trajectories_per_second(folder) / 10) * 10
        study, root = write_study(folder / "hour", chunks, trajectories), folder / "root"
        settings = ("bundle=0", f"job_minutes={1 if chosen.quick else JOB_MINUTES}")
        profile = write_profile(folder / "profile", settings=settings)
        content = yaml.safe_load((profile / "config.yaml").read_text())
        content["slurm-init-seconds-before-status-checks"] = 2 if chosen.quick else FIRST_LOOK
        del content["set-resources"]
        (profile / "config.yaml").write_text(yaml.safe_dump(content))
        began, log = time.time(), folder / "coordinator.log"
        where = ("--profile", profile, "--root", root, "--coordinator", "here")
        coordinator = cluster.begin(
            "gaugeflow", "submit", study, *where, "--", "--until", "measure", log=log, cwd=folder
        )
        if coordinator.wait() != 0:
            sys.stderr.write(log.read_text()[-4000:])
            return 1
        attempts = [a for step in ("generate", "measure") for a in all_attempts(root / "logs" / "attempts" / step)]
        found = jobs_of(cluster, {a.begin["slurm_job_id"] for a in attempts})
    seconds = parts(began, found, attempts)
    made = sum("generate" in attempt.path.parts for attempt in attempts)
    record = {
        "chunks": made, "jobs": len(found), "seconds": seconds, "share": 1 - seconds["useful"] / seconds["wall"],
        "figures": {
            "allocation_seconds": seconds["allocations"] / len(found),
            "chunk_seconds": sum(seconds[name] for name in OF_EVERY_CHUNK) / made,
            "first_poll": float(FIRST_LOOK),
        },
    }  # fmt: skip
    store.write(chosen.out, "production_hour", record)
    for name, value in seconds.items():
        print(f"{name:36} {value:9.1f} s {100 * value / seconds['wall']:6.2f} %")
    print(f"{made} chunks in {len(found)} jobs: {100 * record['share']:.2f} % of the wall time computes nothing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
