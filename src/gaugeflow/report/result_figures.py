"""Results against references, and against beta or area."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator

from gaugeflow.analysis.scoreboard import MAX_PULL, Row, judge
from gaugeflow.report.style import BLUE, GREEN, GREY, ORANGE, RED, margins, panels
from gaugeflow.report.wording import action_text


def pull_figure(results: dict[str, Any]) -> Figure | None:
    """Deviation of every judged row from its reference with its error (left, over max_error); its pull (right).

    Numbers without errors have no pull.
    """
    rows = [row for row in judge(results) if math.isfinite(row.value)]
    if not rows:
        return None
    figure = Figure(figsize=(11.4, 0.7 + 0.19 * len(rows)))
    deviation, pulls = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    margins(figure, 1, 2, left=0.25 + 0.065 * max(len(row.name) for row in rows), top=0.1)
    figure.subplots_adjust(wspace=0.05)
    y = np.arange(len(rows))[::-1]
    for row, height in zip(rows, y, strict=True):
        colour = BLUE if row.passed else RED
        deviation.errorbar(
            (row.value - row.reference) / row.max_error, height, xerr=row.error / row.max_error, fmt="o", color=colour,
            markersize=3, capsize=2,
        )  # fmt: skip
        if row.reference_error:
            half = row.reference_error / row.max_error
            deviation.fill_betweenx([height - 0.4, height + 0.4], -half, half, color=GREEN, alpha=0.3, linewidth=0)
        if math.isfinite(row.pull):
            pulls.plot(np.clip(row.pull, -5, 5), height, "o", color=colour, markersize=4)
    deviation.axvline(0, color=GREEN, linewidth=1)
    pulls.axvline(0, color=GREEN, linewidth=1)
    pulls.axvspan(-1, 1, color="#e2e8f0", zorder=0)
    for limit in (-MAX_PULL, MAX_PULL):
        pulls.axvline(limit, color=RED, linewidth=0.8, linestyle="--")
    deviation.set_yticks(y, [row.name for row in rows], fontsize=7)
    deviation.set_ylim(-0.8, len(rows) - 0.2)
    deviation.set_xlabel("(value - reference) / max_error")
    pulls.set_xlim(-5.2, 5.2)
    pulls.set_xlabel("pull; grey: one sigma, dashed: limit")
    return figure


def against_beta(results: dict[str, Any], observable: str, ylabel: str) -> Figure | None:
    """One observable of all ensembles against beta, with the references; below it the difference in units of errors.

    One column of panels per action: their betas mean different things.
    """
    points = _points(results, observable)
    if not points:
        return None
    judged = {row.name: row for row in judge(results)}
    actions = list(dict.fromkeys(point.action for point in points))
    figure = Figure(figsize=(5.5 * len(actions), 3.8))
    axes = figure.subplots(2, len(actions), sharex="col", squeeze=False, height_ratios=(3, 1.2))
    margins(figure, 1, len(actions), left=0.75)
    figure.subplots_adjust(hspace=0.1)
    for action, (top, bottom) in zip(actions, axes.T, strict=True):
        own = [point for point in points if point.action == action]
        _draw_against_beta(top, bottom, own, judged, action if len(actions) > 1 else "")
        top.set_ylabel(ylabel)
    return figure


def _draw_against_beta(top: Axes, bottom: Axes, points: Sequence[_Point], judged: dict[str, Row], action: str) -> None:
    sizes = list(dict.fromkeys(point.size for point in points))
    for index, size in enumerate(sizes):
        own = [point for point in points if point.size == size]
        beta = [point.beta + _offset(index, len(sizes), points) for point in own]
        colour = (BLUE, ORANGE, GREY)[index % 3]
        top.errorbar(
            beta, [point.value for point in own], [point.error for point in own], fmt="o", color=colour, markersize=4,
            label=size,
        )  # fmt: skip
        known = [(x, judged[point.name]) for x, point in zip(beta, own, strict=True) if point.name in judged]
        _draw_references(top, bottom, known, colour)
    if not any(point.name in judged for point in points):
        bottom.text(0.5, 0.75, "no reference", color=GREY, ha="center", transform=bottom.transAxes)
    bottom.axhline(0, color=GREEN, linewidth=1)
    bottom.axhspan(-1, 1, color="#e2e8f0", zorder=0)
    bottom.set(xlabel=r"$\beta$", ylabel="pull", ylim=(-4, 4), yticks=(-3, 0, 3))
    if len(sizes) > 1:
        top.legend(loc="best", title=action)
    else:  # a legend's marker could be taken for a measured point
        top.set_title(", ".join([sizes[0], *([action] if action else [])]))


def _draw_references(top, bottom, known: Sequence[tuple[float, Row]], colour: str) -> None:
    if not known:
        return
    values, errors = ([getattr(row, key) for _, row in known] for key in ("reference", "reference_error"))
    top.errorbar([x for x, _ in known], values, errors, fmt="_", color=GREEN, markersize=14, capsize=4)
    finite = [(x, row.pull) for x, row in known if math.isfinite(row.pull)]
    bottom.plot([x for x, _ in finite], np.clip([pull for _, pull in finite], -4, 4), "o", color=colour, markersize=4)


def area_law(results: dict[str, Any], areas: Mapping[str, int]) -> Figure:
    """Wilson loops against their area, one panel per ensemble, logarithmic, with the references (green bars).

    areas   observable -> number of plaquettes that the loop encloses
    """
    references = {reference["name"]: reference for reference in results["references"]}
    figure, axes = panels(len(results["ensembles"]))
    for axis, entry in zip(axes, results["ensembles"], strict=True):
        for observable, area in areas.items():
            name = f"{entry['label']}/{observable}"
            estimate = results["estimates"].get(name)
            if estimate is None or estimate["value"] is None:
                continue
            if name in references:
                axis.plot(area, references[name]["value"], "_", color=GREEN, markersize=18, markeredgewidth=2)
            axis.errorbar(area, estimate["value"], estimate["error"], fmt="o", color=BLUE, markersize=4, capsize=2)
        axis.set_yscale("log")
        axis.set(title=entry["label"], xlabel="area / plaquettes", ylabel="W")
        axis.set_xticks(sorted(set(areas.values())))
        axis.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        axis.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        axis.yaxis.set_minor_formatter(FormatStrFormatter("%g"))
    return figure


@dataclass(frozen=True)
class _Point:
    """An estimate of one ensemble."""

    beta: float
    size: str
    action: str
    name: str
    value: float
    error: float


def loops_and_topology(results: dict[str, Any]) -> dict[str, tuple[Figure | None, str]]:
    """Figures of a 2D theory with a charge: plaquette and susceptibility against beta, loops of area 1, 2, 4."""
    return {
        "plaquette": (against_beta(results, "plaquette", "plaquette"), "Plaquette; green: exact on this lattice"),
        "susceptibility": (
            against_beta(results, "chi_Q", r"$\chi_Q = \langle Q^2\rangle / V$"),
            "Topological susceptibility; green: exact on this lattice",
        ),
        "area_law": (
            area_law(results, {"W(1)": 1, "W(2)": 2, "W(4)": 4}),
            "Wilson loops against area; green: exact on this lattice",
        ),
    }


def _points(results: dict[str, Any], observable: str) -> list[_Point]:
    found = []
    for entry in results["ensembles"]:
        name = f"{entry['label']}/{observable}"
        estimate = results["estimates"].get(name)
        if estimate is not None and estimate["value"] is not None and entry["beta"] is not None:
            size, action = "x".join(map(str, entry["extents"])), action_text(entry.get("action"))
            found.append(_Point(entry["beta"], size, action, name, estimate["value"], estimate["error"]))
    return found


def _offset(index: int, count: int, points: Sequence[_Point]) -> float:
    """Lattices of one beta stand side by side."""
    betas = sorted({point.beta for point in points})
    gap = min((b - a for a, b in pairwise(betas)), default=1.0)
    return 0.06 * gap * (index - (count - 1) / 2)
