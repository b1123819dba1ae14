"""A folder that belongs to one process at a time, freed by the kernel however that ends."""

import fcntl
import os
from pathlib import Path

from gaugeflow.errors import ConfigError


def locked(folder: Path) -> int:
    """Descriptor of the folder's lock file, flocked; the kernel releases it when the process ends, however it ends."""
    path = folder / "lock"
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # another process has just finished the chunk and removed the folder
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise ConfigError(
                f"{folder}: another process works on this chunk ({owner}); wait for it, or stop it and run again"
            ) from None
        if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
            break
        os.close(descriptor)  # locked a file that was just removed with its folder: it protects nothing
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {os.uname().nodename}\n".encode(), 0)
    except OSError:  # a full disk: the lock is of no use to a process that cannot write
        os.close(descriptor)
        raise
    return descriptor
