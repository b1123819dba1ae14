"""A folder that belongs to one process at a time, on whatever machine, and is recovered when that has died.

    lock            held by flock while a process owns the folder: decides at once where the file system passes it on
    owner           record of an owner, see gaugeflow.jobs.owner
    after-<token>   record of who took over from the owner with that token

Each record has at most one successor, because link() makes it under a name that must not exist. The owner is the last
record that can be reached from `owner`, so that of several contenders for a dead owner's folder one wins, without
flock too. A new owner moves its record to `owner`; from then on nobody reaches what was before.

Clocks and dates of two machines are never compared: an owner elsewhere is dead if its job has ended, or if its record
does not change while we wait three of its heartbeats on our own clock. One that was only halted finds another
token in its place when it goes on, and may not publish any more.
"""

import errno
import logging
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from gaugeflow.errors import FileError, LeaseLost
from gaugeflow.jobs.flock import LOCK, flocked, is_flocked, taken
from gaugeflow.jobs.owner import HELD, RELEASED, Owner, Record, first_line, read_record, record_bytes, this_process
from gaugeflow.jobs.seconds import seconds_from

HEARTBEAT_VARIABLE = "GAUGEFLOW_HEARTBEAT_SECONDS"
HEARTBEAT_SECONDS = 10.0
MISSED_BEATS = 3
EXTRA_SECONDS = 1.0
CLOCKS_APART = 30.0
OWNER, AFTER = "owner", "after-"

logger = logging.getLogger(__name__)


class Lease:
    """Ownership of a folder, which is made if it is missing; a context manager, or `acquire` and `release`.

    what      what the owner of the folder is, for messages: "coordinator of studies/x"; None for work on a chunk

    Raises    ConfigError if another process owns the folder; OSError where its files cannot be written
    """

    def __init__(self, folder: Path | str, what: str | None = None) -> None:
        self.folder = Path(folder)
        self._what = what
        self._seconds = seconds_from(HEARTBEAT_VARIABLE, HEARTBEAT_SECONDS)
        self._lock: int | None = None
        self._record: int | None = None
        self._owner: Owner | None = None
        self._lost = ""
        self._beats = 0
        self._quiet = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self) -> "Lease":
        """Own the folder; waits for the heartbeat of an owner of whom nothing else is known."""
        self._lost = ""
        self._quiet.clear()
        self._lock = flocked(self.folder, self._what)
        try:
            while not self._join():
                pass
        except BaseException:
            with suppress(OSError):  # of no use to a process that cannot write; others may be in it
                if os.listdir(self.folder) == [LOCK]:
                    (self.folder / LOCK).unlink()
                    self.folder.rmdir()
            self.release()
            raise
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()
        return self

    def check(self) -> None:
        """Called before anything is published.

        Raises    LeaseLost if the folder belongs to another process, or is gone; FileError if it cannot be read
        """
        if self._owner is None:
            raise LeaseLost(f"{self.folder}: is not owned by this process")
        if self._lost:
            raise LeaseLost(self._lost)
        try:
            chain = _chain(self.folder)
        except OSError as error:
            raise FileError(f"{self.folder}: reading who owns it failed: {error.strerror or error}") from error
        if not chain or chain[-1].owner.token != self._owner.token:
            now = f"now belongs to {chain[-1].owner}" if chain else "is gone"
            self._lost = (
                f"{self.folder}: {now}; this process was halted or cut off for too long and gives up, "
                "nothing that was saved is lost"
            )
            raise LeaseLost(self._lost)

    def retire(self) -> None:
        """No heartbeats any more; for the owner who is about to remove the folder."""
        self._quiet.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def release(self) -> None:
        """Leave the folder to others; also after it was removed, or lost."""
        self.retire()
        if self._record is not None:
            with suppress(OSError):  # the next owner finds that this process has ended
                self._write(RELEASED)
            os.close(self._record)
        if self._lock is not None:
            os.close(self._lock)
        self._record = self._lock = self._owner = None

    def __enter__(self) -> "Lease":
        return self.acquire()

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()

    def _join(self) -> bool:
        """Become the successor of an owner who left or died; False if another process was faster."""
        chain = _chain(self.folder)
        last = chain[-1] if chain else None
        if last is not None and not last.released and not self._is_dead(last):
            return False
        owner = this_process(self._what or "work on a chunk", self._seconds)
        temporary = self.folder / f".{OWNER}.{owner.token}.tmp"
        place = self.folder / (AFTER + last.owner.token if last is not None else OWNER)
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            _write_all(descriptor, record_bytes(owner))
            if not _linked(temporary, place):
                return False
            if not self._is_last(owner):  # its predecessor was left behind meanwhile
                place.unlink(missing_ok=True)
                return False
            if chain:
                self._move_to_front(temporary, chain)
                if not self._is_last(owner):
                    return False
            self._owner, self._record, descriptor = owner, descriptor, -1
        finally:
            temporary.unlink(missing_ok=True)
            if descriptor >= 0:
                os.close(descriptor)
        return True

    def _move_to_front(self, temporary: Path, chain: list[Record]) -> None:
        """Put the own record in the place of the first; whoever has taken over from it meanwhile stays reachable."""
        try:
            os.rename(temporary, self.folder / OWNER)
        except FileNotFoundError:  # swept away by an owner who came later; the chain stays as long as it is
            return
        for record in chain:
            (self.folder / (AFTER + record.owner.token)).unlink(missing_ok=True)

    def _is_last(self, owner: Owner) -> bool:
        chain = _chain(self.folder)
        return bool(chain) and chain[-1].owner.token == owner.token

    def _is_dead(self, record: Record) -> bool:
        """Whether the owner in a record has died; False if it has left by itself.

        Raises    ConfigError if it lives
        """
        owner = record.owner
        alive = owner.alive_here()
        if alive is None and not owner.left_its_job():
            waiting = MISSED_BEATS * max(self._seconds, owner.heartbeat_seconds) + EXTRA_SECONDS
            logger.info("%s: waiting %.0f s for a heartbeat of %s", self.folder, waiting, owner)
            end = time.monotonic() + waiting
            while time.monotonic() < end:
                time.sleep(min(self._seconds, waiting) / 2)
                chain = _chain(self.folder)
                if not chain or chain[-1].released:
                    return False
                if chain[-1].content != record.content:
                    alive = True
                    break
        if alive:
            raise taken(self.folder, self._what, str(owner), f", or remove {self.folder / OWNER} if it is surely gone")
        logger.warning("%s: %s has died, its work is taken over", self.folder, owner)
        return True

    def _beat(self) -> None:
        """Show that this process lives, and see whether others believe it, until the lease is released."""
        failed = False
        while not self._quiet.wait(self._seconds) and not self._lost:
            try:
                self._beats += 1
                self._write(HELD)
                failed = False
            except OSError as error:
                if not failed:
                    logger.warning("%s: the heartbeat cannot be written: %s", self.folder, error)
                failed = True
            try:
                self.check()
            except LeaseLost as error:
                logger.error("%s", error)
            except FileError as error:
                logger.warning("%s", error)

    def _write(self, word: str) -> None:
        assert self._record is not None
        os.pwritev(self._record, [first_line(self._beats, word)], 0)
        os.fdatasync(self._record)


def owner_of(folder: Path | str) -> Owner | None:
    """Who owns a folder according to its record, dead or alive; None if nobody does.

    Raises    OSError if it cannot be read
    """
    chain = _chain(Path(folder))
    return None if not chain or chain[-1].released else chain[-1].owner


def is_held(folder: Path | str) -> bool | None:
    """Whether a living process owns a folder; None where this machine cannot tell. Nothing is changed.

    Raises    OSError if it cannot be read
    """
    folder = Path(folder)
    owner = owner_of(folder)
    if owner is None:
        return False
    alive = owner.alive_here()
    return alive if alive is not None else (is_flocked(folder) or None)


def shows_life(folder: Path | str) -> bool:
    """Whether a folder is owned by a process that lives, or beat lately if only its heartbeat can tell; for reports.

    Unlike a new owner this compares the record's date with our clock: nothing is decided by it.

    Raises    OSError if it cannot be read
    """
    folder = Path(folder)
    held, owner = is_held(folder), owner_of(folder)
    if held is not None or owner is None:
        return bool(held)
    dates = [path.stat().st_mtime for path in folder.iterdir() if path.name == OWNER or path.name.startswith(AFTER)]
    seconds = MISSED_BEATS * max(owner.heartbeat_seconds, HEARTBEAT_SECONDS) + CLOCKS_APART
    return bool(dates) and time.time() - max(dates) < seconds


def is_lease_file(name: str) -> bool:
    """Whether a file of an owned folder belongs to the lease."""
    return name in (LOCK, OWNER) or name.startswith(AFTER)


def _chain(folder: Path) -> list[Record]:
    """Records from `owner` to the one without successor."""
    while True:
        first = read_record(folder / OWNER)
        if first is None:
            return []
        chain = [first]
        while (record := read_record(folder / (AFTER + chain[-1].owner.token))) is not None:
            chain.append(record)
        again = read_record(folder / OWNER)
        if again is not None and again.owner.token == first.owner.token:
            return chain


def _write_all(descriptor: int, content: bytes) -> None:
    written = os.write(descriptor, content)
    if written < len(content):  # the disk is full from here on; the next call says so
        os.write(descriptor, content[written:])
    os.fdatasync(descriptor)


def _linked(temporary: Path, place: Path) -> bool:
    """Give a file a second name that must not exist; False if it does."""
    try:
        os.link(temporary, place)
    except FileExistsError:
        return False
    except FileNotFoundError:  # swept away by the owner who was faster
        return False
    except OSError as error:
        if error.errno in (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP):
            raise FileError(
                f"{place.parent}: its file system makes no hard links, by which jobs agree who works there; "
                "choose a folder on another one"
            ) from error
        raise
    return True
