"""`gaugeflow resume`: go on with a submission, after whatever happened to it."""

import typer

from gaugeflow.cli.run_options import (
    AcceptChanges,
    CancelLeft,
    CoordinatorMinutes,
    CoordinatorWay,
    RunRoot,
    RunScale,
    StudyOrRoot,
    WaitAll,
)


def resume(
    study: StudyOrRoot,
    root: RunRoot = None,
    scale: RunScale = None,
    coordinator: CoordinatorWay = None,
    coordinator_time: CoordinatorMinutes = 1440,
    accept_changes: AcceptChanges = False,
    wait_all: WaitAll = False,
    cancel: CancelLeft = False,
) -> None:
    """Go on: jobs that an earlier coordinator left are waited for or cancelled, locks freed, what is missing is run."""
    from gaugeflow.cli.run_options import leftovers_of, start_and_exit
    from gaugeflow.coordinator.finding import submitted
    from gaugeflow.coordinator.starting import chosen_way
    from gaugeflow.coordinator.submission import earlier_submission

    leftovers = leftovers_of(wait_all, cancel)
    submission = earlier_submission(submitted(study, root, scale))
    way = chosen_way(coordinator, submission.profile.executor)
    typer.echo(f"{submission.record.name} at scale {submission.record.scale}: root {submission.folder.root}")
    options = {"minutes": coordinator_time, "leftovers": leftovers, "accept_changes": accept_changes}
    start_and_exit(submission, way, **options, renew=False)
