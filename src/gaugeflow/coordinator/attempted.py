"""What the attempts' logs say of the jobs of a root: which run, which failed and why, how fast they are."""

import os
import platform
from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gaugeflow.coordinator.chunks import listed
from gaugeflow.coordinator.places import Places
from gaugeflow.errors import FileError
from gaugeflow.jobs.attempt import Attempt, number_of, read

FRESH_SECONDS = 90.0  # a job that runs records progress every 20 s
KILLED = "ended without a word: killed (memory, node, kill -9?); see the log of the scheduler"


@dataclass(frozen=True)
class Failure:
    """The last attempt at a job, if it failed.

    job          path below logs/attempts: rule, ensemble, settings, chunk
    exit_code    None if it was killed
    log          the attempt's log, relative to the root
    """

    rule: str
    job: str
    exit_code: int | None
    reason: str
    log: str
    attempts: int


def last_attempt(folder: Path) -> Attempt | None:
    """The latest attempt at a job, None without one; one that cannot be read is taken as none."""
    try:
        numbers = [number for name in os.listdir(folder) if (number := number_of(Path(name)))]
        return read(folder / f"{max(numbers)}.jsonl") if numbers else None
    except (FileError, OSError):
        return None


def runs(attempt: Attempt, running_jobs: Set[str] | None, owned: bool | None = None) -> bool:
    """Whether an attempt is under way.

    running_jobs    numbers of the scheduler's running jobs; None if it does not answer
    owned           whether a living process holds the chunk's lease, None if that is not known: it decides before the
                    age of the last line, for one trajectory may take hours without a line
    """
    if attempt.end is not None or not attempt.begin:
        return False
    job = attempt.begin.get("slurm_job_id")
    if job and running_jobs is not None:
        return str(job) in running_jobs
    if not job and attempt.begin.get("host") == platform.node():
        return _is_ours(int(attempt.begin.get("pid", 0)))
    if owned is not None:
        return owned
    seen = attempt.last_seen
    return seen is not None and (datetime.now(UTC) - seen).total_seconds() < FRESH_SECONDS


def failure(root: Path, folder: Path, attempt: Attempt) -> Failure | None:
    """The attempt as a failure; None if it did what it should, or stopped with its state saved."""
    if attempt.outcome in ("done", "stopped"):
        return None
    job = folder.relative_to(Places(root).attempts)
    reason = str(attempt.end["reason"]) if attempt.end is not None else KILLED
    return Failure(
        rule=job.parts[0],
        job="/".join(job.parts[1:]),
        exit_code=attempt.exit_code,
        reason=reason,
        log=str(attempt.path.relative_to(root)),
        attempts=attempt.number,
    )


def computed(attempt: Attempt, first: int) -> int:
    """Trajectories that this attempt computed.

    first    number of the first trajectory of its chunk
    """
    if attempt.end is not None:
        return int(attempt.end.get("trajectories", 0))
    after = attempt.chunks[-1].get("continued_after") if attempt.chunks else None
    return max(0, progress_of(attempt) - (0 if after is None else int(after) + 1 - first))


def progress_of(attempt: Attempt) -> int:
    """Trajectories of its chunk that are done, by its last line of progress."""
    found = attempt.progress
    return int(found.get("done", 0)) if found and found.get("steps", "trajectories") == "trajectories" else 0


def job_folders(folder: Path) -> Iterator[Path]:
    """Folders below one that hold attempts."""
    for place, _, names in os.walk(folder):
        if any(name.endswith(".jsonl") for name in names):
            yield Path(place)


def failures_below(root: Path, running_jobs: Set[str] | None, rules: Set[str] | None = None) -> list[Failure]:
    """Every job whose last attempt failed and does not run; of these rules only, if given."""
    found = []
    attempts = Places(root).attempts
    for rule in sorted(name for name in listed(attempts) if rules is None or name in rules):
        for folder in sorted(job_folders(attempts / rule)):
            attempt = last_attempt(folder)
            if attempt is not None and not runs(attempt, running_jobs) and (one := failure(root, folder, attempt)):
                found.append(one)
    return found


def _is_ours(pid: int) -> bool:
    try:
        return b"gaugeflow" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
