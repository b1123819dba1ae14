"""The clock of this machine beside that of the file system: workflows decide by dates what is out of date."""

import logging
import os
import secrets
import time
from pathlib import Path

from gaugeflow.errors import FileError

ALLOW_VARIABLE = "GAUGEFLOW_ALLOW_CLOCK_SKEW"
ALLOWED_SECONDS = 60.0

logger = logging.getLogger(__name__)


def check_clock(path: Path | str) -> None:
    """Compare the date that the file system gives a new file beside `path` with the time of this machine.

    With GAUGEFLOW_ALLOW_CLOCK_SKEW=1 a difference is logged only. The file has a name of its own and is removed.

    Raises    FileError if they are more than a minute apart, or nothing can be written there
    """
    path = Path(path).absolute()
    folder = next(parent for parent in path.parents if parent.is_dir())
    try:
        before = time.time()
        dated = _date_of_new_file(folder)
        after = time.time()
    except OSError as error:
        raise FileError(f"{path}: writing failed: {error.strerror or error}") from error
    if before - ALLOWED_SECONDS <= dated <= after + ALLOWED_SECONDS:
        return
    here, there = (time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds)) for seconds in (after, dated))
    message = (
        f"{folder}: a file made now is dated {there}, the clock of {os.uname().nodename} says {here}: "
        f"{abs(dated - after):.0f} s apart. Snakemake compares dates and would repeat or skip work. Correct the clock "
        f"(NTP) of this node or of the file server, exclude the node, or set {ALLOW_VARIABLE}=1 if it does no harm"
    )
    if os.environ.get(ALLOW_VARIABLE) != "1":
        raise FileError(message)
    logger.warning("%s", message)


def _date_of_new_file(folder: Path) -> float:
    trial = folder / f".clock.{secrets.token_hex(8)}.tmp"
    descriptor = os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        return os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)
        trial.unlink()
