"""The CPU target: site functions executed in a namespace of SIMD operations and compiled by Numba.

One generated module per (group, dimension, register width); see `targets.cache` for its name. Kernels compile when
first called and are read from disk afterwards.
"""

import functools
import pathlib
import sys
import types

import numba

from gaugeflow.kernels.algebra import random
from gaugeflow.kernels.lane_group import SEAMS
from gaugeflow.kernels.targets import lanes
from gaugeflow.kernels.targets.cache import JIT, numba_cache, sources_hash
from gaugeflow.kernels.targets.operations import operations

SITE_FILES = ("force.py", "refresh.py", "loops.py", "clover.py")
_SITES = pathlib.Path(__file__).resolve().parent.parent / "sites"


def sizes(n: int, ndim: int, width: int) -> dict[str, int]:
    """Constants of `sites`: N, D, W and doubles of a block's matrix, algebra element, links, momenta, plaquettes."""
    matrix, algebra, planes = 2 * n * n * width, n * n * width, ndim * (ndim - 1) // 2
    return {
        "N": n,
        "D": ndim,
        "W": width,
        "PLANES": planes,
        "STAPLES": ndim * (ndim - 1),
        "MATRIX": matrix,
        "ALGEBRA": algebra,
        "BLOCK": ndim * matrix,
        "MOMENTA": ndim * algebra,
        "PLAQUETTES": planes * algebra,
        "UNIT_BYTES": 8 * algebra,
        "SEAMS": SEAMS,
        "DIRECTION_SHIFT": random.DIRECTION_SHIFT,
    }


def namespace(n: int, special: bool, ndim: int, width: int, *, inline=None, kernel=None, registers=lanes) -> dict:
    """Names that the files of `sites` see: sizes, declarations and operations.

    inline, kernel   declare a site function and a kernel (default: for Numba)
    registers        see `operations.operations`
    """
    inline = inline or numba.njit(inline="always")
    declarations = {"inline": inline, "kernel": kernel or numba.njit(**JIT)}
    return sizes(n, ndim, width) | declarations | operations(n, special, width, inline, registers)


def run_site_files(names: dict) -> None:
    """Execute the files of `sites` in a namespace, which then holds their kernels."""
    for file in SITE_FILES:
        path = _SITES / file
        exec(compile(path.read_text(), str(path), "exec"), names)


@functools.cache
def compiled(group: str, n: int, special: bool, ndim: int, width: int) -> types.ModuleType:
    """Module whose functions are the kernels of one group, dimension and width."""
    name = f"gaugeflow_kernels_{group.lower()}_{ndim}d_w{width}_{sources_hash()}"
    module = types.ModuleType(name)
    module.__dict__.update(namespace(n, special, ndim, width))
    sys.modules[name] = module
    with numba_cache(name):
        run_site_files(module.__dict__)
    return module
