"""The CUDA source compiled for the host: every thread runs, one after the other, on the memory of a packed lattice."""

import ctypes
import hashlib
import subprocess
from functools import cache
from pathlib import Path

import numpy as np

from gaugeflow.kernels.targets.c_source import c_source

WARNINGS = ("-Wall", "-Werror", "-Wno-unused-variable", "-Wno-unused-function", "-Wno-unused-but-set-variable")
FLAGS = ("-std=c++17", "-O2", "-mfma", "-ffp-contract=off", "-fno-strict-aliasing", *WARNINGS, "-shared", "-fPIC")
WITH_PLAN = ("kick", "drift", "plaquette_sums")


@cache
def library(folder: Path, n: int, special: bool, ndim: int, width: int, precision: str) -> ctypes.CDLL:
    """g++'s build of the kernels."""
    text = c_source(n, special, ndim, width, precision)
    path = folder / f"kernels_{hashlib.sha256(text.encode()).hexdigest()[:16]}.so"
    source = path.with_suffix(".cpp")
    source.write_text(text)
    subprocess.run(["g++", *FLAGS, str(source), "-o", str(path)], check=True, capture_output=True, text=True)
    return ctypes.CDLL(str(path))


class HostKernels:
    """Stands in for the compiled module of a lattice's kernels: same names, same arguments."""

    def __init__(self, folder: Path, lattice):
        kernels = lattice.kernels
        self._library = library(folder, lattice.n, lattice.special, lattice.ndim, kernels.width, kernels.precision)
        self._dtype = kernels.dtype
        self._unit = lattice.n**2 * lattice.kernels.width * lattice.ndim * (lattice.ndim - 1) // 2

    def __getattr__(self, name):
        function = getattr(self._library, f"all_{name}")
        function.restype = None

        def call(first, last, *arguments):
            if name in WITH_PLAN:
                start, part = arguments[-1][0], arguments[0]
                items = int(start[part + 1] - start[part])
            else:
                items = arguments[1] - arguments[0]
            keep = []
            if name == "clover_sums":  # every thread has a place of its own
                lo, hi, u, _, sums, blocks, tables = arguments
                keep.append(np.zeros(last * blocks * self._unit, self._dtype))
                arguments = (lo, hi, u, keep[0].ctypes.data, sums, blocks, tables)
            flat = [x for a in (first, last, *arguments) for x in (a if isinstance(a, tuple) else (a,))]
            function(ctypes.c_int64(last - first), ctypes.c_int64(items), *map(_c_argument, flat))

        return call


def _c_argument(x):
    if isinstance(x, np.ndarray):
        return ctypes.c_void_p(x.ctypes.data)
    return ctypes.c_double(x) if isinstance(x, float) else ctypes.c_int64(int(x))
