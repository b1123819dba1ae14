"""Errors that a user can act on; the command line prints their message alone and exits with their code.

    code  meaning
    0     done
    1     unexpected failure (a bug: the traceback is shown)
    2     wrong configuration, command line or geometry: nothing was started
    3     a file is missing, damaged, foreign or of another version
    4     physics failed a check: NaN, acceptance out of its band, links off the group
    75    stopped by a signal or a deadline with all state saved: call the same command again
"""


class GaugeflowError(Exception):
    """Base of all expected errors; `exit_code` is the process's exit status."""

    exit_code = 1


class ConfigError(GaugeflowError):
    """A study, a spec or a command line asks for something that is not allowed."""

    exit_code = 2


class GeometryError(GaugeflowError):
    """A lattice and a process grid, a layout or an observable do not fit together."""

    exit_code = 2


class FileError(GaugeflowError):
    """A file is missing, truncated, corrupt, foreign or of another version."""

    exit_code = 3


class LeaseLost(FileError):
    """Another process owns the folder in which this one works: this one was halted for too long and gives up."""


class PhysicsError(GaugeflowError):
    """A check on the Markov chain failed; what was saved before stays."""

    exit_code = 4


class TryAgain(GaugeflowError):
    """The job was told to stop; its state is saved and the same command continues it."""

    exit_code = 75
