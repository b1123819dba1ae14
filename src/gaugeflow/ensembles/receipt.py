"""Receipts: links that tell a workflow that a file is complete.

A workflow may delete what it calls an output: after a failure, before a repetition. So it never hears of files that
took hours. It hears of `<chunk>.done`, a symbolic link to `<chunk>.h5` with that file's own date, written after the
file was published or found complete. Deleting the receipt costs nothing; a deleted file leaves a receipt that leads
nowhere, which every program takes for missing.
"""

import os
from pathlib import Path

from gaugeflow.ensembles.atomic import file_failures, flush_to_disk, remove_leftovers, temporary_name
from gaugeflow.errors import ConfigError, FileError


def write_receipt(receipt: Path | None, data: Path) -> None:
    """Put a link to the file `data` at `receipt` in one step, with the date of the file; None: nobody wants one.

    Raises    ConfigError if both are one path; FileError if the file is not there, if something else than a link is
              in the way, or if the folder cannot be written
    """
    if receipt is None:
        return
    if receipt.absolute() == data.absolute():
        raise ConfigError(f"--receipt: got {receipt}, the file itself; name a link beside it, like {data.stem}.done")
    if os.path.lexists(receipt) and not receipt.is_symlink():
        raise FileError(f"{receipt}: is no link, so no receipt; remove it or choose another --receipt")
    with file_failures(receipt, "writing the receipt"):
        date = data.stat()
        receipt.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(receipt)
        temporary = temporary_name(receipt)
        try:
            os.symlink(_relative(data, receipt.parent), temporary)
            os.utime(temporary, ns=(date.st_atime_ns, date.st_mtime_ns), follow_symlinks=False)
            os.replace(temporary, receipt)
        finally:
            if os.path.lexists(temporary):
                temporary.unlink(missing_ok=True)
        flush_to_disk(receipt.parent)


def _relative(data: Path, folder: Path) -> str:
    """The file as seen from a folder; both may be moved together."""
    return os.path.relpath(data.parent.resolve() / data.name, folder.resolve())
