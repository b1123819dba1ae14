"""Ensembles made of numbers whose true means, correlations and autocorrelation are known."""

from types import SimpleNamespace

import numpy as np
from autoregressive import ar1

from gaugeflow.analysis.dataset import EnsembleData
from gaugeflow.config.settings import AnalysisSettings
from gaugeflow.stats.estimate import Estimate
from gaugeflow.stats.jackknife import jackknife


def correlated_noise(points: int, n: int, chains: int, seed: int, rho: float = 0.0, between: float = 0.7) -> np.ndarray:
    """(n, chains, points) with variance 1, correlation between^|a - b| of points and AR(1) in time."""
    white = ar1(rho, n, chains * points, seed).reshape(n, chains, points)
    distance = np.abs(np.subtract.outer(np.arange(points), np.arange(points)))
    return white @ np.linalg.cholesky(between**distance).T


def estimates_of(series: np.ndarray, bin_size: int, key: str = "toy") -> list[Estimate]:
    """Jackknife estimates of the points of (n, chains, points) in common bins."""
    return [jackknife(series[:, :, a], bin_size=bin_size, key=key) for a in range(series.shape[2])]


def ensemble(measured=None, flowed=None, extents=(8, 8, 8, 16), bin_size=None) -> EnsembleData:
    """An ensemble of these arrays (n, chains, ...)."""
    arrays = measured or flowed
    n = len(next(array for array in arrays.values() if array.ndim > 1))
    return EnsembleData(
        label="toy",
        ensemble_id="toy",
        spec=SimpleNamespace(extents=extents),
        trajectory=np.arange(n),
        measured=measured or {},
        history={},
        n_thermalisation=0,
        flowed=flowed or {},
        settings=AnalysisSettings(bin_size=bin_size),
    )
