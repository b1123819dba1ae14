"""What trained networks say of a study's ensembles, as its `analyse` sees it.

Axes are those of ensembles: (configurations, chains), one number per configuration, a mean over its sites.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gaugeflow.analysis.dataset import EnsembleData
from gaugeflow.errors import ConfigError
from gaugeflow.stats.estimate import Estimate, derive


@dataclass(frozen=True, eq=False)
class Prediction:
    """One model on one ensemble.

    numbers    name -> (configurations, chains): prediction, rotated_prediction (of the same links in another gauge),
               target, local_mse, local_target_variance, local_covariance; docs/file_format.md
    """

    ensemble: EnsembleData
    numbers: Mapping[str, np.ndarray]

    @property
    def extents(self) -> tuple[int, ...]:
        """Lattice (x, .., t)."""
        return tuple(self.ensemble.spec.extents)

    @property
    def volume(self) -> int:
        """Number of sites."""
        return self.ensemble.volume

    def mean(self, series: Callable[[Mapping[str, np.ndarray]], np.ndarray]) -> Estimate:
        """Jackknife over configurations and chains of a function of the numbers."""
        return self.ensemble.estimate(series(self.numbers))


@dataclass(frozen=True, eq=False)
class ModelData:
    """One network with one seed.

    label, seed       of its entry in the study; a model trained elsewhere has no seed
    model_id          name of its folder
    kind              lcnn, cnn, ..
    target            name of what it predicts: w1x2, qp, ..
    weights           number of real weights
    trained_on        labels of ensembles;  configurations    how many of them gradients were computed on
    group, ndim       of the links
    network           its settings, JSON types;  steps_per_epoch    batches of its training
    history           name -> (epochs,): training_loss, validation_loss, learning_rate, gradient_norm, seconds
    predictions       label of ensemble -> what it says
    inputs            file -> hash
    """

    label: str
    seed: int | None
    model_id: str
    kind: str
    target: str
    weights: int
    trained_on: tuple[str, ...]
    configurations: int
    group: str
    ndim: int
    network: Mapping[str, Any]
    steps_per_epoch: int
    history: Mapping[str, np.ndarray]
    predictions: Mapping[str, Prediction]
    inputs: Mapping[str, str]

    @property
    def seconds(self) -> float:
        """Wall time of the training."""
        return float(self.history["seconds"].sum())

    @property
    def steps(self) -> int:
        """Steps of the optimiser that it took; 0 of a model trained elsewhere."""
        return len(self.history["seconds"]) * self.steps_per_epoch if self.history else 0

    def lattices(self) -> list[tuple[int, ...]]:
        """Extents of the ensembles it was tested on, by volume."""
        found = {prediction.extents for prediction in self.predictions.values()}
        return sorted(found, key=lambda extents: (math.prod(extents), extents))

    def on(self, extents: tuple[int, ...]) -> list[Prediction]:
        """Its predictions on the ensembles of one lattice.

        Raises    ConfigError if there are none
        """
        found = [prediction for prediction in self.predictions.values() if prediction.extents == extents]
        if not found:
            raise ConfigError(
                f"model {self.label}: no predictions on extents {extents}, only on {self.lattices()}; add to test_on"
            )
        return found

    def squared_error(self, extents: tuple[int, ...]) -> Estimate:
        """Mean squared error of the volume average, mean over the ensembles of one lattice."""
        return average(p.mean(lambda n: (n["prediction"] - n["target"]) ** 2) for p in self.on(extents))

    def gauge_spread(self, extents: tuple[int, ...]) -> Estimate:
        """Variance of the predicted volume average under random gauge transformations of one configuration.

        Half the mean square of the difference between two gauges.
        """
        return average(p.mean(lambda n: (n["prediction"] - n["rotated_prediction"]) ** 2 / 2) for p in self.on(extents))

    def mean_predictor(self, extents: tuple[int, ...]) -> Estimate:
        """Mean squared error of who predicts the targets' mean over all ensembles: their variance."""
        found = self.on(extents)
        means = [p.mean(lambda n: n["target"]) for p in found]
        squares = [p.mean(lambda n: n["target"] ** 2) for p in found]

        def variance(*values: float) -> float:
            first, second = np.mean(values[: len(means)]), np.mean(values[len(means) :])
            return float(second - first**2)

        return derive(variance, *means, *squares)

    def ensemble_means(self, extents: tuple[int, ...]) -> Estimate:
        """Mean squared error of who knows the mean of every ensemble and nothing of a configuration; ~ 1 / volume."""
        each = []
        for prediction in self.on(extents):
            first, second = prediction.mean(lambda n: n["target"]), prediction.mean(lambda n: n["target"] ** 2)
            each.append(derive(lambda a, b: b - a * a, first, second))
        return average(each)


def average(estimates: Iterable[Estimate]) -> Estimate:
    """Their mean; correlated where they are of one ensemble."""
    found = list(estimates)
    return found[0] if len(found) == 1 else derive(lambda *values: float(np.mean(values)), *found)


def median(estimates: Iterable[Estimate]) -> Estimate:
    """The median of several models' numbers; its error is that of the test data, not the spread over models."""
    found = list(estimates)
    return found[0] if len(found) == 1 else derive(lambda *values: float(np.median(values)), *found)


def lowest(estimates: Iterable[Estimate]) -> Estimate:
    """The best model's number."""
    return min(estimates, key=lambda estimate: estimate.value)
