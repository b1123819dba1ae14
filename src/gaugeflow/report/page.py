"""The report: one HTML file that needs no other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

from gaugeflow.analysis.partial import mark, notes
from gaugeflow.analysis.scoreboard import MAX_PULL, Row, judge
from gaugeflow.report import wording
from gaugeflow.report.cost import Cost
from gaugeflow.report.detail_tables import DetailTable, detail_tables, files_table
from gaugeflow.report.style import data_uri
from gaugeflow.report.tables import table_rows
from gaugeflow.report.terminal import reference_text
from gaugeflow.stats.estimate import format_estimate

TOPICS = {
    "results": "Figures",
    "details": "Potentials, fits and scales",
    "flow": "Gradient flow",
    "chains": "Markov chains",
}
"""Topic of a figure -> heading under which the page shows it, in this order."""


@dataclass(frozen=True)
class NamedFigure:
    """A figure of a study: file name, caption, SVG bytes, topic."""

    name: str
    caption: str
    svg: bytes
    topic: str = "results"

    @property
    def uri(self) -> str:
        """The figure as a data URI."""
        return data_uri(self.svg)


@dataclass(frozen=True)
class Section:
    """One study of the page: results, figures, warnings for the reader, cost and use of resources (None: not known)."""

    results: dict[str, Any]
    figures: tuple[NamedFigure, ...]
    warnings: tuple[str, ...]
    costs: tuple[Cost, ...] | None = None
    efficiency: DetailTable | None = None

    @property
    def rows(self) -> list[Row]:
        """Judged rows."""
        return judge(self.results)

    @property
    def partial(self) -> list[str]:
        """What is missing, one sentence per incomplete ensemble; empty for full results."""
        return notes(self.results)

    @property
    def pulls(self) -> list[float]:
        """Finite pulls of the judged rows."""
        return [row.pull for row in self.rows if math.isfinite(row.pull)]

    @property
    def root_mean_square_pull(self) -> float | None:
        """1 within sqrt(1 / 2n) for n independent rows with right errors."""
        return math.sqrt(sum(p * p for p in self.pulls) / len(self.pulls)) if self.pulls else None

    @property
    def largest(self) -> Row | None:
        """The row with the largest pull."""
        finite = [row for row in self.rows if math.isfinite(row.pull)]
        return max(finite, key=lambda row: abs(row.pull), default=None)

    @property
    def topics(self) -> list[tuple[str, str, list[NamedFigure]]]:
        """(topic, heading, figures) in order, topics that have neither figures nor tables left out."""
        grouped = {topic: [figure for figure in self.figures if figure.topic == topic] for topic in TOPICS}
        return [
            (topic, TOPICS[topic], figures)
            for topic, figures in grouped.items()
            if figures or (topic == "details" and self.detail_tables)
        ]

    @property
    def detail_tables(self) -> list[DetailTable]:
        """Tables under the topic `details`."""
        return detail_tables(self.results)

    @property
    def disagreeing(self) -> list[str]:
        """Names of the estimates whose errors by jackknife and by the Gamma method disagree."""
        return [row["name"] for row in self.results.get("error_methods", []) if row["agree"] is False]


def render(sections: list[Section]) -> str:
    """HTML of the report; equal results give equal text."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        estimate=lambda row: format_estimate(row.value, row.error),
        reference=lambda row: reference_text(row.reference, row.reference_error),
        pull=lambda row: f"{row.pull:+.2f}" if math.isfinite(row.pull) else "–",
        dot=lambda row: f"{50 + 50 * max(-1.0, min(1.0, row.pull / (MAX_PULL + 1))):.1f}",
        number=wording.number_text,
        count=wording.count_text,
        time=wording.time_text,
        sampler=lambda sampler: wording.unbroken(wording.sampler_text(sampler)),
        group=lambda entry: wording.unbroken(wording.group_text(entry)),
        files=files_table,
        start=wording.start_text,
        bins=wording.bins_text,
        word_columns=wording.word_columns,
        extents=lambda extents: " × ".join(map(str, extents)),
    )
    template = environment.from_string(
        resources.files("gaugeflow.report").joinpath("report.html.j2").read_text("utf-8")
    )
    return template.render(sections=sections, all_rows=_all_rows, finite=math.isfinite)


def _all_rows(section: Section) -> list[dict[str, Any]]:
    """Rows of the table of all results: texts, errors by both methods, autocorrelation; judged ones are marked."""
    judged, disagreeing = {row.name for row in section.rows}, set(section.disagreeing)
    texts = section.results["estimates"]
    return [
        {
            **row,
            "text": "–" if entry["value"] is None else entry["text"],
            "gamma_error": entry["gamma_error"],
            "ratio": wording.ratio_text(entry["gamma_error"], entry["error"]),
            "tau_text": _tau_text(entry),
            "judged": name in judged,
            "partial": mark(section.results, name),
            "disagrees": name in disagreeing,
        }
        for row, (name, entry) in zip(table_rows(section.results), texts.items(), strict=True)
    ]


def _tau_text(entry: dict[str, Any]) -> str:
    if entry["tau_int"] is None:
        return "–"
    if not entry["tau_int_error"]:
        return f"{entry['tau_int']:.3g}"
    return format_estimate(entry["tau_int"], entry["tau_int_error"])
