"""Program of test_cache: compile what a trajectory of small lattices needs and print how many kernels that took.

python cold_start.py            a number
python cold_start.py die NAME   the process kills itself while it holds the lock of kernel NAME
python cold_start.py function   one small function instead
"""

import os
import signal
import sys

from gaugeflow.kernels.compilation import watching
from gaugeflow.kernels.targets.cache import SharedCache, cached_jit


def twice(x):
    """What the third form compiles."""
    return 2 * x


def trajectory():
    """Compile by running."""
    from gaugeflow.lattice.packed import PackedLattice
    from gaugeflow.rng import Purpose

    lattice = PackedLattice("U1", (4, 4), 2, width=1)
    links, momenta = lattice.hot(1, Purpose.START), lattice.new_momenta()
    lattice.refresh(momenta, 1, Purpose.MOMENTA, 0)
    lattice.drift(links, momenta, 0.1)


def die_instead_of_saving(name):
    """The kernel `name` is compiled but the process ends before it is kept."""
    save = SharedCache.save_overload

    def save_or_die(self, sig, data):
        if self._name == name:
            os.kill(os.getpid(), signal.SIGKILL)
        save(self, sig, data)

    SharedCache.save_overload = save_or_die


found = []
with watching(lambda configuration, function, seconds: found.append(function)):
    if sys.argv[1:] == ["function"]:
        assert cached_jit(twice)(2.0) == 4.0
    else:
        if sys.argv[1:2] == ["die"]:
            die_instead_of_saving(sys.argv[2])
        trajectory()
sys.stdout.write(f"{len(found)}\n")
