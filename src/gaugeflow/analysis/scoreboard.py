"""Results against references: one judged row per reference."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gaugeflow.analysis.partial import mark
from gaugeflow.stats.pull import pull

COLUMNS = (
    "study", "name", "value", "error", "reference", "reference_error", "max_error", "kind", "source", "pull", "passed",
)  # fmt: skip

MAX_PULL = 3.0


@dataclass(frozen=True)
class Row:
    """One line of the scoreboard; value, error and pull are NaN where the result is missing.

    partial   what makes the result preliminary, in words; empty for one of complete ensembles
    """

    study: str
    name: str
    value: float
    error: float
    reference: float
    reference_error: float
    max_error: float
    kind: str
    source: str
    pull: float
    passed: bool
    reason: str = ""
    partial: str = ""


def judge(results: dict[str, Any]) -> list[Row]:
    """Rows of one results.json: passed if |pull| < 3 and error <= max_error; a reference without result fails.

    Two numbers without errors have no pull: they pass if |value - reference| <= max_error.
    """
    return [
        _row(
            results["study"],
            reference,
            results["estimates"].get(reference["name"]),
            mark(results, reference["name"]),
        )
        for reference in results["references"]
    ]


def _row(study: str, reference: dict[str, Any], estimate: dict[str, Any] | None, partial: str) -> Row:
    value, error = (math.nan, math.nan) if estimate is None else (_float(estimate[key]) for key in ("value", "error"))
    without_errors = error == 0 and reference["error"] == 0
    distance = math.nan if without_errors else pull(value, error, reference["value"], reference["error"])
    reason = ""
    if estimate is None:
        reason = "no result of this name"
    elif not (math.isfinite(value) and math.isfinite(error)):
        reason = "no finite value"
    elif error > reference["max_error"]:
        reason = "error above max_error"
    elif without_errors:
        if not abs(value - reference["value"]) <= reference["max_error"]:
            reason = "|value - reference| > max_error"
    elif not abs(distance) < MAX_PULL:
        reason = f"|pull| >= {MAX_PULL:g}"
    return Row(
        study=study,
        name=reference["name"],
        value=value,
        error=error,
        reference=reference["value"],
        reference_error=reference["error"],
        max_error=reference["max_error"],
        kind=reference["kind"],
        source=reference["source"],
        pull=distance,
        passed=not reason,
        reason=reason,
        partial=partial,
    )


def scoreboard_csv(rows: Iterable[Row]) -> str:
    """The scoreboard as CSV text: studies in the order given, missing numbers empty, passed as true or false.

    Where a row is preliminary there is one more column, `partial`.
    """
    rows = list(rows)
    columns = (*COLUMNS, "partial") if any(row.partial for row in rows) else COLUMNS
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(getattr(row, column)) for column in columns])
    return text.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.8g}" if math.isfinite(value) else ""
    return str(value)


def _float(value: float | None) -> float:
    return math.nan if value is None else float(value)
