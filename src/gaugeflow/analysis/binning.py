"""One bin size for all observables of an ensemble: what the slowest of them wants.

Functions of several observables, and correlated fits, need the same bins for all. Every measured data set takes part:
its components one by one, or COMPONENTS of them spread over a larger one; squares of charges as well, because <Q^2> may
be slower than <Q>; modulus and real part of complex numbers; and the flowed data at the last flow time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gaugeflow.stats.autocorrelation import gamma_method
from gaugeflow.stats.jackknife import automatic_bin_size

COMPONENTS = 9
"""Components looked at in a data set with more: the first, the last, and equally many between."""

NO_SERIES = ("trajectory", "flow_time")
"""Data sets that count and do not fluctuate."""


@dataclass(frozen=True)
class BinChoice:
    """Measurements per bin, who asked for so many, and tau_int (in measurements) of every data set's slowest part."""

    bin_size: int
    decided_by: str
    tau_int: Mapping[str, float]


def choose_bins(measured: Mapping[str, np.ndarray], flowed: Mapping[str, np.ndarray], wanted: int | None) -> BinChoice:
    """The study's bin size if it names one, else the automatic one of the slowest observable.

    measured, flowed    name -> (n, chains, ...)
    """
    if wanted is not None:
        return BinChoice(wanted, "analysis: bin_size of the study", {})
    tau_int: dict[str, float] = {}
    n, chains = next(iter(measured.values())).shape[:2] if measured else (1, 1)
    for name, series in _candidates(measured, flowed):
        n, chains = series.shape[:2]
        tau_int[name] = max(gamma_method(component).tau_int for component in _components(series))
    known = {name: tau for name, tau in tau_int.items() if np.isfinite(tau)}
    slowest = max(known, key=lambda name: known[name], default="none")
    return BinChoice(automatic_bin_size(n, chains, known.get(slowest, 0.5)), slowest, tau_int)


def _candidates(
    measured: Mapping[str, np.ndarray], flowed: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, np.ndarray]]:
    for name, array in measured.items():
        if array.ndim > 1 and name not in NO_SERIES:
            yield from _as_averaged(name, array)
    for name, array in flowed.items():
        if array.ndim > 2 and name not in NO_SERIES:
            yield from _as_averaged(f"flowed {name}", array[:, :, -1])


def _as_averaged(name: str, array: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    if np.iscomplexobj(array):
        yield f"|{name}|", np.abs(array)
        yield f"Re {name}", array.real
        return
    yield name, array.astype(float)
    if "charge" in name:
        yield f"{name}^2", array.astype(float) ** 2


def _components(series: np.ndarray) -> Iterator[np.ndarray]:
    flat = series.reshape(*series.shape[:2], -1)
    count = flat.shape[2]
    for index in np.unique(np.linspace(0, count - 1, min(count, COMPONENTS)).round().astype(int)):
        yield np.ascontiguousarray(flat[:, :, index])
