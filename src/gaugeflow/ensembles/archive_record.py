"""What was done with the links of a chunk: a JSON file beside it that is only ever added to.

    configs/0003.h5                  the chunk, or its stand-in
    configs/0003.h5.archive.json     {"format", "version", "file", "ensemble_id", "chunk", "content_sha256", "events"}

An event has "what" (moved, deleted, restored), "when" (UTC), "bytes" and "file_sha256" of the file with the links,
"place" (where that file went to or came from, null for deleted) and "gaugeflow" (version). An event is written before
the file changes: whether a chunk is archived is what its file says, the record says where its links are.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gaugeflow
from gaugeflow.ensembles.atomic import atomic_path
from gaugeflow.errors import FileError

FORMAT = "gaugeflow-archive"
VERSION = 1


@dataclass(frozen=True)
class Event:
    """One thing that was done: see the head of this file."""

    what: str
    bytes: int
    file_sha256: str
    place: str | None
    when: str = ""
    gaugeflow: str = gaugeflow.__version__

    def same_as(self, other: "Event | None") -> bool:
        """Whether another event says the same, dates and versions aside."""
        mine = (self.what, self.bytes, self.file_sha256, self.place)
        return other is not None and mine == (other.what, other.bytes, other.file_sha256, other.place)


def record_path(chunk: Path) -> Path:
    """Where the record of a chunk lies."""
    return chunk.with_name(f"{chunk.name}.archive.json")


def events(chunk: Path) -> list[Event]:
    """What was done with a chunk, in order; nothing where there is no record.

    Raises    FileError if the record cannot be read
    """
    path = record_path(chunk)
    if not path.exists():
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["version"] != VERSION:
            raise ValueError(f"format {content['format']!r}, version {content['version']!r}")
        return [Event(**entry) for entry in content["events"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path}: no record of an archive that this code reads ({error}); move it away") from error


def add_event(chunk: Path, identity: dict[str, Any], event: Event) -> None:
    """Add an event, dated now, to the record of a chunk, unless the last one says the same.

    identity    ensemble_id, chunk, content_sha256

    Raises    FileError if the record cannot be read or written
    """
    before = events(chunk)
    if before and event.same_as(before[-1]):
        return
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    listed = [*before, Event(**{**asdict(event), "when": now})]
    content = {"format": FORMAT, "version": VERSION, "file": chunk.name, **identity}
    content["events"] = [asdict(entry) for entry in listed]
    with atomic_path(record_path(chunk)) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
