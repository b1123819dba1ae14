"""Bytes of a file by position, with errors that name the file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gaugeflow.errors import FileError
from gaugeflow.timing import IO, timed


@contextmanager
def os_failures(path: os.PathLike | str, doing: str) -> Iterator[None]:
    """Turn an OSError of the block into a FileError.

    Raises    FileError
    """
    try:
        yield
    except OSError as error:
        raise FileError(f"{path}: {doing} failed: {error.strerror or error}") from error


class FileBytes:
    """A regular file opened for reading; a context manager.

    Raises    FileError where it is missing, not a file, or cannot be read
    """

    def __init__(self, path: os.PathLike | str) -> None:
        self.path = Path(path)
        with os_failures(path, "opening"):
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os_failures(path, "opening"):
            status = os.fstat(self._descriptor)
        if not self.path.is_file():
            self.close()
            raise FileError(f"{path}: is not a file; name a configuration")
        self.size = status.st_size

    @timed(IO)
    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`; fewer at the end of the file."""
        with os_failures(self.path, "reading"):
            return os.pread(self._descriptor, max(0, min(length, self.size - offset)), offset)

    @timed(IO)
    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill a buffer of bytes from `offset`.

        Raises    FileError where the file has ended before: it was cut while it was read
        """
        done = 0
        with os_failures(self.path, "reading"):
            while done < len(buffer):
                count = os.preadv(self._descriptor, [buffer[done:]], offset + done)
                if count == 0:
                    raise FileError(
                        f"{self.path}: ends at byte {offset + done}, {len(buffer) - done} bytes too early; "
                        "it was cut while it was read, copy it again"
                    )
                done += count

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "FileBytes":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
