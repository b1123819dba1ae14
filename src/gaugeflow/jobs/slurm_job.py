"""What squeue says about one job: time left, whether it runs, how often it was started again."""

import logging
import os
import re

from gaugeflow.errors import FileError
from gaugeflow.jobs.scheduler import run

TIMEOUT_SECONDS = 20.0

LIVE_STATES = frozenset(
    ("RUNNING", "COMPLETING", "CONFIGURING", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SUSPENDED")
)
"""States in which processes of the job may exist."""
UNLIMITED = ("UNLIMITED", "NOT_SET")

logger = logging.getLogger(__name__)


def this_job() -> str:
    """Id of the SLURM job that this process belongs to, "" outside of SLURM."""
    return os.environ.get("SLURM_JOB_ID", "")


def time_left(job: str) -> float | None:
    """Seconds until the time limit of a job; None where there is no limit, or (with a warning) where nobody says."""
    answer = _squeue(job, "-o", "%L")
    if answer is None or answer in UNLIMITED:
        return None
    seconds = parse_time(answer)
    if seconds is None:
        logger.warning("squeue says %r for the time left of job %s: no deadline is known", answer, job)
    return seconds


def parse_time(text: str) -> float | None:
    """Seconds of days-hours:minutes:seconds with leading parts left out; None for anything else."""
    match = re.fullmatch(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)", text.strip())
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def is_running(job: str) -> bool | None:
    """Whether processes of a job may exist; None where nobody says. A job unknown to squeue has ended."""
    answer = _squeue(job, "-o", "%T", unknown="UNKNOWN")
    return None if answer is None else answer in LIVE_STATES


def restart_count() -> int | None:
    """How often this job was started again; None outside of SLURM, or where nobody says.

    MPI launchers may strip SLURM_RESTART_COUNT, so squeue is asked where it is missing.
    """
    if not this_job():
        return None
    answer = os.environ.get("SLURM_RESTART_COUNT") or _squeue(this_job(), "-O", "RestartCnt")
    return int(answer) if answer is not None and answer.isdecimal() else None


def _squeue(job: str, *words: str, unknown: str | None = None) -> str | None:
    """Answer of squeue for one job; `unknown` if it has no such job, None with a warning if it cannot be asked."""
    try:
        done = run(["squeue", "-h", "-j", job, *words], TIMEOUT_SECONDS)
    except FileError as error:
        logger.warning("squeue cannot be asked about job %s: %s", job, error)
        return None
    lines = done.stdout.split()
    if done.returncode == 0 and lines:
        return lines[0]
    if unknown is not None and (done.returncode == 0 or "invalid job id" in done.stderr.lower()):
        return unknown
    logger.warning("squeue says nothing about job %s: %s", job, done.stderr.strip() or f"exit code {done.returncode}")
    return None
