"""Effective masses of correlators C(t), and plateaus of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy import optimize

from gaugeflow.analysis.fits import Fit, fit
from gaugeflow.analysis.models import constant
from gaugeflow.errors import ConfigError
from gaugeflow.stats.covariance import FULL, CovarianceChoice
from gaugeflow.stats.estimate import Estimate, derive


def logarithmic_mass(here: float, next_one: float) -> float:
    """ln(C(t) / C(t + 1)); NaN where the two have different signs or one is zero."""
    ratio = here / next_one if next_one else math.nan
    return math.log(ratio) if ratio > 0 else math.nan


def hyperbolic_mass(here: float, next_one: float, t: int, extent: int) -> float:
    """m >= 0 with cosh(m (t - T/2)) / cosh(m (t + 1 - T/2)) = C(t) / C(t + 1), T = extent; NaN where there is none.

    Beyond the middle of the lattice the same is read backwards: the ratio falls below one.
    """
    far, near = abs(t - extent / 2), abs(t + 1 - extent / 2)
    if far == near or here * next_one <= 0:  # two points that mirror each other have ratio one for any mass
        return math.nan
    log_ratio = math.log(here / next_one)
    if far < near:
        far, near, log_ratio = near, far, -log_ratio
    if log_ratio <= 0:
        return 0.0 if log_ratio == 0 else math.nan

    def difference(mass: float) -> float:
        return mass * (far - near) + math.log1p(math.exp(-2 * mass * far)) - math.log1p(math.exp(-2 * mass * near))

    highest = (log_ratio + 1.0) / (far - near)
    return float(optimize.brentq(lambda mass: difference(mass) - log_ratio, 0.0, highest, xtol=1e-14, rtol=1e-14))


def effective_masses(correlator: Sequence[Estimate], extent: int | None = None) -> tuple[Estimate, ...]:
    """m_eff between t and t + 1, t = 0 .. len - 2, of C(0), C(1), ..; in lattice units.

    extent    None: by the logarithm; a number T: by cosh(m (t - T/2)), for a lattice periodic in T
    """
    if len(correlator) < 2:
        raise ConfigError(f"effective masses of {len(correlator)} times, wanted at least 2: measure more of them")
    pairs = list(itertools.pairwise(correlator))
    if extent is None:
        return tuple(derive(logarithmic_mass, *pair) for pair in pairs)
    return tuple(derive(lambda a, b, t=t: hyperbolic_mass(a, b, t, extent), *pair) for t, pair in enumerate(pairs))


def plateau(
    values: Sequence[Estimate], first: int, last: int, *, what: str, covariance: CovarianceChoice = FULL, start: int = 0
) -> Fit:
    """Correlated fit of a constant to values at positions first .. last, both included; `values[0]` is at `start`.

    Raises ConfigError for a range that is empty or leaves the values
    """
    end = start + len(values) - 1
    if not start <= first <= last <= end:
        raise ConfigError(f"{what}: plateau from {first} to {last}, wanted start <= end within {start} .. {end}")
    chosen = values[first - start : last - start + 1]
    return fit(constant(), np.arange(first, last + 1.0), chosen, what=what, covariance=covariance)
