"""Autocorrelation by the Gamma method (hep-lat/0306017) through pyerrors, with chains as replica.

pyerrors subtracts the mean of every replica by itself, which loses the variance between short chains; here all chains
fluctuate around the common mean, as eq. (28) of hep-lat/0306017 asks for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

MIN_CHAIN_LENGTH = 8
"""Shorter chains have no window to sum over: tau_int is then taken from the variance of their means."""


class Gamma(NamedTuple):
    """Result of the Gamma method; times in units of the spacing of measurements."""

    value: float
    error: float
    error_error: float
    tau_int: float
    tau_int_error: float
    window: int


def gamma_method(series: np.ndarray, window_factor: float = 2.0) -> Gamma:
    """Mean, error and tau_int = 1/2 + sum_{t=1}^W rho(t) of a series (n, chains); W by Wolff's S = `window_factor`.

    A constant series has tau_int 1/2 and error 0. Chains shorter than 8 are compared by their means only: at least two
    are needed, a single one has NaN errors.
    """
    series = np.asarray(series, dtype=float)
    n = len(series)
    mean = float(series.mean())
    if np.ptp(series) <= 1e-14 * max(1.0, abs(mean)):
        return Gamma(mean, 0.0, 0.0, 0.5, 0.0, 0)
    if n < MIN_CHAIN_LENGTH:
        return _from_chain_means(series)
    obs = as_obs(series, "ensemble")
    obs.gamma_method(S=window_factor)
    name = "ensemble"
    return Gamma(
        mean,
        float(obs.e_dvalue[name]),
        float(obs.e_ddvalue[name]),
        float(obs.e_tauint[name]),
        float(obs.e_dtauint[name]),
        int(obs.e_windowsize[name]),
    )


def combined_gamma(parts: Iterable[np.ndarray]) -> Gamma:
    """Gamma method of a sum over independent ensembles of their fluctuations, (n, chains) each, around zero.

        error^2 = sum_k error_k^2                tau_int = error^2 / (2 naive^2), naive^2 = sum_k variance_k / n_k

    One ensemble gives `gamma_method` of it; the window of several is that of the longest.
    """
    parts = list(parts)
    results = [gamma_method(part) for part in parts]
    if len(results) == 1:
        return results[0]._replace(value=0.0)
    error = math.sqrt(sum(result.error**2 for result in results))
    naive = math.sqrt(sum(float(np.mean(part**2)) / part.size for part in parts))
    if error == 0 or naive == 0:
        return Gamma(0.0, error, 0.0, 0.5, 0.0, 0)
    error_error = math.sqrt(sum((result.error * result.error_error) ** 2 for result in results)) / error
    tau_int = 0.5 * (error / naive) ** 2
    return Gamma(
        0.0, error, error_error, tau_int, 2 * tau_int * error_error / error, max(result.window for result in results)
    )


def as_obs(series: np.ndarray, name: str):
    """pyerrors' Obs of a series (n, chains): one replica `name|rNNN` per chain, fluctuations around the common mean."""
    import pyerrors  # 1.7 s: only where needed

    mean = float(series.mean())
    deltas = [np.ascontiguousarray(series[:, chain]) - mean for chain in range(series.shape[1])]
    names = [f"{name}|r{chain:03d}" for chain in range(series.shape[1])]
    return pyerrors.Obs(deltas, names, means=[mean] * len(names))


def _from_chain_means(series: np.ndarray) -> Gamma:
    n, chains = series.shape
    mean = float(series.mean())
    if chains < 2:
        return Gamma(mean, math.nan, math.nan, math.nan, math.nan, 0)
    error = float(series.mean(axis=0).std(ddof=1) / math.sqrt(chains))
    naive = float(series.std(ddof=1) / math.sqrt(series.size))
    relative = 1 / math.sqrt(2 * (chains - 1))
    tau_int = max(0.5, 0.5 * (error / naive) ** 2)
    return Gamma(mean, error, error * relative, tau_int, 2 * tau_int * relative, n)


def autocorrelation_function(series: np.ndarray, max_lag: int) -> np.ndarray:
    """rho(t) = Gamma(t) / Gamma(0), t = 0 .. max_lag, of a series (n, chains), averaged over chains.

    rho is 1, 0, 0, ... for a constant series. max_lag is cut to n - 1.
    """
    series = np.asarray(series, dtype=float)
    n = len(series)
    deltas = series - series.mean()
    lags = min(max_lag, n - 1) + 1
    spectrum = np.fft.rfft(deltas, n=2 * n, axis=0)
    gamma = np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[:lags].sum(axis=1) / (n - np.arange(lags))
    if gamma[0] <= 0:
        return np.concatenate([[1.0], np.zeros(lags - 1)])
    return gamma / gamma[0]
