"""What stands behind estimates, drawn: static potentials with their effective masses, fits with their residuals."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gaugeflow.report.detail_tables import chi2_text, details_of
from gaugeflow.report.style import BLUE, COLOURS, GREY, ORANGE, panels


def potential_figure(results: dict[str, Any]) -> Figure | None:
    """V(R) (left), and V_eff(R, T) against T with the plateaus that give it (right); one row per potential."""
    chosen = details_of(results, "potential")
    if not chosen:
        return None
    figure, axes = panels(2 * len(chosen), width=4.9, height=3.3, columns=2)
    for (name, potential), values, masses in zip(chosen.items(), axes[0::2], axes[1::2], strict=True):
        points = [point for point in potential["points"] if point["value"] is not None]
        r, value, error = ([point[key] for point in points] for key in ("r", "value", "error"))
        values.errorbar(r, value, error, fmt="o", color=BLUE, markersize=4, capsize=2)
        values.set(title=name, xlabel="R / a", ylabel="a V(R)")
        _effective_masses(masses, potential["points"])
        for axis in (values, masses):
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            axis.margins(x=0.12)
    return figure


def _effective_masses(axis: Axes, points: list[dict[str, Any]]) -> None:
    """Points of every R, and the band of its plateau over the fitted T."""
    for index, point in enumerate(points):
        colour = COLOURS[index % len(COLOURS)]
        known = [mass for mass in point["effective"] if mass["value"] is not None and mass["error"] is not None]
        t, value, error = ([mass[key] for mass in known] for key in ("t", "value", "error"))
        axis.errorbar(t, value, error, fmt="o", color=colour, markersize=3.5, capsize=2, label=f"R = {point['r']}")
        if point["value"] is None or point["error"] is None:
            continue
        first, last = point["plateau"]
        low, high = point["value"] - point["error"], point["value"] + point["error"]
        axis.fill_between([first - 0.25, last + 0.25], low, high, color=colour, alpha=0.3, linewidth=0)
    axis.set(title="effective masses; band: plateau", xlabel="T / a", ylabel=r"a $V_\mathrm{eff}(R, T)$")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high + 0.25 * (high - low))  # room for the legend above the points
    axis.legend(loc="upper center", ncols=4, columnspacing=1.0, handletextpad=0.3)


def fit_figure(results: dict[str, Any]) -> Figure | None:
    """Points and fitted curve with its error (left), residuals in units of the points' errors (right); a row per fit.

    Fits without a curve (they found no minimum) are left out; None where no fit is left.
    """
    chosen = {name: fit for name, fit in details_of(results, "fit").items() if fit["curve"]}
    if not chosen:
        return None
    figure, axes = panels(2 * len(chosen), width=4.9, height=3.0, columns=2)
    for (name, fit), curve, residuals in zip(chosen.items(), axes[0::2], axes[1::2], strict=True):
        x, y, error = (np.array([point[key] for point in fit["points"]], float) for key in ("x", "value", "error"))
        along, middle, half = (np.array([p[key] for p in fit["curve"]], float) for key in ("x", "value", "error"))
        curve.errorbar(x, y, error, fmt="o", color=BLUE, markersize=4, capsize=2)
        curve.plot(along, middle, color=ORANGE)
        curve.fill_between(along, middle - half, middle + half, color=ORANGE, alpha=0.3, linewidth=0)
        curve.set(title=name, xlabel="x", ylabel="data and fit")
        residuals.axhspan(-1, 1, color="#e2e8f0", zorder=0)
        residuals.axhline(0, color=GREY, linewidth=0.8)
        residuals.errorbar(x, (y - np.array(fit["fitted"], float)) / error, 1, fmt="o", color=BLUE, markersize=4)
        residuals.set(title=rf"$\chi^2$ / dof = {chi2_text(fit)}", xlabel="x", ylabel="(data - fit) / error")
        for axis in (curve, residuals):
            axis.margins(x=0.08)
    return figure
