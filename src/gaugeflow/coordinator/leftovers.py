"""What an earlier coordinator of a root left running: waited for or ended before the next one starts anything."""

import logging
import time
from enum import StrEnum

from gaugeflow.coordinator.presence import Coordinator
from gaugeflow.coordinator.processes import end_session, members
from gaugeflow.coordinator.run_folder import RunFolder
from gaugeflow.jobs import scheduler

SAVE_SECONDS = 900.0  # a local job ends at the end of its trajectory
SAY_SECONDS = 60.0
POLL_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Leftovers(StrEnum):
    """What happens to jobs that an earlier coordinator left."""

    WAIT_RUNNING = "wait-running"  # wait for the running ones, cancel those that wait
    WAIT_ALL = "wait-all"
    CANCEL = "cancel"


def live_jobs(folder: RunFolder) -> list[scheduler.Job]:
    """Unfinished jobs of this root under the scheduler, without one that coordinates.

    Raises    FileError if the scheduler does not answer
    """
    return [job for job in scheduler.jobs_of(folder.prefix) if not coordinates(folder, job)]


def coordinates(folder: RunFolder, job: scheduler.Job) -> bool:
    """Whether a job is a coordinator of this root."""
    return job.name == folder.coordinator_job


def coordinator_jobs(folder: RunFolder, but: str = "") -> list[scheduler.Job]:
    """Jobs, waiting or running, that coordinate this root, without the one with the number `but`.

    Raises    FileError if the scheduler does not answer
    """
    return [job for job in scheduler.jobs_of(folder.coordinator_job) if job.job_id != but]


def settle(folder: RunFolder, before: Coordinator | None, executor: str, policy: Leftovers) -> None:
    """Return when nothing of this root runs any more but the caller.

    before      the coordinator that was there before; its local jobs are children of its Snakemake

    Raises      FileError if the scheduler does not answer
    """
    if before is not None and before.snakemake is not None:
        _settle_processes(before, policy)
    if executor == "slurm":
        _settle_jobs(folder, policy)


def _settle_processes(before: Coordinator, policy: Leftovers) -> None:
    """Jobs on this host: they save at the end of a trajectory when told to stop, and lose nothing by it."""
    leader = before.snakemake
    assert leader is not None
    left = members(leader)
    if not left:
        return
    if policy is Leftovers.WAIT_ALL:
        say = _Saying("processes")
        while left := members(leader):
            say(len(left))
            time.sleep(POLL_SECONDS)
        return
    logger.info("%d processes of an earlier coordinator run on: telling them to save and stop", len(left))
    end_session(leader, SAVE_SECONDS)


def _settle_jobs(folder: RunFolder, policy: Leftovers) -> None:
    jobs = live_jobs(folder)
    if not jobs:
        return
    ended = [
        job.job_id for job in jobs if policy is Leftovers.CANCEL or (job.waits and policy is not Leftovers.WAIT_ALL)
    ]
    if ended:
        logger.info("cancelling %d of %d jobs that an earlier coordinator left", len(ended), len(jobs))
        scheduler.cancel(ended)
    scheduler.wait_until_gone(folder.prefix, lambda job: coordinates(folder, job), _Saying("jobs"))


class _Saying:
    """Says now and then how many are left."""

    def __init__(self, what: str) -> None:
        self._what, self._last = what, -SAY_SECONDS

    def __call__(self, count: int) -> None:
        if time.monotonic() - self._last >= SAY_SECONDS:
            self._last = time.monotonic()
            logger.info("waiting for %d %s of an earlier coordinator; Ctrl-C leaves them alone", count, self._what)
