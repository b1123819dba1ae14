"""Room on a disk, asked before work that would end in vain."""

import os
from pathlib import Path

from gaugeflow.errors import FileError

UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def free_bytes(path: Path | str) -> int:
    """Bytes that this user may still write on the file system of a path, or of the nearest folder that exists.

    Quotas cannot be seen this way: what a quota refuses shows only when it is written.

    Raises    OSError if the file system cannot be asked
    """
    path = Path(path).absolute()
    found = os.statvfs(next(place for place in (path, *path.parents) if place.exists()))
    return found.f_bavail * found.f_frsize


def require_free(path: Path | str, needed: int, what: str) -> None:
    """Refuse work whose files cannot fit; quotas are not seen.

    needed    bytes still to be written
    what      what needs them, for the message: "chunk 3"

    Raises    FileError
    """
    try:
        free = free_bytes(path)
    except OSError as error:
        raise FileError(f"{path}: asking for free space failed: {error.strerror or error}") from error
    if free < needed:
        raise FileError(
            f"{path}: {what} needs {_size(needed)} more, {_size(free)} are free on the file system of "
            f"{Path(path).parent}; nothing was started. Free space there, archive chunks, or choose another root"
        )


def _size(count: int) -> str:
    """1234567 -> "1.2 MB"."""
    power = min((len(str(count)) - 1) // 3, len(UNITS) - 1)
    return f"{count / 1000**power:.{1 if power else 0}f} {UNITS[power]}"
