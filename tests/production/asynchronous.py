"""`gaugeflow` on a lattice that says its saving may run beside computing: python asynchronous.py WORDS..."""

import sys

from gaugeflow.cli.main import main
from gaugeflow.lattice.packed import PackedLattice

PackedLattice.asynchronous = True

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
