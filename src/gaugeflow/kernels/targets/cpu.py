"""The CPU target: site functions executed in a namespace of SIMD operations and compiled by Numba.

One generated module per (group, dimension, register width, precision); see `targets.cache` for its name. Kernels
compile when first called and are read from disk afterwards.
"""

import functools
import sys
import types

import numba

from gaugeflow.kernels.algebra import heatbath, random
from gaugeflow.kernels.lane_group import COLOURS, SEAMS
from gaugeflow.kernels.signatures import SITE_FILES, site_text
from gaugeflow.kernels.targets import lanes
from gaugeflow.kernels.targets.cache import numba_cache, shared_jit, sources_hash
from gaugeflow.kernels.targets.operations import operations
from gaugeflow.kernels.targets.trace import ELEMENT_BYTES


def sizes(n: int, special: bool, ndim: int, width: int, precision: str = "float64") -> dict[str, int]:
    """Constants of `sites`: N, D, W, bytes of a real number, and numbers of a block's matrix, algebra element, links,
    momenta and plaquettes; PHASES of a matrix that are no SU(2)'s, CALLS of random numbers that a factor may take."""
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
        "REAL_BYTES": ELEMENT_BYTES[precision],
        "UNIT_BYTES": ELEMENT_BYTES[precision] * algebra,
        "SEAMS": SEAMS,
        "COLOURS": COLOURS,
        "PHASES": 0 if special else n,
        "CALLS": heatbath.CALLS,
        "FIRST_ATTEMPT": heatbath.FIRST_ATTEMPT,
        "DIRECTION_SHIFT": random.DIRECTION_SHIFT,
        "LANE": 0,
        "LANES": 1,
    }


def namespace(
    n: int, special: bool, ndim: int, width: int, precision="float64", *, inline=None, kernel=None, registers=lanes
) -> dict:
    """Names that the files of `sites` see: sizes, declarations and operations.

    precision        "float64" or "float32", of matrices and algebra elements
    inline, kernel   declare a site function and a kernel (default: for Numba)
    registers        see `operations.operations`
    """
    inline = inline or numba.njit(inline="always")
    declarations = {"inline": inline, "kernel": kernel or shared_jit}
    names = operations(n, special, width, inline, registers, precision)
    return sizes(n, special, ndim, width, precision) | declarations | names


def run_site_files(names: dict) -> None:
    """Execute the files of `sites` in a namespace, which then holds their kernels."""
    for file in SITE_FILES:
        path, text = site_text(file)
        exec(compile(text, path, "exec"), names)


@functools.cache
def compiled(group: str, n: int, special: bool, ndim: int, width: int, precision: str = "float64") -> types.ModuleType:
    """Module whose functions are the kernels of one group, dimension, width and precision."""
    name = f"gaugeflow_kernels_{group.lower()}_{ndim}d_w{width}_{precision}_{sources_hash()}"
    module = types.ModuleType(name)
    module.__dict__.update(namespace(n, special, ndim, width, precision))
    sys.modules[name] = module
    with numba_cache(name):
        run_site_files(module.__dict__)
    return module
