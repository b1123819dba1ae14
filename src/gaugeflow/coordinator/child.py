"""Snakemake under a coordinator: it dies with it, so that whoever finds the coordinator gone finds nobody else either.

    python -m gaugeflow.coordinator.child PARENT PROGRAM ARGUMENT..

Its jobs live on: those of a scheduler under the scheduler, those of this host in the session that this process leads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PARENT_GONE = 70


def become(parent: int, command: list[str]) -> None:
    """Replace this process by the command, to be killed when its parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:  # it ended before the line above
        sys.exit(PARENT_GONE)
    os.execvp(command[0], command)


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
