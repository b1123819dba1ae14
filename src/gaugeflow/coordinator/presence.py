"""Who coordinates a root: a file that the coordinating process keeps fresh, and what others can tell from it."""

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType

from gaugeflow.coordinator.processes import Process, members, this_process
from gaugeflow.coordinator.run_folder import RunFolder, now
from gaugeflow.ensembles.atomic import atomic_path
from gaugeflow.jobs.lease import is_held

FRESH_SECONDS = 60.0  # without a sign of life a coordinator on another host counts as gone
BEAT_SECONDS = 5.0


@dataclass(frozen=True)
class Coordinator:
    """A coordinating process.

    how           here | tmux | job
    handle        name of the tmux server or number of the job; empty for "here"
    snakemake     its child, leader of the session of the local jobs; None while there is none
    log           what Snakemake says
    """

    process: Process
    how: str
    handle: str = ""
    began: str = ""
    snakemake: Process | None = None
    log: str = ""

    def where(self) -> str:
        """For messages."""
        way = {"tmux": f", in tmux server {self.handle}", "job": f", as job {self.handle}"}.get(self.how, "")
        return f"process {self.process.pid} on {self.process.host}{way}, since {self.began}"


class Presence:
    """Context of a coordinating process: the file is there while it runs and is renewed by `beat`."""

    def __init__(self, folder: RunFolder, how: str, handle: str = "") -> None:
        self._path = path_of(folder)
        self._coordinator = Coordinator(this_process(), how, handle, now())
        self._beat = 0.0

    def __enter__(self) -> "Presence":
        self._write()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        child = self._coordinator.snakemake
        if child is None or not members(child):  # whom it leaves behind the next coordinator has to find
            self._path.unlink(missing_ok=True)

    def working(self, snakemake: Process, log: Path) -> None:
        """Note the child and its log."""
        self._coordinator = replace(self._coordinator, snakemake=snakemake, log=str(log))
        self._write()

    def beat(self) -> bool:
        """A sign of life, if the last was some seconds ago, and whether it was; a full disk does not end the run."""
        if time.monotonic() - self._beat <= BEAT_SECONDS:
            return False
        self._beat = time.monotonic()
        with suppress(OSError):  # the next one may succeed; a coordinator that looks dead holds its lease all the same
            os.utime(self._path)
        return True

    def _write(self) -> None:
        with atomic_path(self._path) as temporary:
            temporary.write_text(json.dumps(asdict(self._coordinator), indent=2) + "\n", encoding="utf-8")


def path_of(folder: RunFolder) -> Path:
    """coordinator.json."""
    return folder.run / "coordinator.json"


def last_coordinator(folder: RunFolder) -> Coordinator | None:
    """The coordinator that the file names, alive or not; None if the last one ended in order or none can be read."""
    try:
        content = json.loads(path_of(folder).read_text(encoding="utf-8"))
        child = content["snakemake"]
        people = {"process": Process(**content["process"]), "snakemake": Process(**child) if child else None}
        return Coordinator(**{**content, **people})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def living_coordinator(folder: RunFolder) -> Coordinator | None:
    """The coordinator if it is alive: by its process on this host, by its lease or its last sign of life elsewhere."""
    found = last_coordinator(folder)
    if found is None:
        return None
    if found.process.here:
        return found if found.process.alive else None
    try:
        held = is_held(folder.run)
        age = time.time() - path_of(folder).stat().st_mtime
    except OSError:
        return None
    return found if held or (held is None and age < FRESH_SECONDS) else None
