"""A lock that the kernel frees however its process ends; some file systems tell other machines of it, some do not."""

import errno
import fcntl
import logging
import os
import time
from pathlib import Path

from gaugeflow.errors import ConfigError

LOCK = "lock"
NO_FLOCK = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK})
PROBE_SECONDS = 0.5
"""For so long a refused lock is tried again: somebody may only have looked whether it is held."""

logger = logging.getLogger(__name__)


def flocked(folder: Path, what: str | None) -> int:
    """Descriptor of the folder's lock file, flocked; the kernel releases it when the process ends, however it ends."""
    path, end = folder / LOCK, time.monotonic() + PROBE_SECONDS
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # another process has just finished the chunk and removed the folder
            continue
        try:
            if not _try_flock(descriptor):
                if time.monotonic() < end:
                    time.sleep(0.02)
                    continue
                raise taken(folder, what, os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "unknown")
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                os.ftruncate(descriptor, 0)
                os.pwritev(descriptor, [f"process {os.getpid()} on {os.uname().nodename}\n".encode()], 0)
                kept, descriptor = descriptor, -1
                return kept
        finally:  # also a file that was just removed with its folder, and a disk without room: they protect nothing
            if descriptor >= 0:
                os.close(descriptor)


def _try_flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_FLOCK:
            raise
        logger.info("flock does not work here (%s): heartbeats alone decide", error.strerror)
    return True


def is_flocked(folder: Path) -> bool:
    """Whether some process holds the lock; asked by holding it for a moment."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _try_flock(descriptor)
    finally:
        os.close(descriptor)


def taken(folder: Path, what: str | None, owner: str, more: str = "") -> ConfigError:
    """The error of a process that finds another one at work; `more` is further advice."""
    holds = "another process works on this chunk" if what is None else f"another process is {what}"
    return ConfigError(f"{folder}: {holds} ({owner}); wait for it, or stop it and run again{more}")
