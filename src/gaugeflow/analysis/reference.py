"""References of a study: what each number should be, how well it must be known, and where that stands."""

from __future__ import annotations

import csv
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gaugeflow.errors import ConfigError

COLUMNS = ("name", "value", "error", "max_error", "kind", "source")

KINDS = ("exact", "published", "computed", "self")
"""exact: closed form; published: literature; computed: an independent run; self: an earlier run of this code."""

FILES = {"full": "reference.csv", "tiny": "reference_tiny.csv"}


@dataclass(frozen=True)
class Reference:
    """One row of a reference file; `source` names the equation or table.

    max_error    largest error of the result. Where reference and result have none (one given configuration measured, a
                 number that another code printed), the largest |value - reference|
    """

    name: str
    value: float
    error: float
    max_error: float
    kind: str
    source: str

    def as_json(self) -> dict[str, Any]:
        """The row as JSON types."""
        return asdict(self)


def reference_file(folder: Path, scale: str) -> Path:
    """Reference file of a study for a scale: reference.csv (full) or reference_tiny.csv (tiny)."""
    return folder / FILES[scale]


def read_references(path: Path) -> tuple[Reference, ...]:
    """Rows of a reference file.

    Raises ConfigError with file, line, got and wanted for anything that is not a reference
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); every study has one (a header alone will do)"
        ) from error
    except csv.Error as error:
        raise ConfigError(f"{path}: no CSV: {error}") from error
    header = _header(path)
    if header != COLUMNS:
        raise ConfigError(f"{path}: columns {','.join(header)}, wanted {','.join(COLUMNS)}")
    references = tuple(_reference(path, line, row) for line, row in enumerate(rows, start=2))
    names = [reference.name for reference in references]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{path}: {twice[0]!r} stands twice; remove one")
    return references


def _header(path: Path) -> tuple[str, ...]:
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(next(csv.reader(file), []))


def _reference(path: Path, line: int, row: dict[str, str]) -> Reference:
    where = f"{path}:{line}"
    if None in row or None in row.values():
        raise ConfigError(f"{where}: wanted {len(COLUMNS)} columns ({','.join(COLUMNS)}); quote texts that have commas")
    numbers = {key: _number(row[key], f"{where}: {key}") for key in ("value", "error", "max_error")}
    if numbers["error"] < 0 or numbers["max_error"] <= 0:
        raise ConfigError(
            f"{where}: error {row['error']}, max_error {row['max_error']}; wanted error >= 0, max_error > 0"
        )
    if row["kind"] not in KINDS:
        raise ConfigError(f"{where}: kind {row['kind']!r}, wanted one of {', '.join(KINDS)}")
    if not row["name"].strip() or not row["source"].strip():
        raise ConfigError(f"{where}: a reference needs a name and a source (equation or table number)")
    return Reference(row["name"].strip(), **numbers, kind=row["kind"], source=row["source"].strip())


def _number(text: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(f"{where}: got {text!r}, wanted a finite number")
    return number
