"""`gaugeflow status`: how far a submission is, from its files and the scheduler."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from gaugeflow.cli.run_options import RunRoot, RunScale, StudyOrRoot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gaugeflow.coordinator.survey import EnsembleState, Survey

FAILURES_SHOWN = 20


def status(
    study: StudyOrRoot,
    root: RunRoot = None,
    scale: RunScale = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
) -> None:
    """Chunks done, running, queued, failed and waiting; speed, expected end, failures with logs, live jobs."""
    from gaugeflow.config.load import load_study
    from gaugeflow.coordinator.finding import submitted
    from gaugeflow.coordinator.profile import load_profile
    from gaugeflow.coordinator.survey import survey
    from gaugeflow.errors import ConfigError

    folder = submitted(study, root, scale)
    record = folder.read()
    try:
        executor = load_profile(record.profile).executor
    except ConfigError as error:
        typer.echo(f"warning: {error}", err=True)
        executor = "unknown"
    found = survey(folder, load_study(record.study, record.scale), executor)
    if as_json:
        import json

        typer.echo(json.dumps(asdict(found), indent=2))
        return
    _print(found)


def _print(found: "Survey") -> None:
    from rich.console import Console

    from gaugeflow.coordinator.failures import failure_text

    console = Console()
    (console if console.is_terminal else Console(width=160)).print(_table(found))
    for failure in found.failures[:FAILURES_SHOWN]:
        typer.echo(f"failed: {failure_text(failure)}")
    if len(found.failures) > FAILURES_SHOWN:
        typer.echo(f".. and {len(found.failures) - FAILURES_SHOWN} more failures: --json")
    if found.jobs is not None:
        running = sum(not job.waits for job in found.jobs)
        reasons = sorted({job.reason for job in found.jobs if job.waits})
        why = f" ({', '.join(reasons)})" if reasons else ""
        typer.echo(f"jobs: {running} running, {len(found.jobs) - running} waiting{why}")
    else:
        typer.echo(f"jobs: {found.scheduler}")
    typer.echo(_coordinator_line(found))


def _coordinator_line(found: "Survey") -> str:
    if found.alive and found.coordinator is not None:
        look = {"tmux": f"; look: tmux -L {found.coordinator.handle} attach"}.get(found.coordinator.how, "")
        return f"coordinator: alive, {found.coordinator.where()}{look}"
    if found.finished:
        return f"coordinator: none; finished: results in {found.root}/results"
    gone = f" (the last one was killed: {found.coordinator.where()})" if found.coordinator else ""
    return f"coordinator: none{gone}; go on with: gaugeflow resume {found.root}"


def _table(found: "Survey"):
    from rich.table import Table

    table = Table(title=f"{found.study} ({found.scale}): {found.root}", title_justify="left")
    table.add_column("ensemble", overflow="fold")
    for heading in ("chunks", "done", "running", "queued", "failed", "waiting", "measured", "flowed"):
        table.add_column(heading, justify="right")
    for heading in ("trajectories", "per hour", "expected end"):
        table.add_column(heading, justify="right")
    for state in found.ensembles:
        table.add_row(state.label, *_cells([state]))
    if len(found.ensembles) > 1:
        table.add_section()
        table.add_row("all", *_cells(found.ensembles))
    return table


def _cells(states: "Sequence[EnsembleState]") -> list[str]:
    names = ("chunks", "done", "running", "queued", "failed", "waiting", "measured")
    counts = [str(sum(getattr(state, name) for state in states)) for name in names]
    flows = [state.flowed for state in states if state.flowed is not None]
    done, total = (sum(getattr(s, f"trajectories_{name}") for s in states) for name in ("done", "total"))
    rates = [state.trajectories_per_hour for state in states if state.trajectories_per_hour is not None]
    left = [state.seconds_left for state in states]
    end = "-" if None in left or not states else _when(max(left))  # type: ignore[type-var]
    return [
        *counts,
        str(sum(flows)) if flows else "-",
        f"{done} / {total}" if total else "-",
        f"{sum(rates):.3g}" if rates else "-",
        end,
    ]


def _when(seconds: float) -> str:
    """Local time in that many seconds; empty for none."""
    from datetime import datetime, timedelta

    return (datetime.now() + timedelta(seconds=seconds)).strftime("%a %d %b %H:%M") if seconds else ""
