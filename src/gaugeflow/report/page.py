"""The report: one HTML file that needs no other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

from gaugeflow.analysis.scoreboard import MAX_PULL, Row, judge
from gaugeflow.report.style import data_uri
from gaugeflow.report.tables import table_rows
from gaugeflow.report.terminal import reference_text
from gaugeflow.stats.estimate import format_estimate


@dataclass(frozen=True)
class NamedFigure:
    """A figure of a study: file name, caption, SVG bytes."""

    name: str
    caption: str
    svg: bytes

    @property
    def uri(self) -> str:
        """The figure as a data URI."""
        return data_uri(self.svg)


@dataclass(frozen=True)
class Section:
    """One study of the page: its results, its figures and what the reader should be warned of."""

    results: dict[str, Any]
    figures: tuple[NamedFigure, ...]
    warnings: tuple[str, ...]

    @property
    def rows(self) -> list[Row]:
        """Judged rows."""
        return judge(self.results)


def render(sections: list[Section]) -> str:
    """HTML of the report; equal results give equal text."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        estimate=lambda row: format_estimate(row.value, row.error),
        reference=lambda row: reference_text(row.reference, row.reference_error),
        pull=lambda row: f"{row.pull:+.2f}" if math.isfinite(row.pull) else "–",
        dot=lambda row: f"{50 + 50 * max(-1.0, min(1.0, row.pull / (MAX_PULL + 1))):.1f}",
        number=lambda value: "–" if value is None else f"{value:.3g}",
        count=lambda value: "–" if value is None else f"{value:,.0f}",
        extents=lambda extents: " × ".join(map(str, extents)),
    )
    template = environment.from_string(
        resources.files("gaugeflow.report").joinpath("report.html.j2").read_text("utf-8")
    )
    return template.render(sections=sections, unjudged=_unjudged, finite=math.isfinite)


def _unjudged(section: Section) -> list[dict[str, Any]]:
    """Rows of the result table, each with its text; judged ones are marked."""
    judged = {row.name for row in section.rows}
    texts = section.results["estimates"]
    return [
        {**row, "text": entry["text"], "judged": name in judged}
        for row, (name, entry) in zip(table_rows(section.results), texts.items(), strict=True)
    ]
