"""Covariance of estimates that share jackknife bins, and the recorded choices that keep it invertible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gaugeflow.errors import ConfigError
from gaugeflow.stats.estimate import Estimate, aligned_samples


@dataclass(frozen=True)
class CovarianceChoice:
    """How the covariance that enters chi^2 is made from the jackknife samples.

        kind        full: with all correlations; diagonal: errors alone, chi^2 then follows no known distribution
        shrinkage   lambda in [0, 1]: correlations rho -> (1 - lambda) rho + lambda 1          (Ledoit, Wolf 2004)
        svd_cut     c in [0, 1): eigenvalues of rho below c times the largest are raised to it

    The default changes nothing. Shrinkage and cut make errors larger, chi^2 smaller and its p-value an upper bound.

    Raises ConfigError for numbers outside these ranges
    """

    kind: str = "full"
    shrinkage: float = 0.0
    svd_cut: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in ("full", "diagonal"):
            raise ConfigError(f"covariance: kind {self.kind!r}, wanted full or diagonal")
        if not 0 <= self.shrinkage <= 1:
            raise ConfigError(f"covariance: shrinkage {self.shrinkage}, wanted a number in [0, 1]")
        if not 0 <= self.svd_cut < 1:
            raise ConfigError(f"covariance: svd_cut {self.svd_cut}, wanted a number in [0, 1)")

    @property
    def exact(self) -> bool:
        """Whether chi^2 has its textbook distribution."""
        return self.kind == "full" and self.shrinkage == 0 and self.svd_cut == 0


FULL = CovarianceChoice()
DIAGONAL = CovarianceChoice(kind="diagonal")


def jackknife_covariance(estimates: Sequence[Estimate]) -> np.ndarray:
    """C_ab = sum_blocks (k - 1) / k sum_j (a_j - mean a) (b_j - mean b), (d, d); estimates in common bins."""
    samples, blocks = aligned_samples(estimates)
    covariance, start = np.zeros((samples.shape[1], samples.shape[1])), 0
    for _, count in blocks:
        deviations = samples[start : start + count] - samples[start : start + count].mean(axis=0)
        covariance += (count - 1) / count * deviations.T @ deviations
        start += count
    return covariance


def regularised(covariance: np.ndarray, choice: CovarianceChoice) -> np.ndarray:
    """The covariance after `choice`; errors, the square roots of the diagonal, only grow, and only by an svd_cut."""
    errors = np.sqrt(np.diag(covariance))
    if choice.kind == "diagonal":
        return np.diag(errors**2)
    scale = np.where(errors > 0, errors, 1.0)
    correlation = covariance / np.outer(scale, scale)
    correlation = (1 - choice.shrinkage) * correlation + choice.shrinkage * np.eye(len(errors))
    if choice.svd_cut > 0:
        values, vectors = np.linalg.eigh(correlation)
        correlation = (vectors * np.maximum(values, choice.svd_cut * values[-1])) @ vectors.T
    return correlation * np.outer(scale, scale)


def whitening(covariance: np.ndarray, what: str) -> np.ndarray:
    """W (d, d) with W C W^T = 1, from the Cholesky factor of the correlations.

    Raises ConfigError if a point has no error, or correlations are singular to 1e-12: points that are functions of each
    other, or fewer bins than points
    """
    errors = np.sqrt(np.diag(covariance))
    if not np.all(errors > 0):
        raise ConfigError(f"{what}: point {int(np.argmin(errors))} has no error; leave out what does not fluctuate")
    correlation = covariance / np.outer(errors, errors)
    smallest = float(np.linalg.eigvalsh(correlation)[0])
    if smallest < 1e-12:
        raise ConfigError(
            f"{what}: correlations of the {len(errors)} points are singular (smallest eigenvalue {smallest:.1e}): take "
            f"fewer points, smaller bins, or say shrinkage or svd_cut in CovarianceChoice"
        )
    return np.linalg.inv(np.linalg.cholesky(correlation)) / errors
