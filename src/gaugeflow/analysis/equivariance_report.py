"""Figures of merit of equivariant and plain networks side by side.                          arXiv:2203.06153

Accuracy per weight, accuracy against the amount of data, robustness to gauge transformations and to volume, and cost.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

from gaugeflow.analysis.curves import Curve, Series, Table
from gaugeflow.analysis.model_data import ModelData, median
from gaugeflow.analysis.regression import Models, fragility, gauge_spread, size_name, volume_exponent
from gaugeflow.stats.estimate import Estimate, derive

COLUMNS = (
    "network",
    "target",
    "weights",
    "configurations",
    "seeds",
    "MSE (median)",
    "digits",
    "digits per 100 weights",
    "gauge spread",
    "spread / error",
    "volume exponent",
    "training / s",
    "steps",
)


def digits(models: Models, extents: Sequence[int]) -> Estimate:
    """-log10 of MSE over the variance of the target, median over seeds: 0 for who predicts the mean."""
    error = median(model.squared_error(tuple(extents)) for model in models)
    return derive(lambda a, b: -math.log10(a / b), error, models[0].mean_predictor(tuple(extents)))


def networks_of(models: Sequence[ModelData]) -> list[list[ModelData]]:
    """Models of one label together, in the order of the study."""
    return [list(group) for _, group in groupby(models, key=lambda model: model.label)]


def report_table(models: Sequence[ModelData], title: str = "equivariant and plain networks") -> Table:
    """One row per network, on the smallest lattice that it was tested on; volume exponent over all of them."""
    rows = tuple(_row(network) for network in networks_of(models))
    return Table(
        title,
        COLUMNS,
        rows,
        caption="digits: -log10(MSE / variance of the target); gauge spread: standard deviation of the prediction from "
        "one configuration in random gauges; volume exponent: MSE ~ V^p. All but that on the smallest lattice.",
    )


def _row(models: Models) -> tuple[str | int | float | Estimate, ...]:
    first = models[0]
    smallest = first.lattices()[0]
    accuracy = digits(models, smallest)
    trained = [model for model in models if model.history]
    seconds = float(np.median([model.seconds for model in trained])) if trained else math.nan
    return (
        first.label,
        f"{first.target}, {first.group} {size_name(smallest)}",
        first.weights,
        first.configurations,
        len(models),
        median(model.squared_error(smallest) for model in models),
        accuracy,
        100 * accuracy.value / first.weights,
        gauge_spread(models, smallest).value,
        fragility(models, smallest).value,
        volume_exponent(models) if len(first.lattices()) > 1 else math.nan,
        round(seconds, 1),
        first.steps,
    )


def learning_curves(models: Sequence[ModelData]) -> dict[str, Curve]:
    """Accuracy against configurations, a panel per target and group: networks that differ in their data are one line.

    Only targets for which some network was trained on more than one amount of data.
    """
    panels: dict[tuple[str, str, int], dict[str, list[Models]]] = {}
    for network in networks_of(models):
        first = network[0]
        panel = panels.setdefault((first.target, first.group, first.ndim), {})
        panel.setdefault(json.dumps(first.network, sort_keys=True), []).append(network)
    found = {}
    for (target, group, ndim), lines in panels.items():
        if any(len({network[0].configurations for network in line}) > 1 for line in lines.values()):
            title = f"{target}, {group} {ndim}D"
            found[f"learning_curves/{target}_{group}_{ndim}d"] = _learning_curve(title, lines)
    return found


def _learning_curve(title: str, lines: Mapping[str, Sequence[Models]]) -> Curve:
    series = []
    for line in lines.values():
        ordered = sorted(line, key=lambda network: network[0].configurations)
        values = [digits(network, network[0].lattices()[0]) for network in ordered]
        name = f"{ordered[-1][0].kind}, {ordered[-1][0].weights} weights"
        series.append(Series.of(name, [float(network[0].configurations) for network in ordered], values))
    return Curve(
        title,
        "configurations trained on",
        "-log10(MSE / variance)",
        tuple(series),
        xscale="log",
        caption="Accuracy against the amount of training data, median over seeds, on the smallest lattice.",
    )


def accuracy_per_weight(models: Sequence[ModelData]) -> Curve:
    """Accuracy against the number of weights, a point per network."""
    kinds = sorted({model.kind for model in models})
    series = []
    for kind in kinds:
        networks = networks_of([model for model in models if model.kind == kind])
        x = [float(network[0].weights) for network in networks]
        series.append(Series.of(kind, x, [digits(network, network[0].lattices()[0]) for network in networks]))
    return Curve(
        "accuracy per weight",
        "weights",
        "-log10(MSE / variance)",
        tuple(series),
        xscale="log",
        caption="Accuracy against the number of weights, all targets, median over seeds, on the smallest lattice.",
    )
