"""How well trained networks predict: over seeds, against lattice size, and beside a baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gaugeflow.analysis.curves import Curve, Series
from gaugeflow.analysis.model_data import ModelData, lowest, median
from gaugeflow.stats.estimate import Estimate, derive

Models = Sequence[ModelData]
"""One network with several seeds."""

MOST_POINTS = 400
"""Points of a scatter plot are thinned to about this many."""


def size_name(extents: Sequence[int]) -> str:
    """8x8: as in labels of ensembles."""
    return "x".join(map(str, extents))


def squared_errors(models: Models) -> dict[str, Estimate]:
    """<lattice>/mse, /best and /worst: median, lowest and highest mean squared error of the volume average over seeds.

    Errors are those of the test data.
    """
    found: dict[str, Estimate] = {}
    for extents in models[0].lattices():
        each = [model.squared_error(extents) for model in models]
        name = size_name(extents)
        found[f"{name}/mse"] = median(each)
        if len(each) > 1:
            found[f"{name}/best"] = lowest(each)
            found[f"{name}/worst"] = max(each, key=lambda estimate: estimate.value)
    return found


def log_volume_ratio(models: Models, small: Sequence[int], large: Sequence[int]) -> Estimate:
    """log10 of MSE(large) / MSE(small), median over seeds of each.

    0: an error of the weights, the same on every lattice; -log10 of the ratio of volumes: fluctuations of sites.
    """
    pair = [median(model.squared_error(tuple(extents)) for model in models) for extents in (large, small)]
    return derive(lambda a, b: math.log10(a / b), *pair)


def volume_exponent(models: Models) -> Estimate:
    """Slope of log MSE against log V over all tested lattices, least squares without weights: 0 and -1 as above."""
    lattices = models[0].lattices()
    x = np.log([math.prod(extents) for extents in lattices])
    x = x - x.mean()
    each = [median(model.squared_error(extents) for model in models) for extents in lattices]
    return derive(lambda *values: float(x @ np.log(values) / (x @ x)), *each)


def over(models: Models, baseline: Models, extents: Sequence[int]) -> Estimate:
    """Lowest MSE of some models over the lowest of the baseline, on one lattice."""
    best = [lowest(model.squared_error(tuple(extents)) for model in those) for those in (models, baseline)]
    return derive(lambda a, b: a / b, *best)


def over_mean_predictor(models: Models, extents: Sequence[int]) -> Estimate:
    """Lowest MSE over that of who predicts the mean over all ensembles."""
    best = lowest(model.squared_error(tuple(extents)) for model in models)
    return derive(lambda a, b: a / b, best, models[0].mean_predictor(tuple(extents)))


def gauge_spread(models: Models, extents: Sequence[int]) -> Estimate:
    """Standard deviation of a prediction under random gauge transformations of the same links, median over seeds."""
    return derive(math.sqrt, median(model.gauge_spread(tuple(extents)) for model in models))


def fragility(models: Models, extents: Sequence[int]) -> Estimate:
    """That spread over the root of the MSE, medians over seeds: 0 for invariant numbers."""
    spread = median(model.gauge_spread(tuple(extents)) for model in models)
    error = median(model.squared_error(tuple(extents)) for model in models)
    return derive(lambda a, b: math.sqrt(a / b), spread, error)


def against_volume(title: str, networks: Sequence[Models]) -> Curve:
    """MSE against lattice size: every network's median, and what is reached without looking at the links."""
    series = []
    for models in networks:
        lattices = models[0].lattices()
        volumes = [float(math.prod(extents)) for extents in lattices]
        each = [median(model.squared_error(extents) for model in models) for extents in lattices]
        series.append(Series.of(models[0].label, volumes, each))
        lowest_values = [lowest(model.squared_error(extents) for model in models).value for extents in lattices]
        series.append(Series(f"{models[0].label}, best", volumes, lowest_values, line=True))
    first = networks[0][0]
    lattices = first.lattices()
    volumes = [float(math.prod(extents)) for extents in lattices]
    means = [first.ensemble_means(extents).value for extents in lattices]
    series.append(Series("mean of each ensemble", volumes, means, line=True))
    return Curve(
        title,
        "sites",
        "MSE of the volume average",
        tuple(series),
        xscale="log",
        yscale="log",
        caption="Mean squared error of the volume average against lattice size, median over seeds and best seed. An "
        "error of the weights is flat; who predicts the mean of each ensemble is left with its fluctuations, ~ 1/V.",
    )


def predicted_against_true(title: str, networks: Sequence[Models], extents: Sequence[int]) -> Curve:
    """Prediction against target on one lattice for the best model of every network, and the diagonal."""
    return _scatter(
        Curve(
            title,
            "target, volume average",
            "prediction, volume average",
            _best(networks, extents, "target", "prediction"),
            caption="Prediction against target, one point per configuration, best seed of each network.",
        )
    )


def in_another_gauge(title: str, networks: Sequence[Models], extents: Sequence[int]) -> Curve:
    """Prediction from the same links in two gauges, the second random, for the best model of every network."""
    return _scatter(
        Curve(
            title,
            "prediction, volume average",
            "prediction in another gauge",
            _best(networks, extents, "prediction", "rotated_prediction"),
            caption="Predictions from the same links in two gauges, one point per configuration, best seed of each "
            "network. Invariant predictions lie on the diagonal.",
        )
    )


def _best(networks: Sequence[Models], extents: Sequence[int], across: str, up: str) -> tuple[Series, ...]:
    """One number against another for every network's best model."""
    series = []
    for models in networks:
        best = min(models, key=lambda model: model.squared_error(tuple(extents)).value)
        found = best.on(tuple(extents))
        x, y = (np.concatenate([p.numbers[name].ravel() for p in found]) for name in (across, up))
        step = max(1, len(x) // MOST_POINTS)
        series.append(Series(models[0].label, x[::step].tolist(), y[::step].tolist()))
    return tuple(series)


def _scatter(curve: Curve) -> Curve:
    """The same with the diagonal."""
    ends = [float(end([end(series.x) for series in curve.series])) for end in (min, max)]
    return replace(curve, series=(*curve.series, Series("diagonal", ends, ends, line=True)))
