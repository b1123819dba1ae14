"""Curves that a study added to its results: one figure per name before the slash, one panel per curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gaugeflow.report.style import COLOURS, RED, panels, plain_numbers


def curve_figures(results: dict[str, Any]) -> dict[str, tuple[Figure, str]]:
    """Name of the figure -> (Figure, caption); results without curves have none."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for name, curve in results.get("curves", {}).items():
        grouped.setdefault(name.partition("/")[0], []).append(curve)
    return {name: (_figure(curves), _caption(name, curves)) for name, curves in grouped.items()}


def _caption(name: str, curves: list[dict[str, Any]]) -> str:
    return curves[0]["caption"] or f"{curves[0]['ylabel']} against {curves[0]['xlabel']}"


def _figure(curves: list[dict[str, Any]]) -> Figure:
    figure, axes = panels(len(curves), width=4.9, height=3.3, columns=2)
    for axis, curve in zip(axes, curves, strict=True):
        for colour, series in zip(_colours(len(curve["series"])), curve["series"], strict=True):
            _draw(axis, series, colour)
        for height, text in curve["guides"]:
            axis.axhline(height, color=RED, linewidth=0.8, linestyle="--", label=text)
        axis.set(title=curve["title"], xlabel=curve["xlabel"], ylabel=curve["ylabel"])
        axis.set(xscale=curve["xscale"], yscale=curve["yscale"])
        for direction in (axis.xaxis, axis.yaxis):
            plain_numbers(direction)
        if len(curve["series"]) + len(curve["guides"]) > 1:
            axis.legend(loc="best")
    return figure


def _colours(count: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(count)]


def _draw(axis: Axes, series: dict[str, Any], colour: str) -> None:
    """Points with error bars, or a line with a band; null is drawn as a gap."""
    x, y = (np.array(series[key], dtype=float) for key in ("x", "y"))
    yerr, xerr = (None if series[key] is None else np.array(series[key], dtype=float) for key in ("yerr", "xerr"))
    if series["line"]:
        axis.plot(x, y, color=colour, label=series["label"])
        if yerr is not None:
            axis.fill_between(x, y - yerr, y + yerr, color=colour, alpha=0.25, linewidth=0)
        return
    axis.errorbar(x, y, yerr, xerr, fmt="o", color=colour, markersize=3.5, capsize=2, label=series["label"])
