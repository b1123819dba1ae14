"""When saving happens: at once, or beside the trajectories that follow, in one worker thread."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from gaugeflow.errors import GaugeflowError

logger = logging.getLogger(__name__)


class Saver:
    """Runs every job before `submit` returns; a context manager."""

    def submit(self, job: Callable[[], None]) -> None:
        """Run a job; raises what it raises."""
        job()

    def check(self) -> None:
        """Raise what a finished job raised; called before anything else is computed."""

    def wait(self) -> None:
        """Return when no job is left; raises what it raised."""

    def __enter__(self) -> "Saver":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass


class BackgroundSaver(Saver):
    """Runs jobs in their order in one worker thread, at most one at a time.

    A job's failure is raised by the next `check`, `submit` or `wait`. Leaving the block waits; where it is left by an
    error, a failure of the job is logged beside it.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="saving")
        self._running: Future | None = None

    def submit(self, job: Callable[[], None]) -> None:
        """Start a job once the one before has ended; what that raised is raised here, and the job is not started."""
        self.wait()
        self._running = self._pool.submit(job)

    def check(self) -> None:
        """Raise what a finished job raised."""
        if self._running is not None and self._running.done():
            self.wait()

    def wait(self) -> None:
        """Return when the job has ended; raises what it raised, once."""
        running, self._running = self._running, None
        if running is not None:
            running.result()

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.wait()
        except GaugeflowError as failure:
            if kind is None:
                raise
            logger.error("saving failed too: %s", failure)
        finally:
            self._pool.shutdown()
