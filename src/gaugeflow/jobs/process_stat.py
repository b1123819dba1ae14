"""What Linux says of a process of this machine."""

from dataclasses import dataclass
from pathlib import Path

ENDED = ("Z", "X")
"""States of a process that runs no more, although its parent has not asked for its end yet."""


@dataclass(frozen=True)
class Stat:
    """State letter, number of the session, and start in clock ticks after boot."""

    state: str
    session: int
    started: int

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self.state in ENDED


def process_stat(pid: int) -> Stat | None:
    """From /proc/<pid>/stat; None if there is no such process, or no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return Stat(state=fields[0], session=int(fields[3]), started=int(fields[19]))
