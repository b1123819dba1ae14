"""Where the time of this process goes: seconds by purpose, added up over its life.

Code marks what it does, `with timed("io"):` or `@timed("mpi")`; a purpose inside another one takes its own time out of
the outer one's, so that every second counts once and shares of a run never add up to more than the whole.
"""

import functools
import threading
from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Any, TypeVar

MPI, IO = "mpi", "io"
"""Purposes: waiting for and talking to other ranks; reading, writing and verifying files."""

Function = TypeVar("Function", bound=Callable[..., Any])

_seconds: dict[str, float] = {MPI: 0.0, IO: 0.0}


class _Thread(threading.local):
    """What this thread is doing: purposes from the outermost to the innermost, and since when the innermost runs."""

    def __init__(self) -> None:
        self.purposes: list[str] = []
        self.since = 0.0


_thread = _Thread()


class timed:
    """Context manager and decorator: the time inside counts for `purpose`."""

    __slots__ = ("purpose",)

    def __init__(self, purpose: str) -> None:
        self.purpose = purpose

    def __enter__(self) -> None:
        thread, now = _thread, perf_counter()
        if thread.purposes:
            _seconds[thread.purposes[-1]] += now - thread.since
        thread.purposes.append(self.purpose)
        thread.since = now

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        thread, now = _thread, perf_counter()
        _seconds[thread.purposes.pop()] += now - thread.since
        thread.since = now

    def __call__(self, function: Function) -> Function:
        """The function, timed."""

        @functools.wraps(function)
        def inside(*arguments: Any, **options: Any) -> Any:
            with self:
                return function(*arguments, **options)

        return inside  # type: ignore[return-value]


def seconds() -> dict[str, float]:
    """Seconds by purpose since this process began; what still runs is not in it.

    Threads add up: where files are written beside the computation, their time is not lost to it.
    """
    return dict(_seconds)
