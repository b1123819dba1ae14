"""The only door to kernels: (group, dimension, register width) -> compiled functions, and the sizes around them."""

from dataclasses import dataclass
from types import ModuleType

from gaugeflow.conventions import gauge_group
from gaugeflow.kernels.algebra.exact import TERMS, join
from gaugeflow.kernels.targets import cpu
from gaugeflow.kernels.targets import oracle as kernel_oracle
from gaugeflow.kernels.targets.lanes import native_width

__all__ = ["TERMS", "Kernels", "join", "kernel_oracle", "kernels_for", "matrix_size", "native_width"]


@dataclass(frozen=True)
class Kernels:
    """Compiled kernels of one configuration.

    n         matrix size
    special   True for SU(N), False for U(N)
    width     lanes of a register
    run       module with one function per kernel of `kernels.sites`
    """

    n: int
    special: bool
    width: int
    run: ModuleType

    @property
    def unit_bytes(self) -> int:
        """Bytes of one algebra element of a block, the unit of prefetch."""
        return 8 * self.n * self.n * self.width


def matrix_size(group: str) -> tuple[int, bool]:
    """(N, special) of a group name; ConfigError if it is unknown."""
    found = gauge_group(group)
    return found.n, found.special


def kernels_for(group: str, ndim: int, width: int | None = None) -> Kernels:
    """Kernels of `group` in `ndim` dimensions for `width` lanes (default: this machine's); ConfigError if unknown."""
    n, special = matrix_size(group)
    width = native_width() if width is None else width
    return Kernels(n, special, width, cpu.compiled(group, n, special, ndim, width))
