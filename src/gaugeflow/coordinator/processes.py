"""Processes of this host by number and start time: a number alone may belong to a stranger by now."""

import os
import platform
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

from gaugeflow.errors import FileError
from gaugeflow.jobs.process_stat import process_stat

POLL_SECONDS = 0.1
KILL_SECONDS = 5.0


@dataclass(frozen=True)
class Process:
    """A process: host, number, and the clock ticks since boot at which it started."""

    host: str
    pid: int
    started: int

    @property
    def here(self) -> bool:
        """Whether it is, or was, one of this host."""
        return self.host == platform.node()

    @property
    def alive(self) -> bool:
        """Whether it runs on this host now; a zombie does not."""
        found = process_stat(self.pid) if self.here else None
        return found is not None and found.started == self.started and not found.ended

    def signal(self, number: int) -> None:
        """Send a signal if it still runs."""
        if self.alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def this_process() -> Process:
    """The one that asks."""
    return process(os.getpid())


def process(pid: int) -> Process:
    """A process of this host.

    Raises    FileError if there is none
    """
    found = process_stat(pid)
    if found is None:
        raise FileError(f"process {pid}: not there any more")
    return Process(platform.node(), pid, found.started)


def wait(one: Process, seconds: float) -> bool:
    """Wait until it has ended; whether it has."""
    end = time.monotonic() + seconds
    while one.alive:
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True


def members(leader: Process) -> list[Process]:
    """Running processes of the session that `leader` began, itself included, if it was one of this host."""
    if not leader.here:
        return []
    first = process_stat(leader.pid)
    if first is not None and first.started != leader.started:
        return []  # the number was given away, which happens only when no process of the old session is left
    return [
        Process(platform.node(), pid, found.started)
        for pid in _pids()
        if (found := process_stat(pid)) is not None and found.session == leader.pid and not found.ended
    ]


def end_session(leader: Process, seconds: float) -> int:
    """Ask all processes of a session to stop and save, wait, and kill those that do not; how many there were."""
    first = members(leader)
    for one in first:
        one.signal(signal.SIGTERM)
    end = time.monotonic() + seconds
    while (left := members(leader)) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    for one in left:
        one.signal(signal.SIGKILL)
    for one in left:
        wait(one, KILL_SECONDS)
    return len(first)


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())
