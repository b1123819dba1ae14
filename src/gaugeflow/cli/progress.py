"""Progress of long work: a bar on a terminal, a plain line now and then in a log, and in the attempt's own log."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gaugeflow.jobs import attempts

LINE_SECONDS = 20.0

logger = logging.getLogger(__name__)


@contextmanager
def progress(
    what: str, total: int, *, steps: str | None = None, quiet: bool = False
) -> Iterator[Callable[[int], None]]:
    """Context that gives a function to call with the number of finished steps; silent where `quiet` (other ranks).

    steps   what is counted, as the attempt's log calls it; `what` if not given
    """
    if quiet:
        yield lambda done: None
        return
    latest: int | None = None
    with (_bar if sys.stderr.isatty() else _lines)(what, total) as show:

        def advance(done: int) -> None:
            nonlocal latest
            latest = done
            show(done)
            attempts.progress(steps or what, done, total)

        try:
            yield advance
        finally:
            if latest is not None:
                attempts.progress(steps or what, latest, total, last=True)


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def _lines(what: str, total: int) -> Iterator[Callable[[int], None]]:
    began, first, last = time.monotonic(), None, time.monotonic()

    def advance(done: int) -> None:
        nonlocal first, last
        first = done if first is None else first
        now = time.monotonic()
        if now - last >= LINE_SECONDS and done > first:
            rate = (done - first) / (now - began)
            logger.info("%s: %d of %d, %.3g per second, %.0f s left", what, done, total, rate, (total - done) / rate)
            last = now

    yield advance
