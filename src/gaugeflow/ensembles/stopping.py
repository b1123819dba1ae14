"""How a job learns that it has to stop: SIGUSR1, SIGTERM and Ctrl-C set a flag that long work reads between steps."""

import signal
from types import FrameType, TracebackType

SIGNALS = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Context manager: inside, `bool(request)` tells whether a signal has asked this process to stop.

    A second Ctrl-C interrupts at once. The work that reads the request agrees with the other ranks, saves its state and
    raises TryAgain (exit code 75).
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> "StopRequest":
        self._before = {number: signal.signal(number, self._receive) for number in SIGNALS}
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __bool__(self) -> bool:
        return self.received is not None

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.received is not None:
            raise KeyboardInterrupt
        self.received = number
