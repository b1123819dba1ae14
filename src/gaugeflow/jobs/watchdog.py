"""Ends a process that waits for ever: of a world whose other rank was lost without the launcher's notice.

A node that loses its network or its power may take a rank along without the scheduler's notice, and MPI then waits
until the job's limit. The state is saved, so the sooner the job ends the sooner its next attempt goes on.
"""

import os
import sys
import threading
import time
from types import TracebackType

from gaugeflow.errors import TryAgain
from gaugeflow.jobs import attempts
from gaugeflow.jobs.seconds import seconds_from
from gaugeflow.jobs.stopping import StopRequest

VARIABLE, DEFAULT_SECONDS = "GAUGEFLOW_STALL_SECONDS", 900.0
MANY_STEPS = 20
"""A step may also take so many times as long as the longest step or saving before."""

LOOK_SECONDS = 5.0


class Watchdog:
    """Context manager: while inside, the process ends with exit code 75 if no step and no saving ends in time.

    stop      counts them. In time is GAUGEFLOW_STALL_SECONDS (900), or 20 times the longest one before. The time before
              the first step has ended does not count, nor does that in which the process was suspended
    wanted    False: nothing is watched, as a world of one rank waits for nobody

    Raises    ConfigError for a time that is none
    """

    def __init__(self, stop: StopRequest, wanted: bool) -> None:
        self._stop, self._wanted = stop, wanted
        self._limit = seconds_from(VARIABLE, DEFAULT_SECONDS)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> "Watchdog":
        if self._wanted:
            self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        if self._wanted:
            self._thread.join()

    def _watch(self) -> None:
        period = min(LOOK_SECONDS, self._limit / 4)
        seen, idle, looked = self._stop.ended, 0.0, time.monotonic()
        while not self._over.wait(period):
            now = time.monotonic()
            idle += min(now - looked, 2 * period)  # a suspended process finds that hours have passed
            looked = now
            if self._stop.ended != seen:
                seen, idle = self._stop.ended, 0.0
            if seen and idle > max(self._limit, MANY_STEPS * self._stop.longest):
                _end(
                    f"no step has ended for {idle:.0f} s, the longest took {self._stop.longest:.1f} s: another rank is "
                    f"lost, or files cannot be written. The next attempt goes on from the saved state; {VARIABLE} sets "
                    "how long to wait"
                )


def _end(reason: str) -> None:
    """End at once: the main thread is in a call that does not return."""
    attempts.finish(TryAgain.exit_code, reason)
    sys.stderr.write(f"gaugeflow: error: {reason}\n")
    sys.stderr.flush()
    os._exit(TryAgain.exit_code)
