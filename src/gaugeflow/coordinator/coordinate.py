"""The coordinating process: holds the lease of a root, runs Snakemake as a child, passes signals on."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType

from gaugeflow.coordinator.command import snakemake
from gaugeflow.coordinator.leftovers import Leftovers, settle
from gaugeflow.coordinator.presence import Presence, last_coordinator, living_coordinator
from gaugeflow.coordinator.processes import Process, process
from gaugeflow.coordinator.profile import Profile
from gaugeflow.coordinator.run_folder import RunFolder, RunRecord
from gaugeflow.errors import ConfigError, FileError, LeaseLost
from gaugeflow.jobs.lease import Lease

POLL_SECONDS = 0.1
INTERRUPTED, STOPPED, FAILED = 130, 75, 1
TIME_IS_UP = -1  # a coordinator that is a job reached its limit: its jobs live on, another one has to go on
MAX_COPIED = 1 << 20

logger = logging.getLogger(__name__)


def require_alone(folder: RunFolder) -> None:
    """Refuse a root that has a coordinator.

    Raises    ConfigError that names it
    """
    if other := living_coordinator(folder):
        raise ConfigError(
            f"{folder.root}: another coordinator works on it ({other.where()}); `gaugeflow status {folder.root}` shows "
            f"how far it is, `gaugeflow cancel {folder.root}` stops it; nothing was started"
        )


def coordinate(
    folder: RunFolder, record: RunRecord, profile: Profile, *, how: str, handle: str, leftovers: Leftovers
) -> tuple[int, Path | None]:
    """Run Snakemake until it ends; exit code (0, 1; 75 or 130 if told to stop; TIME_IS_UP) and the log that it wrote.

    Raises    ConfigError if another coordinator holds the root, FileError if the scheduler does not answer
    """
    require_alone(folder)
    with Lease(folder.run, f"coordinator of {folder.root}") as lease, Signals(profile.executor) as signals:
        before = last_coordinator(folder)
        with Presence(folder, how, handle) as presence:
            settle(folder, before, profile.executor, leftovers)
            _unlock(folder, record, profile)
            if signals.time_is_up:
                return TIME_IS_UP, None
            log = folder.next_log()
            code = _run(snakemake(record, folder, profile), log, presence, signals, lease)
    if code and signals.time_is_up:
        return TIME_IS_UP, log
    if code and signals.received is not None:
        return (INTERRUPTED if signals.received == signal.SIGINT else STOPPED), log
    return (FAILED if code else 0), log


class Signals:
    """Context: Ctrl-C and TERM reach Snakemake as SIGINT, which cancels its jobs; before it runs, they interrupt.

    SIGHUP is ignored: a terminal that is closed does not end a run. SIGUSR1, the warning before a job's time limit,
    kills Snakemake without a word, so that the jobs live on.
    """

    def __init__(self, executor: str) -> None:
        self.received: int | None = None
        self.time_is_up = False
        self.child: Process | None = None
        self._local = executor != "slurm"
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Signals":
        self._before = {number: signal.signal(number, self._receive) for number in (signal.SIGINT, signal.SIGTERM)}
        self._before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._end)
        self._before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        if self.child is None:
            raise KeyboardInterrupt
        if not self.child.alive:
            return
        # Local jobs are children of Snakemake and save when they are told; the scheduler's are cancelled by Snakemake.
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if self._local else os.kill)(self.child.pid, signal.SIGINT)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.time_is_up = True
        if self.child is not None:
            self.child.signal(signal.SIGKILL)


def _unlock(folder: RunFolder, record: RunRecord, profile: Profile) -> None:
    """Remove the locks that a killed Snakemake left; the lease proves that no other one runs."""
    locks = folder.root / ".snakemake" / "locks"
    if not (locks.is_dir() and any(locks.iterdir())):
        return
    logger.info("freeing the lock of a Snakemake that was killed")
    line = snakemake(record, folder, profile, "--unlock")
    done = subprocess.run(line, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise FileError(f"{folder.root}: snakemake --unlock failed: {(done.stdout + done.stderr).strip()[-2000:]}")


def _run(command: list[str], log: Path, presence: Presence, signals: Signals, lease: Lease) -> int:
    """Run the command in a session of its own with its output in `log` and on the terminal; its exit code."""
    line = [sys.executable, "-m", "gaugeflow.coordinator.child", str(os.getpid()), *command]
    with log.open("xb") as output:
        child = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    signals.child = process(child.pid)
    presence.working(signals.child, log)
    with log.open("rb") as written:
        copy = _Terminal(written.read)
        while child.poll() is None:
            if presence.beat():
                _require_owned(lease, child)
            copy()
            time.sleep(POLL_SECONDS)
        copy()
    return child.returncode


def _require_owned(lease: Lease, child: subprocess.Popen) -> None:
    """Leave the root to the coordinator that took over while this one was halted; jobs are now that one's.

    Raises    LeaseLost
    """
    try:
        lease.check()
    except LeaseLost:
        child.kill()
        child.wait()
        raise
    except FileError as error:  # a file system that does not answer now
        logger.warning("%s", error)


class _Terminal:
    """Copies what was added to a log to the terminal, until that is closed."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read, self._open = read, True

    def __call__(self) -> None:
        while data := self._read(MAX_COPIED):
            if not self._open:
                continue
            try:
                sys.stderr.buffer.write(data)
                sys.stderr.buffer.flush()
            except OSError:
                self._open = False
