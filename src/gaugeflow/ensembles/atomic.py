"""Files that appear whole or not at all, whatever happens while they are written."""

import errno
import os
import platform
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gaugeflow.errors import FileError
from gaugeflow.timing import IO, timed

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""errno values that mean: no room for these bytes (device, quota or file size limit)."""


@contextmanager
def atomic_path(path: os.PathLike | str, permit: Callable[[], None] | None = None) -> Iterator[Path]:
    """Yield a temporary name beside `path`; on leaving, the finished file takes its place in one step.

        with atomic_path("results/table.csv") as temporary:
            temporary.write_text(text)

    The temporary file lies in the same folder (made if missing), is flushed to disk, renamed, and the folder flushed.
    If the block raises, the temporary is removed and `path` stays as it was. The temporary's name ends in ".tmp", so
    name the format where a library guesses it from the suffix. What killed processes of this host left is removed.

    permit    called just before the renaming; what it raises forbids that

    Raises    FileError for a full disk or a folder that cannot be written; what the block raises otherwise
    """
    path = Path(path)
    with file_failures(path, "writing"):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
    temporary = temporary_name(path)
    try:
        with file_failures(path, "writing", only_full=True):
            yield temporary
        with file_failures(path, "writing"):
            flush_to_disk(temporary)
            if permit is not None:
                permit()
            os.replace(temporary, path)
            flush_to_disk(path.parent)
    finally:
        if os.path.lexists(temporary):  # asked first: a read-only file system refuses to remove even what is not there
            temporary.unlink(missing_ok=True)


def require_writable(path: os.PathLike | str) -> None:
    """Try a temporary file in the folder of `path`, or where that would be made: a computation must not end in vain.

    Raises    FileError if nothing can be written there
    """
    path = Path(path).absolute()
    folder = next(parent for parent in path.parents if parent.exists())
    with file_failures(path, "writing"):
        trial = temporary_name(folder / path.name)
        trial.touch()
        trial.unlink()


@contextmanager
def file_failures(path: os.PathLike | str, doing: str, *, only_full: bool = False) -> Iterator[None]:
    """Turn an OSError into a FileError that says what to do; with `only_full`, only that of a full disk.

    Raises    FileError
    """
    try:
        yield
    except OSError as error:
        if error.errno in DISK_FULL:
            raise FileError(disk_full_message(path, error)) from error
        if only_full:
            raise
        raise FileError(f"{path}: {doing} failed: {error.strerror or error}") from error


def disk_full_message(path: os.PathLike | str, error: OSError) -> str:
    """What a user needs to know when `path` did not fit."""
    return (
        f"{path}: no room to write it ({os.strerror(error.errno)}); no partial file was left. "
        f"Free space or raise the limit for {Path(path).parent}, or choose another root, and run the same command again"
    )


def temporary_name(path: Path) -> Path:
    """A name beside `path` that nobody else uses and that `remove_leftovers` recognises."""
    return path.with_name(f".{path.name}.{_host()}-{os.getpid()}-{secrets.token_hex(4)}.tmp")


@timed(IO)
def flush_to_disk(path: Path) -> None:
    """fsync of a file or a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(path: Path, *, exclusive: bool = False) -> None:
    """Remove temporaries of `path` whose process died on this host; all of them if the caller holds it exclusively."""
    if not path.parent.is_dir():
        return
    pattern = re.compile(re.escape(f".{path.name}.") + r"(?P<host>.+)-(?P<pid>\d+)-[0-9a-f]{8}\.tmp")
    for entry in path.parent.iterdir():
        match = pattern.fullmatch(entry.name)
        if match and (exclusive or (match["host"] == _host() and not _alive(int(match["pid"])))):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9_.]", "_", platform.node()) or "localhost"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
