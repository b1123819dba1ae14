"""Options that submit, resume, status and cancel share."""

from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from gaugeflow.errors import ConfigError

if TYPE_CHECKING:
    from gaugeflow.coordinator.leftovers import Leftovers
    from gaugeflow.coordinator.submission import Submission

StudyOrRoot = Annotated[
    str, typer.Argument(metavar="STUDY|ROOT", help="Study that was submitted, or the root folder of its submission.")
]
RunRoot = Annotated[str | None, typer.Option("--root", help="Root folder of the submission.", metavar="FOLDER")]
RunScale = Annotated[str | None, typer.Option("--scale", help="full or tiny; found if only one was submitted.")]
CoordinatorWay = Annotated[
    str | None,
    typer.Option(
        "--coordinator",
        help="here: in this terminal; tmux: lives on when you log out; job: a small job of its own. "
        "tmux for a SLURM profile where it is installed, else here.",
    ),
]
CoordinatorMinutes = Annotated[
    int, typer.Option("--coordinator-time", help="Minutes that a coordinator job may take.", min=1)
]
AcceptChanges = Annotated[
    bool, typer.Option("--accept-changes", help="Go on with a study that was changed after its ensembles were made.")
]
WaitAll = Annotated[
    bool, typer.Option("--wait-all", help="Wait for all jobs that an earlier coordinator left, also those that wait.")
]
CancelLeft = Annotated[bool, typer.Option("--cancel", help="Cancel all jobs that an earlier coordinator left.")]


def leftovers_of(wait_all: bool, cancel: bool) -> "Leftovers":
    """What happens to jobs of an earlier coordinator: the running ones are waited for unless said otherwise.

    Raises    ConfigError for both options
    """
    from gaugeflow.coordinator.leftovers import Leftovers

    if wait_all and cancel:
        raise ConfigError("--wait-all and --cancel: choose one")
    return Leftovers.WAIT_ALL if wait_all else Leftovers.CANCEL if cancel else Leftovers.WAIT_RUNNING


def start_and_exit(submission: "Submission", way: str, **options: Any) -> NoReturn:
    """Start a coordinator, or be it, and end with its words and exit code; `options` as submission.start takes them."""
    from gaugeflow.coordinator.submission import start

    code, text = start(submission, way, **options)
    typer.echo(text)
    raise typer.Exit(code)
