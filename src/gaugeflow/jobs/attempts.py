"""Log of one attempt at a job: what was run, how far it came, how it ended, in a file that no later attempt touches.

    FOLDER/<n>.jsonl      n = 1, 2, ..: one JSON object a line, each with "event" and "time" (UTC)

    begin       argv, cwd, environment (GAUGEFLOW_*), version, commit, libraries, python, host, pid, slurm_job_id, asked
    chunk       ensemble_id, chunk, seed, spec, trajectories, continued_after; what a stage works on
    progress    done, total
    log         level, logger, message
    end         exit_code, reason, seconds, cpu_seconds, max_rss_mb, mpi_seconds, io_seconds, trajectories

Rank 0 writes; memory and times are its own. Begin and chunk are enough to run the same again. A file without an end is
that of a process which was killed. A log that cannot be written is told once on stderr and never fails the job.
"""

import json
import logging
import os
import platform
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gaugeflow import timing
from gaugeflow.errors import ConfigError
from gaugeflow.jobs.attempt import Attempt, all_attempts, number_of, read

__all__ = ["Attempt", "all_attempts", "begin", "finish", "is_first_rank", "parse_asked", "progress", "read", "record"]

MPI_RANKS = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")
"""Environment variables by which MPI's launchers number processes; SLURM's own counts where there is none of them."""

PREFIX = "GAUGEFLOW_"
PROGRESS_SECONDS = 20.0
FILE_MODE, FOLDER_MODE = 0o664, 0o775  # less the umask: nothing is ever writable for everybody


class _Log(logging.Handler):
    """The open log of this process; as a handler it records every log line."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.began, self.cpu_before, self.timed_before = time.monotonic(), time.process_time(), timing.seconds()
        self.counted: dict[str, tuple[int, int]] = {}  # steps: number at the first and at the last call
        self.recorded: dict[str, float] = {}  # steps: when progress was last recorded
        self._path, self._warned, self._cut = folder, False, False
        self._file: int | None = None
        try:
            self._file = self._open(folder.absolute())
        except OSError as error:
            self._warn(error)

    def write(self, event: str, fields: Mapping[str, Any]) -> None:
        """One line in one call; a line that was cut off before is ended first."""
        if self._file is None:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"event": event, "time": now, **fields}, default=str) + "\n"
        data = (b"\n" if self._cut else b"") + line.encode()
        try:
            written = os.write(self._file, data)
        except OSError as error:
            self._warn(error)
            return
        self._cut = written < len(data) if written else self._cut
        if written < len(data):
            self._warn(OSError(None, f"{written} of {len(data)} bytes fitted"))

    def emit(self, record: logging.LogRecord) -> None:
        """Record a log line."""
        try:
            message = self.format(record)
        except (TypeError, ValueError, KeyError):  # the message and its arguments do not fit
            self.handleError(record)
            return
        self.write("log", {"level": record.levelname, "logger": record.name, "message": message})

    def shut(self) -> None:
        """Close the file."""
        if self._file is not None:
            with suppress(OSError):  # a network file system may tell here what write did not; nothing can be done
                os.close(self._file)
            self._file = None

    def _open(self, folder: Path) -> int:
        for missing in [path for path in [*reversed(folder.parents), folder] if not path.exists()]:
            missing.mkdir(FOLDER_MODE, exist_ok=True)
        number = max((number_of(path) for path in folder.glob("*.jsonl")), default=0) + 1
        while True:
            self._path = folder / f"{number}.jsonl"
            try:
                return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
            except FileExistsError:
                number += 1

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            reason = error.strerror or str(error)
            sys.stderr.write(f"gaugeflow: warning: {self._path}: attempt is not recorded ({reason}); the job goes on\n")


_log: _Log | None = None


def begin(folder: Path, argv: Sequence[str], asked: Mapping[str, Any], provenance: Mapping[str, Any]) -> None:
    """Open the log of this process's attempt on rank 0; on other ranks nothing happens.

    argv         the whole command line, program first
    asked        resources that the job was given: runtime (minutes), mem_mb, tasks, gpus
    provenance   gaugeflow, commit, libraries and python as files have them
    """
    global _log
    if not is_first_rank():
        return
    _log = _Log(Path(folder))
    logging.getLogger().addHandler(_log)
    record(
        "begin",
        argv=list(argv),
        cwd=_working_folder(),
        environment={name: value for name, value in sorted(os.environ.items()) if name.startswith(PREFIX)},
        version=provenance["gaugeflow"],
        commit=provenance["commit"],
        libraries=dict(provenance["libraries"]),
        python=provenance["python"],
        host=platform.node(),
        pid=os.getpid(),
        slurm_job_id=os.environ.get("SLURM_JOB_ID"),
        asked=dict(asked),
    )


def record(event: str, **fields: Any) -> None:
    """Append one line; nothing without an open log."""
    if _log is not None:
        _log.write(event, fields)


def progress(steps: str, done: int, total: int, *, last: bool = False) -> None:
    """Record about every 20 seconds how many `steps` ("trajectories") are done; the first and the `last` always.

    The end line says how many lie between the first call and the latest.
    """
    if _log is None:
        return
    first = _log.counted.setdefault(steps, (done, done))[0]
    _log.counted[steps] = (first, done)
    now = time.monotonic()
    if last or now - _log.recorded.get(steps, -PROGRESS_SECONDS) >= PROGRESS_SECONDS:
        _log.recorded[steps] = now
        record("progress", steps=steps, done=done, total=total)


def finish(exit_code: int, reason: str, traceback: str | None = None) -> None:
    """Write the end line and close; nothing without an open log."""
    global _log
    if _log is None:
        return
    log, _log = _log, None
    logging.getLogger().removeHandler(log)
    spent = {name: seconds - log.timed_before[name] for name, seconds in timing.seconds().items()}
    end = {
        "exit_code": exit_code,
        "reason": reason,
        "seconds": round(time.monotonic() - log.began, 3),
        "cpu_seconds": round(time.process_time() - log.cpu_before, 3),
        "max_rss_mb": round(_largest_memory() / 1e6, 1),
        "mpi_seconds": round(spent[timing.MPI], 3),
        "io_seconds": round(spent[timing.IO], 3),
        "trajectories": 0,
        **{steps: last - first for steps, (first, last) in log.counted.items()},
    }
    log.write("end", end | ({"traceback": traceback} if traceback else {}))
    log.shut()


def parse_asked(text: str | None) -> dict[str, int | float]:
    """ "runtime=30,mem_mb=2000" -> {"runtime": 30, "mem_mb": 2000}.

    Raises    ConfigError unless every entry is a name and a number
    """
    asked: dict[str, int | float] = {}
    for entry in (text or "").split(","):
        name, _, value = entry.partition("=")
        if not entry:
            continue
        try:
            number = float(value)
            asked[name.strip()] = int(number) if number.is_integer() else number
        except (ValueError, OverflowError):
            raise ConfigError(f"--asked: got {entry!r}, wanted NAME=NUMBER, like runtime=30,mem_mb=2000") from None
    return asked


def _working_folder() -> str | None:
    """None where it was deleted."""
    try:
        return os.getcwd()
    except OSError:
        return None


def is_first_rank() -> bool:
    """Whether this process is, or may be, the first of its world, without asking MPI.

    MPI's own launcher may run inside a task of SLURM: its numbers go first.
    """
    found = [os.environ[name] for name in MPI_RANKS if name in os.environ]
    return all(rank == "0" for rank in found or [os.environ.get("SLURM_PROCID", "0")])


def _largest_memory() -> float:
    """Bytes of the largest resident memory of this program; what getrusage tells may be that of its parent."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return 1024.0 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)
