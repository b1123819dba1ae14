"""The file under HDF5 while it is written: remembers the first failure instead of passing it on.

HDF5 cannot close a file whose last blocks do not reach the disk: the process crashes at exit. So the failing write is
remembered here and reported as done; the writer asks `error` after every slab, closes HDF5 in peace and then raises.
"""

import os
from pathlib import Path


class Sink:
    """Python file object for h5py's "fileobj" driver, unbuffered, at explicit offsets."""

    def __init__(self, path: Path, *, existing: bool = False) -> None:
        self._descriptor = os.open(path, os.O_RDWR | (0 if existing else os.O_CREAT | os.O_EXCL), 0o666)
        self._position = 0
        self.error: OSError | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position of the next read or write."""
        base = os.fstat(self._descriptor).st_size if whence == os.SEEK_END else 0
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Position of the next read or write."""
        return self._position

    def read(self, size: int) -> bytes:
        """Bytes at the position; HDF5 asks for what it has written only."""
        data = os.pread(self._descriptor, size, self._position)
        self._position += len(data)
        return data

    def readinto(self, buffer: memoryview) -> int:
        """Fill `buffer` from the position."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, buffer: memoryview) -> int:
        """Write all of `buffer`, or remember why not."""
        view = memoryview(buffer).cast("B")
        size = len(view)
        try:
            while self.error is None and view:
                done = os.pwrite(self._descriptor, view, self._position)
                self._position += done
                view = view[done:]
        except OSError as error:
            self.error = error
        return size

    def truncate(self, size: int) -> int:
        """Set the length of the file, or remember why not."""
        try:
            if self.error is None:
                os.ftruncate(self._descriptor, size)
        except OSError as error:
            self.error = error
        return size

    def flush(self) -> None:
        """Nothing is buffered here."""

    def sync(self) -> None:
        """Flush to the disk, or remember why not."""
        try:
            if self.error is None:
                os.fsync(self._descriptor)
        except OSError as error:
            self.error = error

    def close(self) -> None:
        """Close the file; `sync` comes before."""
        os.close(self._descriptor)
