"""The only door to kernels: sizes of a configuration, and devices that run its kernels."""

import logging
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gaugeflow.conventions import gauge_group
from gaugeflow.errors import ConfigError
from gaugeflow.kernels import checkerboard
from gaugeflow.kernels.algebra.defects import true_defects
from gaugeflow.kernels.algebra.exact import TERMS, join, totals
from gaugeflow.kernels.algebra.heatbath import SWEEPS, first_draw
from gaugeflow.kernels.checksums import crc_of_rows
from gaugeflow.kernels.devices import cuda
from gaugeflow.kernels.devices.cpu import CpuDevice
from gaugeflow.kernels.devices.gpu import GpuDevice
from gaugeflow.kernels.targets import cpu, sweep_oracle
from gaugeflow.kernels.targets import oracle as kernel_oracle
from gaugeflow.kernels.targets.lanes import native_width
from gaugeflow.kernels.time_slices import TimeSlices

__all__ = [
    "SWEEPS",
    "TERMS",
    "CpuDevice",
    "GpuDevice",
    "Kernels",
    "TimeSlices",
    "checkerboard",
    "crc_of_rows",
    "cuda",
    "cuda_device",
    "first_draw",
    "gpu_width",
    "join",
    "kernel_oracle",
    "kernels_for",
    "matrix_size",
    "native_width",
    "sweep_oracle",
    "totals",
    "true_defects",
]

logger = logging.getLogger(__name__)

PRECISIONS = ("float64", "float32")

GPU_LINE = 64
"""Bytes of one register of lanes on a card: a warp then reads whole lines of some blocks."""


@dataclass(frozen=True)
class Kernels:
    """Sizes of one configuration, and its compiled kernels.

    n         matrix size
    special   True for SU(N), False for U(N)
    ndim      dimensions of the lattice
    width     lanes of a register
    precision "float64" or "float32", of fields and arithmetic; sums are float64
    """

    group: str
    n: int
    special: bool
    ndim: int
    width: int
    precision: str = "float64"

    @property
    def dtype(self) -> np.dtype:
        """Type of the numbers in links and momenta."""
        return np.dtype(self.precision)

    @cached_property
    def run(self):
        """Module with one compiled function per kernel of `kernels.sites`."""
        return cpu.compiled(self.group, self.n, self.special, self.ndim, self.width, self.precision)

    @property
    def text(self) -> str:
        """The same kernels as C++ for CUDA."""
        from gaugeflow.kernels.targets.c_source import c_source

        return c_source(self.n, self.special, self.ndim, self.width, self.precision)

    @property
    def unit_bytes(self) -> int:
        """Bytes of one algebra element of a block, the unit of prefetch."""
        return self.dtype.itemsize * self.n * self.n * self.width


def gpu_width(precision: str) -> int:
    """Lanes of a block on a card."""
    return GPU_LINE // np.dtype(precision).itemsize


def matrix_size(group: str) -> tuple[int, bool]:
    """(N, special) of a group name; ConfigError if it is unknown."""
    found = gauge_group(group)
    return found.n, found.special


def kernels_for(group: str, ndim: int, width: int | None = None, precision: str = "float64") -> Kernels:
    """Kernels of `group` in `ndim` dimensions.

    width       lanes (default: this machine's)
    precision   "float64" or "float32"

    Raises      ConfigError for a group or a precision without kernels
    """
    n, special = matrix_size(group)
    if precision not in PRECISIONS:
        raise ConfigError(f"precision: got {precision!r}, wanted one of {', '.join(PRECISIONS)}")
    return Kernels(group, n, special, ndim, native_width(precision) if width is None else width, precision)


def cuda_device(
    kernels: Kernels, layout, batches: int, chain: np.ndarray, pace, *, index: int, direct: bool
) -> GpuDevice:
    """Device of card `index`; `direct` if MPI reads its memory. ConfigError if there is no such card."""
    driver = cuda.CudaDriver(kernels.text, kernels.width, index, direct)
    device = GpuDevice(driver, kernels, layout, batches, chain)
    for chunks, seconds in device.tune_force().items():
        logger.info("card %d: force in %d chunks takes %.3g ms", index, chunks, seconds * 1e3)
    return device
