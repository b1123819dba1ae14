"""How long this job may go on: asked once at the start, then told by a clock that nobody sets."""

import logging
import os
import time
from dataclasses import dataclass

from gaugeflow.jobs.owner import process_age
from gaugeflow.jobs.seconds import seconds_from
from gaugeflow.jobs.slurm_job import this_job, time_left

LIMIT_VARIABLE = "GAUGEFLOW_DEADLINE_SECONDS"
MARGIN_VARIABLE = "GAUGEFLOW_DEADLINE_MARGIN_SECONDS"
MARGIN_SECONDS = 60.0
LONGEST_MARGIN_SHARE = 0.25
"""Of the time left: a job shorter than four margins keeps a quarter of it."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Deadline:
    """When work has to be saved, in seconds of time.monotonic()."""

    at: float

    def left(self) -> float:
        """Seconds until then; negative afterwards."""
        return self.at - time.monotonic()


def find_deadline() -> Deadline | None:
    """Deadline of this process, None if nothing limits it or nobody says; rank 0 asks, once.

    GAUGEFLOW_DEADLINE_SECONDS, counted from the start of this process, is for schedulers other than SLURM. Else the
    job's end from SLURM_JOB_END_TIME, else from squeue. A margin is taken off for saving and leaving.

    Raises    ConfigError for variables that are no positive numbers
    """
    margin, left = seconds_from(MARGIN_VARIABLE, MARGIN_SECONDS), _seconds_left()
    if left is None:
        return None
    deadline = Deadline(time.monotonic() + left - min(margin, LONGEST_MARGIN_SHARE * max(left, 0.0)))
    logger.info("the job ends in %.0f s, work is saved within %.0f s", left, deadline.left())
    return deadline


def _seconds_left() -> float | None:
    if os.environ.get(LIMIT_VARIABLE, "").strip():
        return seconds_from(LIMIT_VARIABLE, 0.0) - process_age()
    job = this_job()
    if not job:
        return None
    end = os.environ.get("SLURM_JOB_END_TIME", "")
    if end.isdecimal() and int(end) > 0:
        return int(end) - time.time()
    return time_left(job)
