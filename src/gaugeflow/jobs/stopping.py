"""How a job learns that it has to stop: a signal sets a flag, or too little time is left for another step."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from gaugeflow.jobs.deadline import Deadline

SIGNALS = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Context manager: inside, `bool(request)` tells whether this process has to stop.

    That is so once SIGUSR1, SIGTERM or Ctrl-C has arrived, or when the time to the deadline is shorter than the longest
    step and the longest saving so far. The first step also loads and compiles: it counts only until there are others.

    A second Ctrl-C interrupts at once. The work that reads the request agrees with the other ranks, saves its state and
    raises TryAgain (exit code 75).

    deadline    None: signals only
    ended       steps and savings that have ended
    Raises      RuntimeError outside of the main thread, where Python takes no signals
    """

    def __init__(self, deadline: Deadline | None = None) -> None:
        self.received: int | None = None
        self.ended = 0
        self._deadline = deadline
        self._before: dict[int, Any] = {}
        self._began = time.monotonic()
        self._first_step: float | None = None
        self._longest_step = self._longest_save = 0.0
        self._too_late: float | None = None

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("a StopRequest needs the main thread: signals that ask to stop reach no other one")
        self._before = {number: signal.signal(number, self._receive) for number in SIGNALS}
        self.begin()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def begin(self) -> None:
        """The first step begins now."""
        self._began = time.monotonic()

    def step(self) -> None:
        """A step has ended, the next one begins."""
        now = time.monotonic()
        if self._first_step is None:
            self._first_step = now - self._began
        else:
            self._longest_step = max(self._longest_step, now - self._began)
        self._began = now
        self.ended += 1

    @contextmanager
    def saving(self) -> Iterator[None]:
        """State is saved inside; in another thread too, beside the steps."""
        began = time.monotonic()
        yield
        took = time.monotonic() - began
        self._longest_save = max(self._longest_save, took)
        if threading.current_thread() is threading.main_thread():
            self._began += took
        self.ended += 1

    @property
    def longest(self) -> float:
        """Seconds of the longest step or saving so far, the first step among them."""
        return max(self._first_step or 0.0, self._longest_step, self._longest_save)

    @property
    def too_late(self) -> bool:
        """Whether another step and its saving may not end before the deadline."""
        if self._deadline is None:
            return False
        left = self._deadline.left()
        if self._too_late is None and left < (self._longest_step or self._first_step or 0.0) + self._longest_save:
            self._too_late = left
        return self._too_late is not None

    @property
    def reason(self) -> str:
        """Why, for messages: "signal SIGUSR1", "deadline in 42 s"."""
        if self.received is not None:
            return f"signal {signal.Signals(self.received).name}"
        if self._too_late is None:
            return "another rank was told to"
        return f"deadline in {self._too_late:.0f} s" if self._too_late > 0 else "deadline has passed"

    def __bool__(self) -> bool:
        return self.received is not None or self.too_late

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.received is not None:
            raise KeyboardInterrupt
        self.received = number
