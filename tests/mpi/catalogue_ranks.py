"""Program of test_catalogue_ranks: what ranks read from a catalogue's files on every process grid.

RANKS FOLDER: the folder has the files in `data`, the catalogue 0000.h5, and `spoilt`, a copy of the files of which one
was changed. Prints one JSON line on rank 0: grid -> hash of all links and plaquettes; how often each rank raised.
"""

import hashlib
import itertools
import json
import math
import sys
from pathlib import Path

import numpy as np

from gaugeflow.ensembles.catalogue import file_records
from gaugeflow.ensembles.foreign_links import foreign_configurations
from gaugeflow.ensembles.reader import open_file
from gaugeflow.errors import FileError
from gaugeflow.lattice.communicator import world
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.energy import plaquettes


def grids(ranks, sizes):
    """All process grids of this many ranks that divide the sizes."""
    for grid in itertools.product(*[[k for k in range(1, ranks + 1) if n % k == 0] for n in sizes]):
        if math.prod(grid) == ranks:
            yield grid


def main(ranks, folder):
    comm, out = world(ranks), {}
    with open_file(folder / "0000.h5") as file:
        records, spec = file_records(file), file.spec["spec"]
    extents, chains = tuple(spec["extents"]), spec["chains"]
    for grid in grids(ranks, (chains, *reversed(extents))):
        lattice = PackedLattice(spec["group"], extents, chains, comm=comm, grid=grid)
        digest = hashlib.sha256()
        for links in foreign_configurations(records, lattice, folder / "data", "catalogue"):
            digest.update(plaquettes(lattice, links).tobytes())  # takes links of other ranks out of the halo
            whole = lattice.gather(links)
            digest.update(b"" if whole is None else whole.tobytes())
        out["x".join(map(str, grid))] = digest.hexdigest()
    raised = np.zeros(ranks, np.int64)
    for grid in grids(ranks, (chains, *reversed(extents))):
        lattice = PackedLattice(spec["group"], extents, chains, comm=comm, grid=grid)
        for name in ("spoilt", "nowhere"):
            try:
                list(foreign_configurations(records, lattice, folder / name, "catalogue"))
            except FileError:
                raised[comm.rank] += 1
    raised = comm.sum_integers(raised)
    if comm.rank == 0:
        sys.stdout.write(json.dumps({"grids": out, "raised": raised.tolist()}) + "\n")


main(int(sys.argv[1]), Path(sys.argv[2]))
