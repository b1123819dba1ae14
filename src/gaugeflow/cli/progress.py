"""Progress of long work: a bar on a terminal, a plain line now and then in a log."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LINE_SECONDS = 20.0

logger = logging.getLogger(__name__)


@contextmanager
def progress(what: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """Context that gives a function to call with the number of finished steps; silent where `quiet` (other ranks)."""
    if quiet:
        yield lambda done: None
    elif sys.stderr.isatty():
        yield from _bar(what, total)
    else:
        yield from _lines(what, total)


def _bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


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
