"""A process that takes the lease of a folder and does what its words say; on another machine, if so told.

    python holder.py FOLDER [--machine NAME] [--no-flock] WORD...

    hold             print "held", wait for a line on stdin, then "checked" or the error's name
    contend LOG      take it, once, as soon as possible: lines of LOG tell when it was held
"""

import contextlib
import fcntl
import os
import sys
import time

from gaugeflow.errors import ConfigError, GaugeflowError
from gaugeflow.jobs import owner
from gaugeflow.jobs.lease import Lease


def hold(folder: str) -> None:
    """Own the folder until told, then ask whether it may publish."""
    try:
        with Lease(folder) as lease:
            print("held", flush=True)
            sys.stdin.readline()
            lease.check()
            print("checked", flush=True)
    except GaugeflowError as error:
        print(type(error).__name__, flush=True)
        print(error, file=sys.stderr)


def contend(folder: str, log: str) -> None:
    """Own the folder for a moment, however often another process is faster; a marker betrays two owners at once."""
    while True:
        with contextlib.suppress(ConfigError), Lease(folder) as lease:
            marker = os.open(log + ".inside", os.O_CREAT | os.O_EXCL)  # fails if another one is inside
            os.close(marker)
            time.sleep(0.03)
            lease.check()
            os.unlink(log + ".inside")
            with open(log, "a") as file:
                file.write(f"{os.getpid()}\n")
            return
        time.sleep(0.01)


def main(folder: str, *words: str) -> None:
    """Disguise this process, then do as told."""
    left = list(words)
    if "--machine" in left:
        at = left.index("--machine")
        name = left[at + 1]
        owner.this_machine = lambda: name
        owner.platform.node = lambda: name
        del left[at : at + 2]
    if "--no-flock" in left:
        left.remove("--no-flock")
        fcntl.flock = lambda descriptor, operation: None
    {"hold": hold, "contend": contend}[left[0]](folder, *left[1:])


if __name__ == "__main__":
    main(*sys.argv[1:])
