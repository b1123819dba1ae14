"""The scoreboard as a table for the terminal and for logs."""

from __future__ import annotations

import math
from collections.abc import Iterable

from rich.table import Table

from gaugeflow.analysis.scoreboard import Row
from gaugeflow.stats.estimate import format_estimate


def scoreboard_table(rows: Iterable[Row]) -> Table:
    """Rich table of judged rows: value and reference with their errors, pull, verdict."""
    table = Table(title="Results against references", title_justify="left")
    for column, justify in (("study", "left"), ("name", "left"), ("value", "right"), ("reference", "right")):
        table.add_column(column, justify=justify, overflow="fold")
    for column, justify in (("max error", "right"), ("kind", "left"), ("pull", "right"), ("", "left")):
        table.add_column(column, justify=justify)
    for row in rows:
        verdict = "[green]pass[/green]" if row.passed else f"[bold red]FAIL[/bold red] {row.reason}"
        table.add_row(
            row.study,
            row.name.replace("[", r"\["),
            format_estimate(row.value, row.error),
            reference_text(row.reference, row.reference_error),
            f"{row.max_error:g}",
            row.kind,
            f"{row.pull:+.2f}" if math.isfinite(row.pull) else "-",
            verdict,
        )
    return table


def reference_text(value: float, error: float) -> str:
    """A reference with its error, or to seven figures if it is exact."""
    return f"{value:.7g}" if error == 0 else format_estimate(value, error)
