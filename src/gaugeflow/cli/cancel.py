"""`gaugeflow cancel`: stop a submission, its coordinator and its jobs, and nothing else."""

import typer

from gaugeflow.cli.run_options import RunRoot, RunScale, StudyOrRoot


def cancel(study: StudyOrRoot, root: RunRoot = None, scale: RunScale = None) -> None:
    """Stop the coordinator and all jobs of a submission, and wait until they are gone; what is saved stays."""
    from gaugeflow.coordinator.cancelling import cancel_run
    from gaugeflow.coordinator.finding import submitted
    from gaugeflow.coordinator.profile import load_profile

    folder = submitted(study, root, scale)
    cancel_run(folder, load_profile(folder.read().profile).executor, typer.echo)
    typer.echo(f"{folder.root}: nothing of it runs any more; go on with: gaugeflow resume {folder.root}")
