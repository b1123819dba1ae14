"""What stands behind estimates, for figures and tables: fits, potentials, tables of scales.

A study's `analyse` may return such objects beside Estimates; results.json keeps them under `details` by their names:

    kind: fit        formula, parameters {name: {text, value, error}}, points [{x, value, error, text}], fitted [..]
                     at the points, curve [{x, value, error}] over the fit range (empty where no minimum was found),
                     chi2, dof, p_value, covariance {kind, shrinkage, svd_cut}, priors {name: [value, width]}, bins,
                     warnings
    kind: potential  smearing_level, points [{r, value, error, text, plateau [from, to], chi2, dof, p_value, covariance,
                     effective [{t, value, error}]}]
    kind: scales     rows [{scale, energy, threshold, interpolation, value, error, gamma_error, text}]

and the comparison of error methods, one row per estimate, under `error_methods`:

    name, bins, bin_size, error, error_error, gamma_error, gamma_error_error, tau_int, ratio (jackknife / Gamma),
    agree (true, false; null where one is missing, or the series is anticorrelated and the jackknife sees it)

Missing numbers are null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from gaugeflow.analysis.results import finite
from gaugeflow.stats.agreement import errors_disagree
from gaugeflow.stats.estimate import Estimate


@runtime_checkable
class Detail(Protocol):
    """Anything that says in JSON types what it is; `kind` is one of the above."""

    def as_json(self) -> dict[str, Any]:
        """Content of its entry."""


def error_methods(estimates: Mapping[str, Estimate]) -> list[dict[str, Any]]:
    """Jackknife and Gamma method side by side, one row per estimate."""
    return [_row(name, estimate) for name, estimate in estimates.items()]


def _row(name: str, estimate: Estimate) -> dict[str, Any]:
    e = estimate
    disagree = errors_disagree(e.error, e.error_error, e.gamma_error, e.gamma_error_error, e.tau_int)
    ratio = e.error / e.gamma_error if e.gamma_error else float("nan")
    return {
        "name": name,
        "bins": len(e.samples),
        "bin_size": e.bin_size,
        **{
            key: finite(getattr(e, key))
            for key in ("error", "error_error", "gamma_error", "gamma_error_error", "tau_int")
        },
        "ratio": finite(ratio),
        "agree": None if disagree is None else not disagree,
    }
