"""gaugeflow analyse: measured time series to named estimates."""

from pathlib import Path
from typing import Annotated

import typer


def analyse(
    study: Annotated[str, typer.Argument(help="study: a folder name or a path")],
    inputs: Annotated[
        list[Path],
        typer.Argument(help="configuration, measurement and flow files of all its ensembles, or data/ensembles"),
    ],
    scale: Annotated[str, typer.Option(help="full or tiny")],
    out: Annotated[Path, typer.Option(help="results.json to write")],
    models: Annotated[
        Path | None, typer.Option(help="folder of its trained networks; beside a data/ensembles it is found by itself")
    ] = None,
) -> None:
    """Estimates of a study with jackknife errors, from checked files."""
    from rich.console import Console

    from gaugeflow.analysis.loading import load_study_data, study_files
    from gaugeflow.analysis.results import write_results
    from gaugeflow.analysis.runner import analyse_study
    from gaugeflow.config.load import load_study
    from gaugeflow.report.terminal import error_methods_table

    chosen = load_study(study, scale)
    files = [file for path in inputs for file in (study_files(chosen, path) if path.is_dir() else [path])]
    folder = models or next((path.resolve().parent / "models" for path in inputs if path.is_dir()), None)
    results = analyse_study(chosen, load_study_data(chosen, files, folder))
    write_results(out, results)
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=160)  # logs: no folding
    console.print(error_methods_table(results["error_methods"]))
    for text in results["warnings"]:
        typer.echo(f"warning: {text}", err=True)
    typer.echo(f"{out}: {len(results['estimates'])} estimates of study {chosen.name} ({scale}) from {len(files)} files")
