"""Compiles the kernels of the parity tests in a process of its own while other tests run: the cache on disk is shared.

The tests compile what they meet first, from the front of the same list; whoever comes second waits or loads.
"""

import os
import subprocess
import sys
from pathlib import Path

_process: subprocess.Popen | None = None

ENOUGH = 1000
"""Tests of kernels from which on it pays."""


def begin() -> None:
    """Start the process, at low priority."""
    global _process
    tests = Path(__file__).parents[1]
    paths = [str(tests), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    _process = subprocess.Popen([sys.executable, __file__], env=environment, **quiet)


def end() -> None:
    """Stop it if it still runs; what it was compiling is compiled by whoever needs it."""
    if _process is not None:
        _process.kill()
        _process.wait()


def compile_all() -> None:
    """Call every operation on every case of the parity tests, from the back, and run the chains of other widths."""
    from kernels.operation_samples import results
    from kernels.test_invariance import OTHER_WIDTHS, run_chain
    from kernels.test_parity import CASES, CHAINS
    from laws import EXTENTS, SEED

    from gaugeflow.lattice.operations import OPERATIONS
    from gaugeflow.lattice.oracle import OracleLattice
    from gaugeflow.lattice.packed import PackedLattice
    from gaugeflow.rng import Purpose

    os.nice(5)
    for group, ndim, precision in reversed(dict.fromkeys((g, d, p) for g, d, _, p in CASES)):
        fast = PackedLattice(group, EXTENTS[ndim], CHAINS, precision=precision)
        links = OracleLattice(group, EXTENTS[ndim], CHAINS).hot(SEED, Purpose.START)
        for name in OPERATIONS:
            results(fast, name, links)
    for group, width in OTHER_WIDTHS:
        run_chain(group, width=width, lanes="sites")


if __name__ == "__main__":
    compile_all()
