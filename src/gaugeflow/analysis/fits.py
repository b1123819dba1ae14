"""Correlated fits of models to estimates with shared jackknife bins.

    chi^2(p) = sum_ab (y_a - f(x_a; p)) (C^-1)_ab (y_b - f(x_b; p)) + sum_k (p_k - prior_k)^2 / width_k^2

C is the jackknife covariance of the whole data set, the same in the fit of every sample. Parameters are functions of
the data, so they go through `derive_all`: they have samples, correlate with everything else of the ensemble, and have a
Gamma-method error. A prior enters as one more number with an error of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy import optimize, stats

from gaugeflow.analysis.models import LinearModel, Model
from gaugeflow.analysis.results import finite
from gaugeflow.errors import ConfigError
from gaugeflow.stats.covariance import FULL, CovarianceChoice, jackknife_covariance, regularised, whitening
from gaugeflow.stats.estimate import Estimate, aligned_samples, derive_all, external, with_common_bins

BINS_PER_POINT = 10
"""Fewer bins than this per point give a warning: the errors of parameters are then some 5 % and more too small."""

CURVE_POINTS = 41
"""Points of the curve that a report draws."""

TOLERANCE = 1e-12
"""Relative accuracy asked of chi^2 and of parameters (MINPACK's ftol and xtol)."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model.

    parameters  name -> Estimate with samples
    chi2, dof   minimum, and points - parameters + priors
    p_value     probability of a larger chi^2 if model and errors are right; NaN for dof = 0 and diagonal fits
    x, data     the points
    bins        jackknife samples behind the covariance
    """

    model: LinearModel | Model
    parameters: Mapping[str, Estimate]
    chi2: float
    dof: int
    p_value: float
    x: np.ndarray
    data: tuple[Estimate, ...]
    covariance: CovarianceChoice
    priors: Mapping[str, tuple[float, float]]
    bins: int
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Estimate:
        return self.parameters[name]

    def as_json(self) -> dict[str, Any]:
        """The fit as JSON types, for results.json (`details`)."""
        values = [estimate.value for estimate in self.parameters.values()]
        return {
            "kind": "fit",
            "formula": self.model.formula,
            "parameters": {name: _entry(estimate) for name, estimate in self.parameters.items()},
            "points": [{"x": float(x), **_entry(point)} for x, point in zip(self.x, self.data, strict=True)],
            "fitted": [finite(value) for value in self.model(self.x, *values)],
            "curve": self._curve(),
            "chi2": finite(self.chi2),
            "dof": self.dof,
            "p_value": finite(self.p_value),
            "covariance": asdict(self.covariance),
            "priors": {name: list(prior) for name, prior in self.priors.items()},
            "bins": self.bins,
            "warnings": list(self.warnings),
        }

    def _curve(self) -> list[dict[str, float | None]]:
        """The model along the fit range with its error, which is the jackknife's of the parameters."""
        if not math.isfinite(self.chi2):
            return []
        x = np.linspace(self.x.min(), self.x.max(), CURVE_POINTS)
        values = derive_all(lambda *p: self.model(x, *p), *self.parameters.values())
        return [
            {"x": float(place), "value": finite(value.value), "error": finite(value.error)}
            for place, value in zip(x, values, strict=True)
        ]


def fit(
    model: LinearModel | Model,
    x: Sequence[float],
    data: Sequence[Estimate],
    *,
    what: str,
    covariance: CovarianceChoice = FULL,
    priors: Mapping[str, tuple[float, float]] | None = None,
) -> Fit:
    """Fit `model` to the points (x, data).

    what      name of the fit in errors and warnings
    priors    parameter -> (value, width)

    A point without a value, or a fit that does not converge, gives parameters NaN and a warning that says why.

    Raises    ConfigError before any work for fewer points and priors than parameters, points and x of different number,
              a prior of no parameter; and for a covariance that cannot be inverted
    """
    priors = dict(priors or {})
    check_range(model, x, data, priors, what)
    x, data = np.array(x, dtype=float), with_common_bins(data)
    bins = len(aligned_samples(data)[0])
    missing = [f"{position:g}" for position, point in zip(x, data, strict=True) if not math.isfinite(point.error)]
    dof = len(data) - len(model.names) + len(priors)
    if missing:
        text = f"{what}: no fit, because the points at x = {', '.join(missing)} have no value; take a smaller range"
        return _without_value(model, x, data, covariance, priors, bins, dof, text)
    whiten = whitening(regularised(jackknife_covariance(data), covariance), what)
    solver = _linear_solver if isinstance(model, LinearModel) else _solver
    solve = solver(model, x, whiten, priors, what)
    inputs = [*data, *(external(f"prior {name} of {what}", *prior) for name, prior in priors.items())]
    parameters = derive_all(solve, *inputs)
    if not all(math.isfinite(estimate.error) for estimate in parameters):
        text = f"{what}: the fit does not converge in all samples; start nearer to the minimum, or fit fewer parameters"
        return _without_value(model, x, data, covariance, priors, bins, dof, text)
    values = [estimate.value for estimate in parameters]
    y = np.array([estimate.value for estimate in data])
    residuals = np.concatenate([whiten @ (y - model(x, *values)), _prior_residuals(model, priors, values)])
    chi2 = float(residuals @ residuals)
    warnings = _few_bins(what, bins, len(data), covariance)
    return Fit(
        model,
        {name: replace(e, warnings=(*e.warnings, *warnings)) for name, e in zip(model.names, parameters, strict=True)},
        chi2, dof, _p_value(chi2, dof, data, covariance), x, data, covariance, priors, bins, warnings,
    )  # fmt: skip


def check_range(model, x: Sequence[float], data: Sequence[Estimate], priors: Mapping[str, Any], what: str) -> None:
    """Whether the points can determine the parameters.

    Raises ConfigError
    """
    if len(x) != len(data):
        raise ConfigError(f"{what}: {len(x)} positions for {len(data)} points")
    unknown = sorted(set(priors) - set(model.names))
    if unknown:
        raise ConfigError(f"{what}: prior of {unknown[0]!r}, but the parameters are {', '.join(model.names)}")
    for name, (_, width) in priors.items():
        if not width > 0:
            raise ConfigError(f"{what}: the prior of {name} has width {width}, wanted a positive number")
    if len(data) + len(priors) < len(model.names) or not len(data):
        raise ConfigError(
            f"{what}: {len(data)} points and {len(priors)} priors for the {len(model.names)} parameters "
            f"{', '.join(model.names)} of {model.formula}; widen the fit range or fix a parameter"
        )


def p_value(chi2: float, dof: int, freedom: int) -> float:
    """Probability of a larger chi^2 when the covariance itself was estimated from freedom + 1 bins.

        chi^2 is Hotelling's T^2:  chi^2 (nu - dof + 1) / (nu dof)  follows  F(dof, nu - dof + 1),  nu = freedom

    arXiv:0808.2211. NaN for dof < 1 or too few bins.
    """
    rest = freedom - dof + 1
    if dof < 1 or rest < 1 or not math.isfinite(chi2):
        return math.nan
    return float(stats.f.sf(chi2 * rest / (freedom * dof), dof, rest))


def _p_value(chi2: float, dof: int, data: Sequence[Estimate], choice: CovarianceChoice) -> float:
    freedom = min(count for point in data for _, count in point.blocks) - 1
    return math.nan if choice.kind == "diagonal" else p_value(chi2, dof, freedom)


def _linear_solver(model: LinearModel, x, whiten, priors, what) -> Callable[..., np.ndarray]:
    """p = (A^T A)^-1 A^T b of the whitened problem, as one matrix that is applied to the data and the priors."""
    rows = [whiten @ model.matrix(x)]
    for name, (_, width) in priors.items():
        rows.append(np.array([[float(name == other) / width for other in model.names]]))
    matrix = np.concatenate(rows)
    norms = np.sqrt((matrix**2).sum(axis=0))
    if not np.all(norms > 0) or np.linalg.matrix_rank(matrix / norms, tol=1e-10) < len(norms):
        raise ConfigError(f"{what}: these points do not tell the parameters of {model.formula} apart; widen the range")
    inverse = np.linalg.pinv(matrix / norms) / norms[:, None]
    scale = np.array([1 / width for _, width in priors.values()])
    fixed, points = model.fixed(x), len(x)

    def solve(*numbers: float) -> np.ndarray:
        data = np.array(numbers)
        return inverse @ np.concatenate([whiten @ (data[:points] - fixed), scale * data[points:]])

    return solve


def _solver(model: Model, x, whiten, priors, what) -> Callable[..., np.ndarray]:
    """Levenberg-Marquardt (MINPACK) from the model's start; later calls start from the first minimum found."""
    places = np.array([model.names.index(name) for name in priors], dtype=int)
    scale = np.array([1 / width for _, width in priors.values()])
    points, start = len(x), [np.array(list(model.start.values()), dtype=float)]

    def solve(*numbers: float) -> np.ndarray:
        data = np.array(numbers)

        def residuals(parameters: np.ndarray) -> np.ndarray:
            own = whiten @ (data[:points] - model(x, *parameters))
            return np.concatenate([own, scale * (data[points:] - parameters[places])])

        found, _, info, _, code = optimize.leastsq(
            residuals, start[-1], ftol=TOLERANCE, xtol=TOLERANCE, gtol=0.0, maxfev=2000, full_output=True
        )
        if code not in (1, 2, 3, 4) or not np.all(np.isfinite([*found, *info["fvec"]])):
            return np.full(len(found), np.nan)
        if len(start) == 1:
            start.append(found)
        return found

    return solve


def _prior_residuals(model, priors, values) -> np.ndarray:
    found = dict(zip(model.names, values, strict=True))
    return np.array([(value - found[name]) / width for name, (value, width) in priors.items()])


def _few_bins(what: str, bins: int, points: int, choice: CovarianceChoice) -> tuple[str, ...]:
    if choice.kind == "diagonal" or bins >= BINS_PER_POINT * points:
        return ()
    return (
        f"{what}: {bins} bins for the covariance of {points} points; errors of the parameters are too small by about "
        f"{points / (2 * bins):.0%}, wanted {BINS_PER_POINT * points} bins: fewer points or more configurations",
    )


def _without_value(model, x, data, covariance, priors, bins, dof, text) -> Fit:
    nothing = derive_all(lambda *_: [math.nan] * len(model.names), *data)
    parameters = {
        name: replace(estimate, warnings=(*estimate.warnings, text))
        for name, estimate in zip(model.names, nothing, strict=True)
    }
    return Fit(model, parameters, math.nan, dof, math.nan, x, data, covariance, priors, bins, (text,))


def _entry(estimate: Estimate) -> dict[str, Any]:
    return {"text": str(estimate), "value": finite(estimate.value), "error": finite(estimate.error)}
