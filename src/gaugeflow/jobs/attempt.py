"""What the log of an attempt says, read back; the format stands in attempts.py."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gaugeflow.errors import FileError

STOPPED = 75


@dataclass(frozen=True)
class Attempt:
    """One attempt at a job.

    path       its file
    begin      the first line; empty where not even that was written
    chunks     lines about what the stage worked on
    progress   the last line about how far it came
    logs       log lines
    end        the last line; None while it runs, and after it was killed
    last_seen  time of the last line, None without any
    damaged    lines that are no JSON objects: cut off where the process died or the disk was full
    """

    path: Path
    begin: dict[str, Any]
    chunks: tuple[dict[str, Any], ...]
    progress: dict[str, Any] | None
    logs: tuple[dict[str, Any], ...]
    end: dict[str, Any] | None
    last_seen: datetime | None
    damaged: int

    @property
    def number(self) -> int:
        """Which attempt at this job it was, from 1."""
        return number_of(self.path)

    @property
    def exit_code(self) -> int | None:
        """None without an end."""
        return None if self.end is None else int(self.end["exit_code"])

    @property
    def outcome(self) -> str:
        """done, stopped (with its state saved: exit code 75), failed, or "no end" (it runs, or was killed)."""
        if self.exit_code is None:
            return "no end"
        return {0: "done", STOPPED: "stopped"}.get(self.exit_code, "failed")

    @property
    def asked(self) -> dict[str, float]:
        """Resources that the job was given: runtime (minutes), mem_mb, tasks, gpus, as far as they are known."""
        return dict(self.begin.get("asked", {}))

    @property
    def seconds(self) -> float:
        """Wall time; up to the last line where there is no end."""
        if self.end is not None:
            return float(self.end["seconds"])
        if self.last_seen is None or "time" not in self.begin:
            return 0.0
        return (self.last_seen - datetime.fromisoformat(self.begin["time"])).total_seconds()


def read(path: Path | str) -> Attempt:
    """Read one log; lines that were cut off are counted and left out.

    Raises    FileError if the file cannot be read
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror or error}") from error
    found = [_parsed(line) for line in text.split("\n") if line]
    lines = [line for line in found if line is not None]

    def of(event: str) -> list[dict[str, Any]]:
        return [line for line in lines if line["event"] == event]

    return Attempt(
        path=path,
        begin=(of("begin") or [{}])[0],
        chunks=tuple(of("chunk")),
        progress=(of("progress") or [None])[-1],
        logs=tuple(of("log")),
        end=(of("end") or [None])[-1],
        last_seen=max((datetime.fromisoformat(line["time"]) for line in lines), default=None),
        damaged=len(found) - len(lines),
    )


def all_attempts(folder: Path | str) -> list[Attempt]:
    """Attempts of one job, or of all jobs whose logs lie below a folder: by job, then by number; none without a folder.

    Raises    FileError if one cannot be read
    """
    paths = [path for path in Path(folder).rglob("*.jsonl") if number_of(path)]
    return [read(path) for path in sorted(paths, key=lambda path: (path.parent, number_of(path)))]


def number_of(path: Path) -> int:
    """Number of an attempt by the name of its file; 0 for any other name."""
    return int(path.stem) if path.stem.isascii() and path.stem.isdigit() else 0


def _parsed(line: str) -> dict[str, Any] | None:
    """None for what is no line of ours."""
    try:
        content = json.loads(line)
        datetime.fromisoformat(content["time"])
        return content if isinstance(content["event"], str) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
