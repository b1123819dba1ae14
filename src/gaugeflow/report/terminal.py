"""The scoreboard and the errors by both methods as tables for the terminal and for logs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from gaugeflow.analysis.partial import chunks_text, error_when_complete, mark
from gaugeflow.analysis.scoreboard import Row, judge
from gaugeflow.stats.estimate import format_estimate


def scoreboard_table(rows: Iterable[Row]) -> Table:
    """Rich table of judged rows: value and reference with their errors, pull, verdict."""
    table = Table(title="Results against references", title_justify="left")
    for column, justify in (("study", "left"), ("name", "left"), ("value", "right"), ("reference", "right")):
        table.add_column(column, justify=justify, overflow="fold")
    for column, justify in (("max error", "right"), ("kind", "left"), ("pull", "right"), ("", "left")):
        table.add_column(column, justify=justify)
    for row in rows:
        partial = f", partial: {row.partial}" if row.partial else ""
        verdict = "[green]pass[/green]" if row.passed else f"[bold red]FAIL[/bold red] {row.reason}"
        table.add_row(
            row.study,
            row.name.replace("[", r"\["),
            format_estimate(row.value, row.error),
            reference_text(row.reference, row.reference_error),
            f"{row.max_error:g}",
            row.kind,
            f"{row.pull:+.2f}" if math.isfinite(row.pull) else "-",
            verdict + partial,
        )
    return table


def reference_text(value: float, error: float) -> str:
    """A reference with its error, or to seven figures if it is exact."""
    return f"{value:.7g}" if error == 0 else format_estimate(value, error)


def error_methods_table(rows: Iterable[Mapping[str, Any]]) -> Table:
    """Rich table of the jackknife's and the Gamma method's errors, from `error_methods` of a results file."""
    table = Table(title="Errors: binned jackknife and Gamma method", title_justify="left")
    for column, justify in (("name", "left"), ("bins", "right"), ("bin size", "right"), ("tau_int", "right")):
        table.add_column(column, justify=justify, overflow="fold")
    for column, justify in (("jackknife", "right"), ("Gamma", "right"), ("ratio", "right"), ("", "left")):
        table.add_column(column, justify=justify)
    for row in rows:
        both = row["error"] and row["gamma_error"]
        unclear = "anticorrelated" if both else ""
        verdict = {True: "", False: "[bold red]DISAGREE[/bold red]", None: unclear}[row["agree"]]
        table.add_row(
            row["name"].replace("[", r"\["),
            str(row["bins"]),
            str(row["bin_size"]),
            _figures(row["tau_int"]),
            _error_text(row["error"], row["error_error"]),
            _error_text(row["gamma_error"], row["gamma_error_error"]),
            _figures(row["ratio"]),
            verdict,
        )
    return table


def preliminary_table(results: Mapping[str, Any]) -> Table:
    """Rich table of all estimates with the chunks they are made of and the error expected when nothing is missing."""
    title = "Results of what is complete" if results.get("partial") else "Results"
    table = Table(title=f"{results['study']}, {results['scale']} scale: {title}", title_justify="left")
    table.add_column("name", overflow="fold")
    for column in ("value", "tau_int", "N", "chunks", "error when complete (estimate)", "pull"):
        table.add_column(column, justify="right")
    table.add_column("partial", overflow="fold")
    pulls = {row.name: row.pull for row in judge(dict(results))}
    for name, entry in results["estimates"].items():
        expected, text, pull = error_when_complete(results, name), mark(results, name), pulls.get(name, math.nan)
        table.add_row(
            name.replace("[", r"\["),
            entry["text"],
            _figures(entry["tau_int"]),
            str(entry["n"]),
            chunks_text(results, name),
            "-" if expected is None else f"{expected:.2g}" if text else "",
            f"{pull:+.2f}" if math.isfinite(pull) else "-",
            text,
        )
    return table


def _error_text(error: float | None, error_error: float | None) -> str:
    return "-" if error is None else f"{error:.2g}" if not error_error else f"{error:.2g} ± {error_error:.1g}"


def _figures(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
