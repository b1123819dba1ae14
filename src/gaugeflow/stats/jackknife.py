"""Binned delete-one jackknife over independent Markov chains.

Bins never straddle chains: a chain of n measurements is cut into floor(n / B) bins of B; the first n mod B measurements
are left out. The automatic B is about ten tau_int, or the whole chain where that is shorter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from gaugeflow.errors import ConfigError, PhysicsError
from gaugeflow.stats.agreement import disagreement_text, errors_disagree
from gaugeflow.stats.autocorrelation import Gamma, gamma_method
from gaugeflow.stats.estimate import Estimate, block_error

BINS_WANTED = 24
"""Automatic bins are cut smaller than ten tau_int rather than fewer than this (error of the error 15 %)."""

BINS_ENOUGH = 512
"""More bins than this only make results files longer (relative error of the error 3 %)."""


class BinCurve(NamedTuple):
    """Jackknife error against bin size."""

    bin_sizes: np.ndarray
    errors: np.ndarray
    error_errors: np.ndarray


def jackknife(
    series: np.ndarray,
    function: Callable[[np.ndarray], float] | None = None,
    *,
    bin_size: int | None = None,
    key: str = "chains",
    source: Mapping[str, object] | None = None,
) -> Estimate:
    """Estimate of the mean of a series, or of a function of the means.

    series    (n, chains) or, with `function`, (n, chains, k): k primary observables measured together
    function  maps the k means to a number; a NaN means "not defined for this sample" and gives an Estimate of NaN
    bin_size  measurements per bin; None: about ten tau_int
    key       name of the ensemble: estimates with one key are correlated in `derive`

    Raises    PhysicsError for NaN or infinite data, ConfigError where no two bins fit into the data
    """
    series = np.asarray(series, dtype=float)
    if series.ndim < 2 or not series.size:
        raise ConfigError(f"{key}: a series of shape {series.shape}; wanted (measurements, chains[, observables])")
    if not np.all(np.isfinite(series)):
        raise PhysicsError(f"{key}: {np.sum(~np.isfinite(series))} of {series.size} measured numbers are not finite")
    projected = series if function is None else project(series, function)
    gamma = gamma_method(projected) if projected is not None else Gamma(*[math.nan] * 5, 0)
    size = automatic_bin_size(len(series), series.shape[1], gamma.tau_int) if bin_size is None else bin_size
    value, samples = delete_one(series, size, key)
    if function is not None:
        value, samples = function(value), np.array([function(sample) for sample in samples], dtype=float)
    blocks = ((key, len(samples)),)
    error = block_error(samples, blocks)
    n = series.shape[0] * series.shape[1]
    return Estimate(
        value=float(value) if math.isfinite(error) else math.nan,
        error=error,
        tau_int=gamma.tau_int,
        tau_int_error=gamma.tau_int_error,
        n=n,
        n_eff=n / (2 * gamma.tau_int),
        samples=samples,
        blocks=blocks,
        source=dict(source or {}),
        gamma_error=gamma.error,
        gamma_error_error=gamma.error_error,
        bin_size=size,
        bin_sizes={key: size},
        warnings=_warnings(error, len(samples), gamma, key),
        fluctuations={} if projected is None else {key: projected - projected.mean()},
        rebin=lambda sizes: jackknife(series, function, bin_size=sizes.get(key, size), key=key, source=source),
    )


def given(
    series: np.ndarray,
    function: Callable[[np.ndarray], float] | None = None,
    *,
    key: str = "chains",
    source: Mapping[str, object] | None = None,
) -> Estimate:
    """The number measured on one given configuration, which is no sample of anything: error 0, n = 1, no tau_int.

    Arguments of `jackknife`, series (1, 1[, k]).

    Raises    PhysicsError for NaN or infinite data, ConfigError for more than one measurement
    """
    series = np.asarray(series, dtype=float)
    if series.shape[:2] != (1, 1):
        raise ConfigError(f"{key}: a series of shape {series.shape}; wanted one measurement of one chain")
    if not np.all(np.isfinite(series)):
        raise PhysicsError(f"{key}: {np.sum(~np.isfinite(series))} of {series.size} measured numbers are not finite")
    value = float(series[0, 0] if function is None else function(series[0, 0]))
    return Estimate(
        value,
        0.0 if math.isfinite(value) else math.nan,
        n=1,
        samples=np.array([value]),
        blocks=((key, 1),),
        source=dict(source or {}),
        bin_size=1,
        bin_sizes={key: 1},
        rebin=lambda sizes: given(series, function, key=key, source=source),
    )


def delete_one(series: np.ndarray, bin_size: int, key: str = "chains") -> tuple[np.ndarray, np.ndarray]:
    """Mean (...) over the bins and means (bins, ...) with one bin left out, of a series (n, chains, ...)."""
    n, chains = series.shape[:2]
    per_chain = n // bin_size if bin_size > 0 else 0
    if per_chain * chains < 2:
        raise ConfigError(
            f"{key}: bin_size {bin_size} gives {per_chain * chains} bins in {chains} chains of {n} measurements; "
            f"at least 2 are needed: choose a smaller bin_size or measure more"
        )
    used = series[n - per_chain * bin_size :]
    bins = used.reshape(per_chain, bin_size, chains, *series.shape[2:]).mean(axis=1)
    bins = bins.swapaxes(0, 1).reshape(per_chain * chains, *series.shape[2:])
    mean = bins.mean(axis=0)
    return mean, mean + (mean - bins) / (len(bins) - 1)


def automatic_bin_size(n: int, chains: int, tau_int: float) -> int:
    """About ten tau_int or what makes 512 bins, at most the chain, and small enough for 24 bins in all.

    Among B .. 1.3 B the size that leaves out the fewest measurements is taken. Bins of ten tau_int underestimate the
    error of an exponential autocorrelation by 5 %.
    """
    wanted = math.ceil(10 * tau_int) if math.isfinite(tau_int) else 1
    per_chain = math.ceil(BINS_WANTED / chains)
    largest = max(1, n // per_chain)
    wanted = min(max(wanted, n * chains // BINS_ENOUGH), largest)
    return min(range(wanted, min(int(1.3 * wanted), largest) + 1), key=lambda size: (n % size, size))


def project(series: np.ndarray, function: Callable[[np.ndarray], float]) -> np.ndarray | None:
    """Linearised series (n, chains): f(m) + sum_a df/dm_a (x_a - m_a), whose tau_int is that of f(means).

    The gradient is a central difference with steps of half a standard error. None where f is not finite nearby.
    """
    flat = series.reshape(*series.shape[:2], -1)
    mean = flat.mean(axis=(0, 1))
    steps = 0.5 * flat.std(axis=(0, 1)) / math.sqrt(flat.shape[0] * flat.shape[1])
    gradient = np.zeros(len(mean))
    for index in np.flatnonzero(steps):
        shift = np.zeros(len(mean))
        shift[index] = steps[index]
        up = function((mean + shift).reshape(series.shape[2:]))
        down = function((mean - shift).reshape(series.shape[2:]))
        gradient[index] = (up - down) / (2 * steps[index])
    value = function(mean.reshape(series.shape[2:]))
    if not (math.isfinite(value) and np.all(np.isfinite(gradient))):
        return None
    return value + (flat - mean) @ gradient


def error_against_bin_size(series: np.ndarray, bins_at_least: int = 16) -> BinCurve:
    """Jackknife error of the mean of a series (n, chains) for bin sizes 1, 2, 3, 4, 6, 8, ...; it ends in a plateau.

    Sizes that leave measurements out are scaled to the full length; error of the error: error / sqrt(2 (bins - 1)).
    """
    n, chains = series.shape
    ladder = sorted({step for power in range(20) for step in (2**power, 3 * 2**power)})
    sizes = [size for size in ladder if size <= n and (n // size) * chains >= min(bins_at_least, n * chains)]
    if n not in sizes and chains >= bins_at_least:
        sizes.append(n)
    errors, counts = [], []
    for size in sizes:
        _, samples = delete_one(series, size)
        used = (n // size) * size
        errors.append(block_error(samples, (("", len(samples)),)) * math.sqrt(used / n))
        counts.append(len(samples))
    errors = np.array(errors)
    return BinCurve(np.array(sizes), errors, errors / np.sqrt(2 * (np.array(counts) - 1)))


def _warnings(error: float, bins: int, gamma: Gamma, key: str) -> tuple[str, ...]:
    error_error = error / math.sqrt(2 * (bins - 1))
    if errors_disagree(error, error_error, gamma.error, gamma.error_error, gamma.tau_int):
        return (disagreement_text(key, error, bins, gamma.error, gamma.tau_int),)
    return ()
