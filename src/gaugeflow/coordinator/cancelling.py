"""Ending a run: its coordinator, then its jobs and no others."""

import signal
from collections.abc import Callable

from gaugeflow.coordinator.leftovers import coordinator_jobs, live_jobs
from gaugeflow.coordinator.presence import last_coordinator, living_coordinator
from gaugeflow.coordinator.processes import KILL_SECONDS, end_session, wait
from gaugeflow.coordinator.run_folder import RunFolder
from gaugeflow.coordinator.starting import stop_tmux, tmux_server
from gaugeflow.errors import ConfigError
from gaugeflow.jobs import scheduler

STOP_SECONDS = 120.0  # Snakemake cancels its jobs in seconds; a local job ends with its trajectory
SAVE_SECONDS = 900.0


def cancel_run(folder: RunFolder, executor: str, say: Callable[[str], None]) -> None:
    """End everything of this root and return when nothing of it runs.

    say       is told what was done

    Raises    ConfigError if the coordinator lives on another host and is no job; FileError if the scheduler is silent
    """
    _stop_coordinator(folder, say)
    if stop_tmux(tmux_server(folder)):
        say(f"tmux server {tmux_server(folder)} ended")
    before = last_coordinator(folder)
    if before is not None and before.snakemake is not None and (count := end_session(before.snakemake, SAVE_SECONDS)):
        say(f"{count} local processes saved and ended")
    if executor == "slurm":
        _cancel_jobs(folder, say)


def _stop_coordinator(folder: RunFolder, say: Callable[[str], None]) -> None:
    alive = living_coordinator(folder)
    if alive is None:
        say("no coordinator at work")
        return
    if alive.how == "job":
        return  # cancelled with the jobs
    if not alive.process.here:
        raise ConfigError(
            f"{folder.root}: its coordinator is {alive.where()}, which cannot be reached from here and would submit "
            f"cancelled jobs again; run `gaugeflow cancel {folder.root}` on {alive.process.host}; nothing was cancelled"
        )
    alive.process.signal(signal.SIGINT)
    if not wait(alive.process, STOP_SECONDS):
        alive.process.signal(signal.SIGKILL)
        wait(alive.process, KILL_SECONDS)
    say(f"coordinator stopped: {alive.where()}")


def _cancel_jobs(folder: RunFolder, say: Callable[[str], None]) -> None:
    coordinators = coordinator_jobs(folder)
    if coordinators:  # first, or it would submit again
        scheduler.cancel(job.job_id for job in coordinators)
        scheduler.wait_until_gone(folder.coordinator_job)
        say(f"coordinator job cancelled: {', '.join(job.job_id for job in coordinators)}")
    jobs = live_jobs(folder)
    if not jobs:
        say("no jobs left")
        return
    scheduler.cancel(job.job_id for job in jobs)
    scheduler.wait_until_gone(folder.prefix)
    say(f"{len(jobs)} jobs cancelled: {', '.join(job.job_id for job in jobs)}")
