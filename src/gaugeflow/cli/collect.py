"""gaugeflow collect: final tables from whatever a run has finished."""

from pathlib import Path
from typing import Annotated

import typer


def collect(
    study: Annotated[str, typer.Argument(help="study: a folder name or a path, or the root of a run")],
    scale: Annotated[str | None, typer.Option(help="full (the default) or tiny")] = None,
    root: Annotated[Path | None, typer.Option(help="where it runs; default: runs/<study>-<scale>")] = None,
    out: Annotated[Path | None, typer.Option(help="folder to write; default: <root>/collected")] = None,
) -> None:
    """Tables from the complete chunks of a run, with marks on what is preliminary and what its error will be.

    Reads data only, while jobs run or when nothing runs. Exit code 3 if the analysis needs more than there is.
    """
    from rich.console import Console

    from gaugeflow.analysis.partial import notes, state_text
    from gaugeflow.coordinator import collect as collecting
    from gaugeflow.coordinator.finding import find_run
    from gaugeflow.errors import FileError
    from gaugeflow.report.terminal import preliminary_table

    chosen, places = find_run(study, scale, root)
    folder = out or places.collected
    collecting.require_own(folder, places)
    collected = collecting.collect(chosen, places)
    written = collecting.write(collected, folder, places)
    if collected.results is None:
        for entry in collected.state:
            typer.echo(state_text(entry))
        raise FileError(f"{collected.failure}; the state of all ensembles is in {written[-1]}")
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=160)  # logs: no folding
    console.print(preliminary_table(collected.results))
    for text in notes(collected.results):
        typer.echo(f"partial: {text}")
    if collected.complete:
        typer.echo("complete: nothing is missing, these are the numbers of gaugeflow analyse")
    typer.echo(f"{folder}: {', '.join(path.name for path in written)} of study {chosen.name} ({chosen.scale})")
