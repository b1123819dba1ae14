"""The only door to kernels: (group, dimension, register width, precision) -> compiled functions and their sizes."""

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from gaugeflow.conventions import GROUP_RANK
from gaugeflow.errors import ConfigError
from gaugeflow.kernels.algebra.exact import TERMS, join
from gaugeflow.kernels.targets import cpu
from gaugeflow.kernels.targets import oracle as kernel_oracle
from gaugeflow.kernels.targets.lanes import native_width

PRECISIONS = ("float64", "float32")

__all__ = ["TERMS", "Kernels", "join", "kernel_oracle", "kernels_for", "matrix_size", "native_width"]


@dataclass(frozen=True)
class Kernels:
    """Compiled kernels of one configuration.

    n         matrix size
    special   True for SU(N), False for U(1)
    width     lanes of a register
    run       module with one function per kernel of `kernels.sites`
    precision "float64" or "float32", of fields and arithmetic; sums are float64
    """

    n: int
    special: bool
    width: int
    run: ModuleType
    precision: str = "float64"

    @property
    def dtype(self) -> np.dtype:
        """Type of the numbers in links and momenta."""
        return np.dtype(self.precision)

    @property
    def unit_bytes(self) -> int:
        """Bytes of one algebra element of a block, the unit of prefetch."""
        return self.dtype.itemsize * self.n * self.n * self.width


def matrix_size(group: str) -> tuple[int, bool]:
    """(N, special) of a group name; ConfigError if it has no kernels."""
    if group not in GROUP_RANK:
        raise ConfigError(f"group {group!r} has no kernels; use one of {', '.join(GROUP_RANK)}")
    return GROUP_RANK[group], group != "U1"


def kernels_for(group: str, ndim: int, width: int | None = None, precision: str = "float64") -> Kernels:
    """Kernels of `group` in `ndim` dimensions.

    width       lanes (default: this machine's)
    precision   "float64" or "float32"

    Raises      ConfigError for a group or a precision without kernels
    """
    n, special = matrix_size(group)
    if precision not in PRECISIONS:
        raise ConfigError(f"precision: got {precision!r}, wanted one of {', '.join(PRECISIONS)}")
    width = native_width(precision) if width is None else width
    return Kernels(n, special, width, cpu.compiled(group, n, special, ndim, width, precision), precision)
