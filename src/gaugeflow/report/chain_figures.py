"""How the Markov chains behaved: histories, autocorrelation, error against bin size, dH and charge."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gaugeflow.report.style import BLUE, COLOURS, GREY, ORANGE, RED, panels, plain_numbers
from gaugeflow.stats.estimate import format_estimate


def _with(results: dict[str, Any], key: str) -> dict[str, dict[str, Any]]:
    """label -> diagnostics of the ensembles that have something under a key: files of other codes may have nothing."""
    return {label: content for label, content in results["diagnostics"].items() if content.get(key)}


def history_figure(results: dict[str, Any]) -> Figure | None:
    """Plaquette per trajectory: single chains, mean of cold and of hot starts; thermalisation shaded."""
    chosen = _with(results, "history")
    if not chosen:
        return None
    figure, axes = panels(len(chosen))
    for axis, (label, content) in zip(axes, chosen.items(), strict=True):
        history = content["history"]
        x = np.array(history["trajectory"]) + 1
        for chain in history["chains"]:
            axis.plot(x, chain, color=GREY, alpha=0.35, linewidth=0.5)
        if "hot" in history:
            axis.plot(x, history["hot"], color=ORANGE, label="hot chains")
            axis.plot(x, history["cold"], color=BLUE, label="cold chains")
        else:
            axis.plot(x, history["mean"], color=BLUE, label="all chains")
        if history["n_thermalisation"] > 0:
            axis.axvspan(1, max(history["n_thermalisation"], 1), color="#edf2f7", zorder=0)
            axis.axvline(history["n_thermalisation"], color=GREY, linewidth=0.8, linestyle=":")
        axis.set_xscale("log")
        axis.set(title=label, xlabel="trajectory", ylabel="plaquette")
    axes[0].legend(loc="best")
    return figure


def autocorrelation_figure(results: dict[str, Any]) -> Figure | None:
    """rho(t) of the saved configurations up to the window of the Gamma method (dotted), with tau_int."""
    chosen = _with(results, "autocorrelation")
    if not chosen:
        return None
    figure, axes = panels(len(chosen))
    for axis, (label, content) in zip(axes, chosen.items(), strict=True):
        for colour, (name, curve) in zip(COLOURS, content["autocorrelation"].items(), strict=False):
            text = name if curve["tau_int"] is None else f"{name}: {_tau_text(curve)}"
            axis.plot(range(len(curve["rho"])), curve["rho"], "o-", markersize=2.5, color=colour, label=text)
            axis.axvline(curve["window"], color=colour, linestyle=":", linewidth=0.8)
        axis.axhline(0, color=GREY, linewidth=0.8)
        axis.set(title=label, xlabel="lag / saved configurations", ylabel=r"$\rho(t)$")
        axis.set_ylim(bottom=min(-0.2, axis.get_ylim()[0]))
        axis.legend(loc="upper right")
    return figure


def _tau_text(curve: dict[str, Any]) -> str:
    return rf"$\tau_{{int}}$ = {format_estimate(curve['tau_int'], curve['tau_int_error'])}"


def binning_figure(results: dict[str, Any]) -> Figure | None:
    """Jackknife error of the plaquette against bin size; band: Gamma method."""
    chosen = _with(results, "binning")
    if not chosen:
        return None
    figure, axes = panels(len(chosen))
    for axis, (label, content) in zip(axes, chosen.items(), strict=True):
        for colour, (name, curve) in zip(COLOURS, content["binning"].items(), strict=False):
            scale = curve["error"][0] or 1.0
            error, spread = np.array(curve["error"]) / scale, np.array(curve["error_error"]) / scale
            axis.errorbar(curve["bin_size"], error, spread, fmt="o", markersize=3, color=colour, label=name)
            if curve["gamma_error"] is not None:
                middle, half = curve["gamma_error"] / scale, curve["gamma_error_error"] / scale
                axis.axhspan(middle - half, middle + half, color=colour, alpha=0.2, linewidth=0)
        axis.set_xscale("log")
        plain_numbers(axis.xaxis)
        axis.set_ylim(0, 1.4 * axis.get_ylim()[1])  # room for the legend above the points
        axis.set(title=label, xlabel="bin size / configurations", ylabel="error / naive error")
        axis.legend(loc="upper left", title="band: Gamma method", title_fontsize=7, ncols=3, columnspacing=1.0)
    return figure


def delta_h_figure(results: dict[str, Any]) -> Figure | None:
    """Histogram of dH with the Gaussian of mean s^2/2 and variance s^2 that <exp(-dH)> = 1 asks for at large volume.

    Of the ensembles whose sampler accepts and rejects; None where there is none.
    """
    chosen = {label: content["delta_h"] for label, content in results["diagnostics"].items() if "delta_h" in content}
    if not chosen:
        return None
    figure, axes = panels(len(chosen))
    entries = {entry["label"]: entry for entry in results["ensembles"]}
    for axis, (label, histogram) in zip(axes, chosen.items(), strict=True):
        edges, counts = np.array(histogram["edges"], dtype=float), np.array(histogram["counts"], dtype=float)
        density = counts / max(counts.sum(), 1) / np.diff(edges)
        axis.stairs(density, edges, fill=True, color=BLUE, alpha=0.35)
        sigma = max(histogram["std"], 1e-12)
        x = np.linspace(edges[0], edges[-1], 200)
        gauss = np.exp(-0.5 * ((x - sigma**2 / 2) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        axis.plot(x, gauss, color=ORANGE, label=r"Gaussian, mean $\sigma^2/2$")
        axis.set(
            title=f"{label}: acceptance {entries[label]['acceptance']:.3f}", xlabel=r"$\Delta H$", ylabel="density"
        )
        axis.set_ylim(0, 1.35 * max(density.max(), gauss.max()))
        axis.xaxis.set_major_locator(MaxNLocator(5))
    axes[0].legend(loc="upper right")
    return figure


def charge_figure(results: dict[str, Any]) -> Figure | None:
    """Topological charge of a few chains against trajectory; None where no ensemble has one."""
    chosen = {label: content["charge"] for label, content in results["diagnostics"].items() if "charge" in content}
    if not chosen:
        return None
    figure, axes = panels(len(chosen))
    for axis, (label, charge) in zip(axes, chosen.items(), strict=True):
        for colour, chain in zip(COLOURS, charge["chains"], strict=False):
            axis.step(charge["trajectory"], chain, color=colour, linewidth=0.8, where="mid")
        axis.set(title=f"{label}: Q of {len(charge['chains'])} chains", xlabel="trajectory", ylabel="Q")
    return figure


def flowed_charge_figure(results: dict[str, Any]) -> Figure | None:
    """Charge of a few chains at the last flow time, and how often each integer occurs; None where none was flowed."""
    found = [
        (label, name, charge)
        for label, content in results["diagnostics"].items()
        for name, charge in list(content.get("flowed_charge", {}).items())[:1]
    ]
    if not found:
        return None
    figure, axes = panels(2 * len(found), columns=2)
    for (label, name, charge), history, counts in zip(found, axes[0::2], axes[1::2], strict=True):
        for colour, chain in zip(COLOURS, charge["chains"], strict=False):
            history.plot(charge["trajectory"], chain, ".-", color=colour, linewidth=0.6, markersize=3)
        flow_time = rf"{name.replace('_', ' ')} at $t/a^2$ = {charge['flow_time']:g}"
        history.set(title=f"{label}: {flow_time}", xlabel="trajectory", ylabel="Q")
        low, high = history.get_ylim()
        history.set_ylim(min(low, -0.6), max(high, 0.6))  # what never leaves zero is shown against one unit of charge
        total = sum(charge["counts"])
        counts.bar(charge["values"], np.array(charge["counts"]) / total, color=BLUE, alpha=0.6)
        counts.set(title=f"{label}: all chains", xlabel="Q rounded to integers", ylabel="share")
        counts.set_xlim(min(charge["values"][0], -2) - 0.5, max(charge["values"][-1], 2) + 0.5)
        counts.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    return figure


def flow_figure(results: dict[str, Any]) -> Figure | None:
    """t^2 <E(t)> of every flow with the threshold, and t0 read off where the study estimates it.

    One panel per ensemble and flow; a study with several flows has one row of panels per ensemble.
    """
    chosen = [
        (label, kind, flow)
        for label, content in results["diagnostics"].items()
        for kind, flow in content.get("flows", {}).items()
    ]
    if not chosen:
        return None
    kinds = list(dict.fromkeys(kind for _, kind, _ in chosen))
    figure, axes = panels(len(chosen), columns=len(kinds) if len(kinds) > 1 else 3)
    for axis, (label, kind, flow) in zip(axes, chosen, strict=True):
        x = np.array(flow["flow_time"])
        names = [name.removeprefix("energy_") for name in flow if name.startswith("energy_")]
        for colour, name in zip(COLOURS, names, strict=False):
            curve = flow[f"energy_{name}"]
            t2e, error = np.array(curve["t2e"], dtype=float), np.array(curve["error"], dtype=float)
            axis.plot(x, t2e, color=colour, label=f"E {name.replace('_', ' ')}")
            axis.fill_between(x, t2e - error, t2e + error, color=colour, alpha=0.3, linewidth=0)
            estimate = _t0(results, label, name, kind, first=kind == kinds[0])
            if estimate is not None:
                axis.errorbar(
                    estimate["value"], flow["t0_threshold"], xerr=estimate["error"], fmt="o", color=colour,
                    markersize=4, capsize=2, label=rf"$t_0/a^2$ = {estimate['text']}",
                )  # fmt: skip
        level = flow["t0_threshold"]
        axis.axhline(level, color=RED, linewidth=0.8, linestyle="--", label=rf"$t_0$ at {level:g}")
        axis.set(title=f"{label}: {kind.capitalize()} flow", xlabel=r"$t/a^2$", ylabel=r"$t^2\langle E\rangle$")
        axis.set_ylim(0, 1.7 * axis.get_ylim()[1])  # room for the legend above the curves
        axis.legend(loc="upper left", ncols=2)
    return figure


def _t0(results: dict[str, Any], label: str, energy: str, kind: str, first: bool) -> dict[str, Any] | None:
    """Estimate `t0_<energy>_<flow>`; of the first flow also `t0_<energy>`, or `t0` for clover; None without a value."""
    names = [f"t0_{energy}_{kind}"]
    if first:
        names += [f"t0_{energy}", *(["t0"] if energy == "clover" else [])]
    for name in names:
        estimate = results["estimates"].get(f"{label}/{name}")
        if estimate is not None and estimate["value"] is not None:
            return estimate
    return None
