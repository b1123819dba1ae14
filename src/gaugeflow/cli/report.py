"""gaugeflow report: results to one self-contained page, tables and figures."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    results: Annotated[list[Path], typer.Argument(help="results.json files")],
    out: Annotated[Path, typer.Option(help="HTML page to write; tables/ and figures/ go beside it")],
    study: Annotated[list[Path] | None, typer.Option(help="folder of a study that is not found by its name")] = None,
    benchmarks: Annotated[
        Path | None, typer.Option(help="folder of the workflow's benchmark files, for the cost of ensembles")
    ] = None,
    job_logs: Annotated[
        Path | None, typer.Option(help="folder of the logs of all attempts, for what jobs asked for and used")
    ] = None,
) -> None:
    """One HTML page for all results, with tables (CSV, JSON, pyerrors) and figures (SVG) beside it."""
    from gaugeflow.analysis.results import read_results
    from gaugeflow.config.load import find_study
    from gaugeflow.report.builder import build_report

    folders = {folder.resolve().name: folder for folder in (find_study(path).parent for path in study or [])}
    written = build_report([read_results(path) for path in results], out, folders, benchmarks, job_logs)
    typer.echo(f"{out}: report of {len(results)} studies, with {len(written) - 1} tables and figures beside it")
