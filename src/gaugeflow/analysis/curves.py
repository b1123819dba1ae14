"""Curves and tables that a study adds to its results: plain numbers with labels and units, drawn by the report.

`analyse(data)` returns them among its estimates, under names of their own:

    results["potential/b6.0"] = Curve(
        title="b6.0_8x8x8x16", xlabel="R / a", ylabel="a V(R)",
        series=(Series.of("smeared loops", radii, potential), Series("fit", x, y, yerr=band, line=True)),
    )

What stands before the slash is the name of a figure, whose panels are the curves of that name in their order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gaugeflow.errors import ConfigError
from gaugeflow.stats.estimate import Estimate

SCALES = ("linear", "log")


@dataclass(frozen=True)
class Series:
    """Points with errors, or a line with a band; numbers that are not finite are left out of the drawing.

    x, y           same length
    yerr, xerr     one standard deviation each, or None
    line           draw a line (with a band of yerr) and no points: for fits and predictions
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    yerr: Sequence[float] | None = None
    xerr: Sequence[float] | None = None
    line: bool = False

    @classmethod
    def of(cls, label: str, x: Sequence[float], estimates: Sequence[Estimate]) -> Series:
        """Points from estimates, with their errors."""
        return cls(label, x, [estimate.value for estimate in estimates], [estimate.error for estimate in estimates])


@dataclass(frozen=True)
class Curve:
    """One panel: series over common axes. Labels carry their units ("R / a"); TeX between dollars is set.

    guides     (height, text) of horizontal lines
    caption    sentence for the figure; that of the first panel counts
    """

    title: str
    xlabel: str
    ylabel: str
    series: tuple[Series, ...]
    xscale: str = "linear"
    yscale: str = "linear"
    guides: tuple[tuple[float, str], ...] = ()
    caption: str = ""


@dataclass(frozen=True)
class Table:
    """A table; columns carry their units. Cells are text, whole numbers, floats (six figures) or Estimates."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float | Estimate, ...], ...]
    caption: str = ""


def curve_json(name: str, curve: Curve) -> dict[str, Any]:
    """A curve as JSON types; NaN and infinities become null.

    Raises    ConfigError if it has no series, lengths differ, or a scale is unknown
    """
    if not curve.series:
        raise ConfigError(f"curve {name}: got no series, wanted at least one")
    for scale in (curve.xscale, curve.yscale):
        if scale not in SCALES:
            raise ConfigError(f"curve {name}: got scale {scale!r}, wanted one of {', '.join(SCALES)}")
    return {
        "title": curve.title,
        "xlabel": curve.xlabel,
        "ylabel": curve.ylabel,
        "xscale": curve.xscale,
        "yscale": curve.yscale,
        "guides": [[_number(height), text] for height, text in curve.guides],
        "caption": curve.caption,
        "series": [_series_json(name, series) for series in curve.series],
    }


def table_json(name: str, table: Table) -> dict[str, Any]:
    """A table as JSON types, every cell as the text that is shown.

    Raises    ConfigError if a row has another number of cells than there are columns
    """
    for number, row in enumerate(table.rows):
        if len(row) != len(table.columns):
            raise ConfigError(f"table {name}: row {number} has {len(row)} cells, wanted {len(table.columns)}")
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    return {"title": table.title, "columns": list(table.columns), "rows": rows, "caption": table.caption}


def _series_json(name: str, series: Series) -> dict[str, Any]:
    content: dict[str, Any] = {"label": series.label, "line": series.line}
    for key in ("x", "y", "yerr", "xerr"):
        values = getattr(series, key)
        if values is None:
            content[key] = None
            continue
        if len(values) != len(series.x):
            wanted = f"{len(series.x)}, as many as x"
            raise ConfigError(
                f"curve {name}, series {series.label!r}: {key} has {len(values)} numbers, wanted {wanted}"
            )
        content[key] = [_number(value) for value in values]
    return content


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _cell(cell: str | int | float | Estimate) -> str:
    if isinstance(cell, float):
        return f"{cell:.6g}" if math.isfinite(cell) else "–"
    return str(cell)
