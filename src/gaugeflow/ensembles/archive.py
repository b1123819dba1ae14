"""Chunks whose links go elsewhere, or away: copy, flush, compare, record, then put a small stand-in in their place.

    <chunk>               0003.h5: replaced in one step by its stand-in, which keeps the file's date: for a workflow
                          nothing has changed, and everything but the links is read from it as before
    <chunk>.archive.json  what was done, when, and where the links are
    <chunk>.archiving/    scratch of a running command, owned through its lease; the next one removes what a kill leaves
    FOLDER/<id>/0003.h5   the archived file, byte for byte

At every moment the links are whole under at least one of the two names, unless they were to be deleted.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gaugeflow.ensembles.archive_record import Event, add_event, events
from gaugeflow.ensembles.archived import write_stand_in
from gaugeflow.ensembles.atomic import atomic_path, file_failures, flush_to_disk, remove_leftovers
from gaugeflow.ensembles.needs import Held
from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.schema import ARCHIVED
from gaugeflow.ensembles.verify import require_sound
from gaugeflow.errors import FileError
from gaugeflow.jobs.lease import Lease, is_lease_file

BLOCK = 1 << 22


def is_archived(chunk: Path) -> bool:
    """Whether a file is the stand-in of an archived chunk.

    Raises    FileError if it is no file of ours, or neither a chunk of configurations nor a stand-in
    """
    with open_file(chunk) as file:
        if file.kind not in (ARCHIVED, "configurations"):
            raise FileError(f"{chunk}: holds {file.kind}, wanted configurations; only they are archived")
        return file.kind == ARCHIVED


def place_in(folder: Path, held: Held) -> Path:
    """Where an archive keeps a chunk: FOLDER/<ensemble id>/<name>."""
    return folder.absolute() / held.identity["ensemble_id"] / held.path.name


def check_place(held: Held, place: Path) -> None:
    """Refuse a place that is the chunk itself, is taken by something else, or has no room.

    Raises    FileError
    """
    if place.exists():
        if place.samefile(held.path):
            raise FileError(f"{place}: is the chunk itself; archive it elsewhere")
        require_sound(place)
        with open_file(place, "configurations") as file:
            if file.content_sha256 != held.content_sha256:
                raise FileError(f"{place}: holds another chunk already; choose another --to")
        return
    existing = next(parent for parent in place.parents if parent.exists())
    if not existing.is_dir():
        raise FileError(f"{existing}: is no folder; choose another --to")
    free, size = shutil.disk_usage(existing).free, held.path.stat().st_size
    if free < size:
        raise FileError(f"{place}: needs {size} bytes, {existing} has {free} free; choose another --to")


def move(held: Held, place: Path | None) -> None:
    """Put the stand-in in the place of a sound chunk after its bytes are safe at `place`; None deletes the links.

    Raises    FileError for a full disk, a place that is taken by something else, a file that changes meanwhile;
              ConfigError if another process archives it: the chunk stays as it was
    """
    path = held.path
    with _scratch(path) as (scratch, lease):
        before = path.stat()
        stand_in = scratch / path.name
        if write_stand_in(path, stand_in) != held.content_sha256:
            raise FileError(f"{path}: was replaced while it was archived; nothing was done")
        if place is None:
            digest = file_sha256(path)
        else:
            check_place(held, place)
            digest = _copied(path, place)
        after = path.stat()
        if (before.st_ino, before.st_size, before.st_mtime_ns) != (after.st_ino, after.st_size, after.st_mtime_ns):
            raise FileError(f"{path}: was changed while it was archived; it stays as it is")
        event = Event("moved" if place else "deleted", before.st_size, digest, str(place) if place else None)
        add_event(path, held.identity, event)
        _put(stand_in, path, before, lease)


def restore(chunk: Path, source: Path | None) -> Path:
    """Put the archived file back in the place of its stand-in; the archived file stays. Returns where it was found.

    source    the archived file, if it is not where the record says

    Raises    FileError if it is not found, damaged or another file: the stand-in stays
    """
    require_sound(chunk)
    with open_file(chunk, ARCHIVED) as file:
        content = file.attributes["archived_sha256"]
        identity = {"ensemble_id": file.ensemble_id, "chunk": file.chunk, "content_sha256": content}
    source = source or _recorded(chunk)
    require_sound(source)
    with open_file(source, "configurations") as file:
        if file.content_sha256 != content:
            raise FileError(f"{source}: holds {file.content_sha256}, {chunk} stands for {content}; give the other file")
    with _scratch(chunk) as (scratch, lease):
        date = chunk.stat()
        digest = _copied(source, scratch / chunk.name)
        add_event(chunk, identity, Event("restored", source.stat().st_size, digest, str(source.absolute())))
        _put(scratch / chunk.name, chunk, date, lease)
    return source


def clean(chunk: Path) -> None:
    """Remove what a killed command left beside a chunk."""
    if _scratch_folder(chunk).exists():
        with _scratch(chunk):
            pass


def file_sha256(path: Path) -> str:
    """Hash of the bytes of a file, read from the disk where the system can be asked to forget what it remembers."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _recorded(chunk: Path) -> Path:
    """Where the record says that the links are."""
    moved = [event for event in events(chunk) if event.what in ("moved", "deleted")]
    if not moved:
        raise FileError(f"{chunk}: there is no record of where its links are; name the archived file with --from")
    if moved[-1].place is None:
        raise FileError(
            f"{chunk}: its links were deleted on {moved[-1].when}; generate the chunk again elsewhere with commit and "
            "versions of its provenance (gaugeflow info) and name that file with --from"
        )
    return Path(moved[-1].place)


def _copied(source: Path, target: Path) -> str:
    """Copy a file, flush it, read it back; hash of its bytes. A target that is there must hold the same bytes."""
    if target.exists():
        digest = file_sha256(source)
        if file_sha256(target) != digest:
            raise FileError(f"{target}: same content as {source}, but other bytes; choose another place")
        return digest
    with atomic_path(target) as temporary, file_failures(target, f"copying {source} to it"):
        digest = _copy(source, temporary)
        if file_sha256(temporary) != digest:
            raise FileError(f"{target}: what was read back differs from {source}; check the disk and run again")
        date = source.stat()
        os.utime(temporary, ns=(date.st_atime_ns, date.st_mtime_ns))
    return digest


def _copy(source: Path, target: Path) -> str:
    digest, position = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with source.open("rb", buffering=0) as file:
            while block := file.read(BLOCK):
                digest.update(block)
                rest = memoryview(block)
                while rest:
                    written = os.pwrite(descriptor, rest, position)
                    position, rest = position + written, rest[written:]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def _put(new: Path, path: Path, date: os.stat_result, lease: Lease) -> None:
    """Replace a file in one step by another that gets its date and permissions."""
    with file_failures(path, "replacing"):
        os.chmod(new, date.st_mode & 0o777)
        os.utime(new, ns=(date.st_atime_ns, date.st_mtime_ns))
        flush_to_disk(new)
        lease.check()
        os.replace(new, path)
        flush_to_disk(path.parent)


def _scratch_folder(chunk: Path) -> Path:
    return chunk.with_name(f"{chunk.name}.archiving")


@contextmanager
def _scratch(chunk: Path) -> Iterator[tuple[Path, Lease]]:
    """Empty folder beside the chunk that belongs to this process, and its lease; removed at the end."""
    folder = _scratch_folder(chunk)
    lease = Lease(folder)
    with file_failures(folder, "creating"):
        lease.acquire()
    try:
        for entry in folder.iterdir():
            if not is_lease_file(entry.name):
                entry.unlink()
        remove_leftovers(chunk)
        yield folder, lease
    finally:
        try:
            lease.check()
            lease.retire()
            with file_failures(folder, "removing"):
                shutil.rmtree(folder)
        finally:
            lease.release()
