"""`gaugeflow submit`: check everything that can be checked, then run a study to its tables, here or on a cluster."""

from typing import Annotated

import typer

from gaugeflow.cli.run_options import AcceptChanges, CancelLeft, CoordinatorMinutes, CoordinatorWay, WaitAll


def submit(
    study: Annotated[str, typer.Argument(help="Study name, folder or YAML file.")],
    options: Annotated[
        list[str] | None, typer.Argument(metavar="[-- SNAKEMAKE OPTIONS]", help="Given to Snakemake as they are.")
    ] = None,
    profile: Annotated[str, typer.Option(help="Name of a folder in cluster/, or a path.")] = ...,  # type: ignore[assignment]
    scale: Annotated[str, typer.Option(help="full or tiny.")] = "full",
    root: Annotated[
        str | None, typer.Option(help="Folder of all outputs; runs/STUDY-SCALE if not given.", metavar="FOLDER")
    ] = None,
    config: Annotated[
        list[str] | None,
        typer.Option(help="Setting of the workflow over the profile's; may be repeated.", metavar="KEY=VALUE"),
    ] = None,
    coordinator: CoordinatorWay = None,
    coordinator_time: CoordinatorMinutes = 1440,
    accept_changes: AcceptChanges = False,
    wait_all: WaitAll = False,
    cancel: CancelLeft = False,
) -> None:
    """Run a study to its tables: a coordinator submits jobs, continues what stopped, and ends with the report."""
    from gaugeflow.cli.run_options import leftovers_of, start_and_exit
    from gaugeflow.coordinator.starting import chosen_way
    from gaugeflow.coordinator.submission import new_submission

    leftovers = leftovers_of(wait_all, cancel)
    submission = new_submission(study, scale, root, profile, config or [], options or [])
    way = chosen_way(coordinator, submission.profile.executor)
    typer.echo(f"{submission.study.name} at scale {scale}: root {submission.folder.root}, coordinator: {way}")
    typer.echo(f"look: gaugeflow status {submission.folder.root}")
    given = {"minutes": coordinator_time, "leftovers": leftovers, "accept_changes": accept_changes}
    start_and_exit(submission, way, **given, renew=True)
