"""What the scheduler takes of a production run: a model of one chain's jobs, fed with measured figures.

    python benchmarks/scheduler_model.py [FIGURES.json]     figures of production_hour.py

A chain of chunks runs as jobs that follow each other. Each job costs `allocation_seconds` (from the start that SLURM
gives to the first command, and after the last), each chunk `chunk_seconds` (interpreter, libraries, kernels, links
read, the file published, Snakemake between its steps), and between two jobs the coordinator sleeps: it asks first
after `first_poll` seconds, then each time 10 s later than before, at most every 180 s, and begins anew when something
has finished.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import store

POLL_STEP, POLL_LONGEST = 10.0, 180.0
CHUNK_MINUTES = (1, 2, 5, 10, 20, 60)
JOB_MINUTES = (0, 30, 60, 120, 240, 720)
"""0: every chunk is a job of its own."""
AIM = 0.03


@dataclass(frozen=True)
class Figures:
    """Seconds, measured by production_hour.py."""

    allocation_seconds: float
    chunk_seconds: float
    first_poll: float = 40.0


def idle_gap(job_seconds: float, first_poll: float) -> float:
    """Seconds between the end of a job and the coordinator's next look at it."""
    now, wait = 0.0, first_poll
    while now < job_seconds:
        now += wait
        wait = min(wait + POLL_STEP, POLL_LONGEST)
    return now - job_seconds


def mean_gap(job_seconds: float, first_poll: float, spread: float = 0.05, samples: int = 201) -> float:
    """Mean over jobs whose lengths differ by a few per cent, as those of real ones do."""
    lengths = (job_seconds * (1 + spread * (2 * i / (samples - 1) - 1)) for i in range(samples))
    return sum(idle_gap(length, first_poll) for length in lengths) / samples


def share(chunk_minutes: float, job_minutes: float, figures: Figures) -> float:
    """Part of the wall time in which no trajectory is computed: allocations, idle gaps and starts."""
    chunks = max(1, int(job_minutes // chunk_minutes)) if job_minutes else 1
    useful = 60 * chunk_minutes * chunks
    job = useful + chunks * figures.chunk_seconds + figures.allocation_seconds
    gap = mean_gap(job, figures.first_poll)
    return (job + gap - useful) / (job + gap)


def table(figures: Figures) -> str:
    """Share of the wall time without trajectories, in per cent: rows are lengths of chunks, columns those of jobs."""
    names = ("a job each", *(f"{minutes} min" for minutes in JOB_MINUTES[1:]))
    lines = ["| minutes of a chunk | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for chunk in CHUNK_MINUTES:
        shares = (100 * share(chunk, job, figures) for job in JOB_MINUTES)
        lines.append(f"| {chunk} | " + " | ".join(f"{value:.1f} %" for value in shares) + " |")
    return "\n".join(lines)


def shortest_job(chunk_minutes: float, figures: Figures) -> int | None:
    """Minutes of the shortest jobs (in steps of ten) from which on the share stays below the aim; None up to a day."""
    lengths = range(10, 24 * 60 + 1, 10)
    above = [n for n in lengths if share(chunk_minutes, n, figures) >= AIM]
    longest = max(above, default=0)
    return None if longest == lengths[-1] else longest + 10


def main() -> None:
    """Print the table, and how long jobs have to be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", type=Path, nargs="?", help="production_hour.json; this machine's if not given")
    path = parser.parse_args().figures or store.RESULTS / store.processor() / "production_hour.json"
    figures = Figures(**json.loads(path.read_text())["figures"])
    print(
        f"per job {figures.allocation_seconds:.1f} s, per chunk {figures.chunk_seconds:.1f} s, first look after ",
        end="",
    )
    print(f"{figures.first_poll:.0f} s\n\n{table(figures)}\n")
    for chunk in CHUNK_MINUTES:
        length = shortest_job(chunk, figures)
        answer = "in no job of a day" if length is None else f"in jobs of {length} minutes and more"
        print(f"chunks of {chunk} minutes: below {100 * AIM:.0f} % {answer}")


if __name__ == "__main__":
    main()
