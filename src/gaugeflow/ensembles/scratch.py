"""The scratch folder of unfinished work: survives SIGKILL at any moment, belongs to one process and one piece of work.

<out>.partial/        next to the file that is made, e.g. configs/0003.h5.partial/
    lock, owner       the lease of the process that works, see gaugeflow.jobs.lease
    identity.json     whose progress it is
    ..                the state and what it counts, see the classes derived from this one
"""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gaugeflow.ensembles.atomic import atomic_path, file_failures, flush_to_disk, remove_leftovers, temporary_name
from gaugeflow.errors import FileError
from gaugeflow.jobs.lease import Lease, is_lease_file


def scratch_folder(out: Path) -> Path:
    """Folder of the unfinished work on a file."""
    return out.with_name(f"{out.name}.partial")


class Scratch:
    """Exclusive access to a scratch folder; a context manager that leaves none if nothing was saved.

    out         the file that is made
    state       name of the file in the folder that holds the saved state
    identity    JSON types that say whose progress it is: a folder of anything else is refused
    work        what it is, for messages: chunk, training
    owner       what the lease says that another process works on; None: this chunk

    Raises      ConfigError if another process works on it; FileError if the folder is foreign or damaged
    """

    def __init__(
        self, out: Path, state: str, identity: Mapping[str, Any], *, work: str, owner: str | None = None
    ) -> None:
        self.out, self.folder = out, scratch_folder(out)
        self.state_path = self.folder / state
        self._wanted, self._work = dict(identity), work
        self._lease = Lease(self.folder, owner)

    def __enter__(self) -> Self:
        with file_failures(self.folder, "creating"):
            self._lease.acquire()
        try:
            remove_leftovers(self.out, exclusive=True)
            for entry in self.folder.glob(".*.tmp"):
                entry.unlink(missing_ok=True)
            self._claim()
        except BaseException:
            if all(is_lease_file(name) for name in os.listdir(self.folder)):
                self._discard()
            self._lease.release()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None and self.folder.exists() and not self.state_path.exists():
            with suppress(FileError):  # the first error is on its way, and an empty folder does no harm
                self._discard()
        self._lease.release()

    def permit(self) -> None:
        """Called before anything is published: LeaseLost if another process has taken over the work."""
        self._lease.check()

    def finish(self) -> None:
        """Remove the folder; the file must be in place.

        Raises    FileError if it is not
        """
        if not self.out.exists():
            raise FileError(f"{self.out}: not written yet, the progress in {self.folder} is kept")
        self._discard()
        self._lease.release()

    def has_progress(self) -> bool:
        """Whether anything was saved that belongs to an identity."""
        return self.state_path.exists()

    def damaged(self, what: str) -> FileError:
        """The error that says how to start again."""
        return FileError(
            f"{what}; the progress of this {self._work} cannot be used: delete {self.folder} to start the {self._work} "
            "again"
        )

    def _claim(self) -> None:
        """Write the identity into a new folder, compare it in an old one."""
        path = self.folder / "identity.json"
        if not path.exists():
            if self.has_progress():
                raise self.damaged(f"{path} is missing")
            with atomic_path(path, self.permit) as temporary:
                temporary.write_text(json.dumps(self._wanted, sort_keys=True) + "\n")
            return
        try:
            found = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise self.damaged(f"{path} cannot be read ({error})") from error
        if found != self._wanted:
            raise FileError(
                f"{self.folder}: progress of another {self._work}: found {found}, wanted {self._wanted}; settings, "
                "data or code changed: delete the folder, or choose another output"
            )

    def _discard(self) -> None:
        """Remove the folder, owned to the end."""
        self.permit()
        self._lease.retire()
        with file_failures(self.folder, "removing"):
            discarded = temporary_name(self.out)  # renamed first: a half removed folder never passes for progress
            os.replace(self.folder, discarded)
            shutil.rmtree(discarded)
            flush_to_disk(self.folder.parent)
