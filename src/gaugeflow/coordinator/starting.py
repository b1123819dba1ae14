"""Where the coordinating process lives: in this terminal, in tmux, or as a small job."""

import contextlib
import logging
import os
import shlex
import shutil
import subprocess
import sys
import time
from enum import StrEnum

from gaugeflow.coordinator.presence import living_coordinator
from gaugeflow.coordinator.profile import Profile
from gaugeflow.coordinator.run_folder import RunFolder
from gaugeflow.errors import ConfigError, FileError
from gaugeflow.jobs import scheduler

START_SECONDS = 60.0
POLL_SECONDS = 0.2
JOB_MEMORY_MB = 2000
WARNED = ("--signal=B:USR1@120",)
TMUX_SECONDS = 20.0
TMUX_VARIABLE = "GAUGEFLOW_COORDINATOR_TMUX"  # set in the coordinator's environment only


class Way(StrEnum):
    """Where the coordinator lives."""

    HERE = "here"
    TMUX = "tmux"
    JOB = "job"


logger = logging.getLogger(__name__)


def chosen_way(asked: str | None, executor: str) -> Way:
    """The way that was asked for, or tmux for a scheduler's jobs where it is installed, else this terminal.

    Raises    ConfigError for an unknown way, tmux that is not there, a job without a scheduler
    """
    if asked is None:
        return Way.TMUX if executor == "slurm" and shutil.which("tmux") else Way.HERE
    if asked not in list(Way):
        raise ConfigError(f"--coordinator: got {asked!r}, wanted one of {', '.join(Way)}")
    if asked == Way.TMUX and not shutil.which("tmux"):
        raise ConfigError("--coordinator tmux: tmux is not installed here; choose here or job")
    if asked == Way.JOB and executor != "slurm":
        raise ConfigError(f"--coordinator job: the profile's executor is {executor}, wanted slurm; choose here or tmux")
    return Way(asked)


def resume_command(folder: RunFolder, leftovers: str) -> list[str]:
    """What runs in tmux or in the job."""
    options = {"wait-all": ["--wait-all"], "cancel": ["--cancel"]}.get(leftovers, [])
    return [sys.executable, "-m", "gaugeflow", "resume", str(folder.root), "--coordinator", "here", *options]


def tmux_server(folder: RunFolder) -> str:
    """Name of the tmux server of a root: one of its own, so that it has this shell's environment and ends with it."""
    return folder.prefix


def start_in_tmux(folder: RunFolder, leftovers: str) -> str:
    """Start the coordinator in tmux and wait until it holds the root; how to look at it.

    Raises    FileError if it does not start
    """
    server = tmux_server(folder)
    stop_tmux(server)  # what an ended coordinator left
    line = ["tmux", "-L", server, "new-session", "-d", "-s", "gaugeflow", "--", *resume_command(folder, leftovers)]
    result = subprocess.run(
        line, capture_output=True, text=True, check=False, env={**os.environ, TMUX_VARIABLE: server}
    )
    if result.returncode:
        raise FileError(f"tmux: could not start ({result.stderr.strip()}); choose --coordinator here or job")
    end = time.monotonic() + START_SECONDS
    while living_coordinator(folder) is None:
        if not _tmux_lives(server):
            return _ended_already(folder)
        if time.monotonic() > end:
            raise FileError(f"tmux: no coordinator after {START_SECONDS:.0f} s; look: tmux -L {server} attach")
        time.sleep(POLL_SECONDS)
    return f"coordinator in tmux: you may log out; look: tmux -L {server} attach (leave again: Ctrl-B D)"


def start_as_job(folder: RunFolder, profile: Profile, minutes: int, leftovers: str, after: str = "") -> str:
    """Submit the coordinator as a job of one core; how to look at it.

    Two minutes before its limit it leaves its jobs alone and submits the next one, which waits for its end.

    after     number of the job that it takes over from

    Raises    ConfigError if the scheduler refuses
    """
    resources = profile.resources("")
    request = scheduler.Request(
        account=str(resources.get("slurm_account", "")),
        partition=str(resources.get("slurm_partition", "")),
        qos=str(resources.get("qos", "")),
        memory_mb=JOB_MEMORY_MB,
        runtime=minutes,
        extra=("--no-requeue", *WARNED, *((f"--dependency=afterany:{after}",) if after else ())),
    )
    log = folder.run / "coordinator_job.log"
    line = [*resume_command(folder, leftovers), "--coordinator-time", str(minutes)]
    command = f"exec {shlex.join(line)}"  # in the place of the batch shell, which gets the signals
    number = scheduler.submit(folder.coordinator_job, command, request, folder=str(folder.root), output=str(log))
    return f"coordinator submitted as job {number} for {minutes} minutes: you may log out; it writes to {log}"


def handle_of_this_process(folder: RunFolder) -> tuple[Way, str]:
    """How this process was started, and the name of the tmux server or number of the job that holds it."""
    if os.environ.get(TMUX_VARIABLE) == tmux_server(folder):
        return Way.TMUX, tmux_server(folder)
    if os.environ.get("SLURM_JOB_NAME") == folder.coordinator_job and "SLURM_JOB_ID" in os.environ:
        return Way.JOB, os.environ["SLURM_JOB_ID"]
    return Way.HERE, ""


def stop_tmux(server: str) -> bool:
    """End a tmux server and all in it; whether there was one."""
    if not shutil.which("tmux"):
        return False
    with contextlib.suppress(subprocess.TimeoutExpired):
        line = ["tmux", "-L", server, "kill-server"]
        return subprocess.run(line, capture_output=True, check=False, timeout=TMUX_SECONDS).returncode == 0
    return False


def _tmux_lives(server: str) -> bool:
    line = ["tmux", "-L", server, "has-session", "-t", "gaugeflow"]
    return subprocess.run(line, capture_output=True, check=False).returncode == 0


def _ended_already(folder: RunFolder) -> str:
    logs = sorted(folder.run.glob("coordinator.*.log"), key=lambda path: path.stat().st_mtime)
    if not logs:
        raise FileError(
            f"{folder.root}: the coordinator in tmux ended at once; see why: gaugeflow resume {folder.root} "
            "--coordinator here"
        )
    return f"the coordinator has ended already: gaugeflow status {folder.root}, {logs[-1]}"
