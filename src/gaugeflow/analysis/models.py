"""Models that are fitted to data: a formula for people, names of parameters, and a function of x.

A `LinearModel` is a sum of known functions times parameters, and its fit is a matrix product. A `Model` is any
function; its fit starts from given numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


def _zero(x: np.ndarray) -> np.ndarray:
    return np.zeros_like(x)


@dataclass(frozen=True, eq=False)
class LinearModel:
    """f(x) = fixed(x) + sum_k p_k basis_k(x); `basis` maps the parameter's name to its function of the array x."""

    formula: str
    basis: Mapping[str, Callable[[np.ndarray], np.ndarray]]
    fixed: Callable[[np.ndarray], np.ndarray] = _zero

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(self.basis)

    def matrix(self, x: np.ndarray) -> np.ndarray:
        """df/dp, (points, parameters)."""
        return np.stack([np.broadcast_to(function(x), x.shape) for function in self.basis.values()], axis=1)

    def __call__(self, x: np.ndarray, *parameters: float) -> np.ndarray:
        return self.fixed(x) + self.matrix(x) @ np.array(parameters)


@dataclass(frozen=True, eq=False)
class Model:
    """f(x, *parameters) with starting values for each parameter, by name."""

    formula: str
    function: Callable[..., np.ndarray]
    start: Mapping[str, float]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(self.start)

    def __call__(self, x: np.ndarray, *parameters: float) -> np.ndarray:
        return self.function(x, *parameters)


def constant(name: str = "plateau") -> LinearModel:
    """A plateau."""
    return LinearModel(name, {name: np.ones_like})


CORNELL = LinearModel("V0 + sigma R - alpha / R", {"V0": np.ones_like, "sigma": lambda r: r, "alpha": lambda r: -1 / r})
"""Static potential of a pure gauge theory, in lattice units: constant, string tension, Coulomb part."""


def luescher(ndim: int) -> LinearModel:
    """V0 + sigma R - pi (D - 2) / (24 R): the 1/R of the bosonic string in D dimensions (Luescher 1981), a number."""
    coefficient = math.pi * (ndim - 2) / 24
    return LinearModel(
        f"V0 + sigma R - {coefficient:.6g} / R",
        {"V0": np.ones_like, "sigma": lambda r: r},
        lambda r: -coefficient / r,
    )


def exponential(amplitude: float, mass: float) -> Model:
    """A exp(-m t), with starting values."""
    return Model("A exp(-m t)", lambda t, a, m: a * np.exp(-m * t), {"A": amplitude, "m": mass})


def hyperbolic_cosine(extent: int, amplitude: float, mass: float) -> Model:
    """A cosh(m (t - T/2)) / cosh(m T/2) on a periodic lattice of T = `extent` steps, with starting values; A = C(0)."""
    half = extent / 2
    return Model(
        f"A cosh(m (t - {half:g})) / cosh({half:g} m)",
        lambda t, a, m: a * np.exp(np.logaddexp(m * (t - half), m * (half - t)) - np.logaddexp(m * half, -m * half)),
        {"A": amplitude, "m": mass},
    )
