"""`gaugeflow scoreboard`: the table that the README shows, made from scoreboard.csv and never typed."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from gaugeflow.errors import ConfigError, FileError

BEGIN, END = "<!-- scoreboard: begin -->", "<!-- scoreboard: end -->"
COLUMNS = ("study", "name", "value", "reference", "kind", "pull", "passed")


def scoreboard(
    table: Annotated[Path, typer.Argument(help="scoreboard.csv of gaugeflow validate.")],
    readme: Annotated[Path | None, typer.Option(help="Put the table between this file's scoreboard marks.")] = None,
) -> None:
    """Print a scoreboard, or put it into the README."""
    rows = read_rows(table)
    if readme is not None:
        _replace_block(readme, markdown(rows))
    _print(rows, table)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a scoreboard with the numbers as they are shown.

    Raises  FileError if the file is missing or lacks columns
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            found = list(csv.DictReader(line for line in stream if not line.startswith("#")))
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}); make it with gaugeflow validate") from error
    needed = {"study", "name", "value", "error", "reference", "reference_error", "kind", "pull", "passed"}
    if found and not needed <= set(found[0]):
        missing = ", ".join(sorted(needed - set(found[0])))
        raise FileError(f"{path}: columns {missing} are missing, wanted a scoreboard; make it with gaugeflow validate")
    return [
        {
            "study": row["study"],
            "name": row["name"],
            "value": number_with_error(row["value"], row["error"]),
            "reference": number_with_error(row["reference"], row["reference_error"]),
            "kind": row["kind"],
            "pull": f"{float(row['pull']):+.2f}" if row["pull"] else "",
            "passed": ("yes" if row["passed"].lower() in ("true", "1", "yes") else "NO") + _partial(row),
        }
        for row in found
    ]


def _partial(row: dict[str, str]) -> str:
    return f", partial: {row['partial']}" if row.get("partial") else ""


def number_with_error(value: str, error: str) -> str:
    """Text of a value with two digits of its error in brackets: ("0.593721", "0.00011") -> "0.59372(11)"."""
    if not value:
        return ""
    number, sigma = float(value), float(error or 0)
    if not 0 < sigma < float("inf"):
        return f"{number:.8g}"
    digits = max(0, 1 - int(f"{sigma:.1e}".split("e")[1]))
    bracket = f"{sigma * 10**digits:.0f}" if digits and sigma < 1 else f"{sigma:.{digits}f}"
    return f"{number:.{digits}f}({bracket})"


def markdown(rows: list[dict[str, str]]) -> str:
    """The scoreboard as a Markdown table with a line of totals."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    lines += ["| " + " | ".join(row[column] for column in COLUMNS) + " |" for row in rows]
    return "\n".join([*lines, "", summary(rows)])


def summary(rows: list[dict[str, str]]) -> str:
    """How many rows pass, and how many of all are preliminary."""
    partial = sum("partial" in row["passed"] for row in rows)
    preliminary = f" {partial} are of partial data." if partial else ""
    return f"{sum(row['passed'].startswith('yes') for row in rows)} of {len(rows)} rows pass.{preliminary}"


def _replace_block(readme: Path, block: str) -> None:
    text = readme.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ConfigError(f"{readme}: wanted the lines {BEGIN} and {END} once each; add them where the table belongs")
    head, rest = text.split(BEGIN)
    readme.write_text(f"{head}{BEGIN}\n{block}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def _print(rows: list[dict[str, str]], path: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("study", "name", "kind") else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(row[column] for column in COLUMNS), style=None if row["passed"].startswith("yes") else "red")
    console = Console()
    Console(width=None if console.is_terminal else 160).print(table)
    typer.echo(f"{path}: {summary(rows)}")
