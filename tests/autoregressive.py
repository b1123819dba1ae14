"""Chains whose autocorrelation is known exactly, for tests of statistics and fits."""

import math

import numpy as np


def ar1(rho: float, n: int, chains: int, seed: int, mean: float = 0.0) -> np.ndarray:
    """x_t = rho x_{t-1} + sqrt(1 - rho^2) xi from equilibrium: variance 1, tau_int = (1 + rho) / (1 - rho) / 2."""
    random = np.random.default_rng(seed)
    x = np.empty((n, chains))
    x[0] = random.normal(size=chains)
    for t in range(1, n):
        x[t] = rho * x[t - 1] + math.sqrt(1 - rho**2) * random.normal(size=chains)
    return mean + x
