"""The command line's part of an attempt's log: opened where --attempts asks for one, closed however Python ends."""

import sys
from collections.abc import Sequence
from pathlib import Path

REASONS = {0: "", 130: "interrupted"}


def begin_attempt(folder: Path, arguments: Sequence[str], asked: str | None) -> None:
    """Open the log.

    arguments   of the command line, the program's name left out
    asked       text of --asked

    Raises      ConfigError if that is not a list of NAME=NUMBER
    """
    from gaugeflow.ensembles.provenance import provenance
    from gaugeflow.jobs import attempts

    given = attempts.parse_asked(asked)
    if attempts.is_first_rank():
        attempts.begin(folder, ["gaugeflow", *arguments], given, provenance({}))


def end_attempt(exit_code: int, reason: str, traceback: str | None = None) -> None:
    """Write the last line, if a log is open: nothing is imported for it."""
    module = sys.modules.get("gaugeflow.jobs.attempts")
    if module is not None:
        module.finish(exit_code, reason, traceback)


def exit_reason(exit_: SystemExit) -> str:
    """Why a command ended by SystemExit: the message of a wrong command line, if it was that."""
    message = getattr(exit_.__context__, "format_message", None)
    if message is not None:
        return str(message())
    if isinstance(exit_.code, str):
        return exit_.code
    return REASONS.get(exit_.code or 0, "")
