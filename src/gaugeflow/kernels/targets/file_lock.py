"""A lock on a file that ends with its process: flock, which the kernel gives back whatever happens to the holder."""

import errno
import fcntl
import logging
import os
import time
from pathlib import Path

logger = logging.getLogger(__name__)

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
"""Answers of file systems that know no locks."""

POLL_SECONDS = 0.05
NOTICE_SECONDS = 5.0
"""Waiting longer than this is said, and again after every such time."""

TIMEOUT_SECONDS = 600.0


class FileLock:
    """One process at a time between `acquire` and `release`.

    path      file that is locked; made if missing, never removed (a removed file could be locked twice)
    timeout   seconds after which waiting ends without the lock; 0: take it now or not at all
    """

    def __init__(self, path: Path, timeout: float = TIMEOUT_SECONDS):
        self._path, self._timeout, self._descriptor = path, timeout, None

    def acquire(self, what: str) -> bool:
        """Wait for the lock; False where the file system has none or the time is over, which is logged.

        what   what the holder is doing, for messages
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        began, said = time.monotonic(), 0.0
        try:
            while not self._try(descriptor):
                waited = time.monotonic() - began
                if waited >= self._timeout:
                    level = logging.WARNING if self._timeout else logging.INFO
                    logger.log(level, "%s: another process holds the lock for %.0f s; going on without", what, waited)
                    os.close(descriptor)
                    return False
                if waited - said > NOTICE_SECONDS:
                    said = waited
                    logger.info("%s: waiting for another process, %.0f s so far", what, waited)
                time.sleep(POLL_SECONDS)
        except OSError as error:
            os.close(descriptor)
            if error.errno not in NO_LOCKS:
                raise
            logger.warning(
                "%s: the file system of the kernel cache has no locks (%s); processes do not wait for each other; "
                "set GAUGEFLOW_CACHE_DIR to a folder on another one",
                what,
                error.strerror,
            )
            return False
        self._descriptor = descriptor
        return True

    @staticmethod
    def _try(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
