"""Who owns a folder: a process that others can recognise, on this machine and on others, and whether it lives."""

import json
import os
import platform
import secrets
import time
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path

from gaugeflow.jobs import slurm_job
from gaugeflow.jobs.process_stat import process_stat


@dataclass(frozen=True)
class Owner:
    """A process that owns a folder.

    token              random, differs between any two acquisitions
    machine            boot id and namespace of process ids: equal where process ids can be compared
    started            start of the process in clock ticks after boot, so that a reused process id is recognised
    restart_count      of the SLURM job, None if unknown
    heartbeat_seconds  how often it shows that it lives
    """

    token: str
    what: str
    host: str
    machine: str
    pid: int
    started: str
    slurm_job_id: str
    slurm_cluster: str
    restart_count: int | None
    heartbeat_seconds: float

    def __str__(self) -> str:
        job = f", SLURM job {self.slurm_job_id}" if self.slurm_job_id else ""
        return f"process {self.pid} on {self.host}{job}"

    def alive_here(self) -> bool | None:
        """Whether the process lives; None if it belongs to another machine, or nothing is known about this one."""
        if not self.machine or self.machine != this_machine():
            return None
        return process_start(self.pid) == self.started

    def left_its_job(self) -> bool:
        """Whether SLURM knows for sure that the process is gone: its job does not run, or was started again as ours."""
        if not self.slurm_job_id:
            return False
        cluster = os.environ.get("SLURM_CLUSTER_NAME", "")
        if self.slurm_cluster and cluster and self.slurm_cluster != cluster:
            return False
        if self.slurm_job_id == slurm_job.this_job():
            ours = slurm_job.restart_count()
            return ours is not None and self.restart_count is not None and self.restart_count < ours
        return slurm_job.is_running(self.slurm_job_id) is False


def this_process(what: str, heartbeat_seconds: float) -> Owner:
    """An owner with a new token."""
    return Owner(
        token=secrets.token_hex(16),
        what=what,
        host=platform.node(),
        machine=this_machine(),
        pid=os.getpid(),
        started=process_start(os.getpid()) or "",
        slurm_job_id=slurm_job.this_job(),
        slurm_cluster=os.environ.get("SLURM_CLUSTER_NAME", ""),
        restart_count=slurm_job.restart_count(),
        heartbeat_seconds=heartbeat_seconds,
    )


def this_machine() -> str:
    """Boot id and process namespace; "" where there is no /proc to tell them."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def process_start(pid: int) -> str | None:
    """When a running process began, in clock ticks after boot; None if there is no such process."""
    found = process_stat(pid)
    return None if found is None or found.ended else str(found.started)


def process_age() -> float:
    """Seconds since this process began; 0 where there is no /proc to tell."""
    started = process_start(os.getpid())
    if started is None:
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(started) / os.sysconf("SC_CLK_TCK")


COUNTER_DIGITS = 20
HELD, RELEASED = "held", "left"


@dataclass(frozen=True)
class Record:
    """An owner as the folder's file tells it: a first line of fixed length, rewritten in place, and the owner as JSON.

    content    of the file: while it does not change, nobody shows that the owner lives
    """

    owner: Owner
    released: bool
    content: bytes


def first_line(beats: int, word: str) -> bytes:
    """The part of a record that changes."""
    return f"{beats:0{COUNTER_DIGITS}d} {word}\n".encode()


def record_bytes(owner: Owner) -> bytes:
    """A new record."""
    return first_line(0, HELD) + json.dumps(asdict(owner)).encode() + b"\n"


def read_record(path: Path) -> Record | None:
    """The record in a file, None if there is no file; a damaged one is of an unknown owner who never released it.

    The file is opened anew, so that network file systems ask their server.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        head, text = content.split(b"\n", 1)
        known = json.loads(text)
        owner = Owner(**{field.name: known[field.name] for field in fields(Owner)})
        if not owner.token.isalnum():
            raise ValueError("no token")
    except (ValueError, KeyError, TypeError, AttributeError):
        token = f"damaged{sha256(content).hexdigest()[:16]}"
        return Record(Owner(token, "unknown", "unknown host", "", 0, "", "", "", None, 0.0), False, content)
    return Record(owner, head.endswith(RELEASED.encode()), content)
