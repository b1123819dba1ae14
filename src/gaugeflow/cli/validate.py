"""gaugeflow validate: results against references."""

from pathlib import Path
from typing import Annotated

import typer


def validate(
    results: Annotated[list[Path], typer.Argument(help="results.json files")],
    out: Annotated[Path, typer.Option(help="scoreboard.csv to write")],
    strict: Annotated[bool, typer.Option("--strict", help="exit with code 4 if any row fails")] = False,
) -> None:
    """Scoreboard of all references: |pull| < 3 and error <= max_error, or the row fails."""
    from rich.console import Console

    from gaugeflow.analysis.partial import notes
    from gaugeflow.analysis.results import read_results
    from gaugeflow.analysis.scoreboard import judge, scoreboard_csv
    from gaugeflow.ensembles.atomic import atomic_path
    from gaugeflow.errors import PhysicsError
    from gaugeflow.report.terminal import scoreboard_table

    read = [read_results(path) for path in results]
    rows = [row for content in read for row in judge(content)]
    with atomic_path(out) as temporary:
        temporary.write_text(scoreboard_csv(rows), encoding="utf-8")
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=160)  # logs: no folding
    console.print(scoreboard_table(rows))
    for content in read:
        for text in notes(content):
            console.print(f"partial: {content['study']}, {text}", highlight=False, soft_wrap=True, markup=False)
    failed = [row for row in rows if not row.passed]
    console.print(f"{out}: {len(rows) - len(failed)} of {len(rows)} rows passed", highlight=False, soft_wrap=True)
    if strict and failed:
        raise PhysicsError(
            f"{len(failed)} of {len(rows)} rows failed: "
            + "; ".join(f"{r.study} {r.name} ({r.reason})" for r in failed)
        )
