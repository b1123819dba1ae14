"""Program of test_ranks: hashes of everything that ranks compute together, for many lattices and all process grids.

Run alone it takes one rank; under mpiexec it takes the ranks of the world. Prints one JSON line on rank 0.
With a second argument, a folder, some lattices run on the CUDA source built for the host in it.
"""

import hashlib
import itertools
import json
import math
import sys
from pathlib import Path

import numpy as np

from gaugeflow.actions.rectangle import RectangleAction
from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.flow.gradient_flow import gradient_flow
from gaugeflow.flow.smearing import ApeSmearing, HypSmearing, StoutSmearing, smear
from gaugeflow.lattice.communicator import world
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.energy import energy_and_charge_clover, plaquettes
from gaugeflow.observables.field_strength import energies_and_charges
from gaugeflow.observables.loops import wilson_loops
from gaugeflow.observables.polyakov import polyakov_correlator, polyakov_loop
from gaugeflow.observables.topology import charge_geometric, has_geometric_charge
from gaugeflow.samplers.exact_2d import Exact2D
from gaugeflow.samplers.heatbath import HeatBath
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import OMF2
from gaugeflow.samplers.start import start_links
from gaugeflow.samplers.winding import Winding

LATTICES = [
    ("U1", (6, 4), 2),
    ("SU2", (8, 8), 4),
    ("SU3", (3, 4), 12),
    ("U1", (2, 4, 3), 1),
    ("SU2", (4, 6, 8), 1),
    ("SU3", (4, 2, 3, 4), 1),
    ("SU3", (8, 4, 4, 8), 1),
    ("SU2", (3, 5, 4, 6), 2),
    ("SU3", (4, 2, 3, 4), 1, "float32"),
    ("U1", (16, 32), 3),
    ("U2", (6, 4), 2),
]
ON_HOST_BUILD = [LATTICES[1], LATTICES[6], LATTICES[7], LATTICES[9]]
"""Chains in lanes; whole blocks in messages; odd extents, so single lanes in messages; chains with an interior."""

SMEARED = [LATTICES[3], LATTICES[4], LATTICES[5], LATTICES[7]]
"""Lattices in three and four dimensions, with odd extents and extents of two."""

SEED = 5


def digest(arrays):
    """One hash of a list of arrays."""
    h = hashlib.sha256()
    for array in arrays:
        h.update(np.ascontiguousarray(array).tobytes())
    return h.hexdigest()


def everything(lattice):
    """Start, two trajectories, sweeps, flow, every measurement; hashes per stage on rank 0."""
    links, momenta = start_links(lattice, "mixed", SEED), lattice.new_momenta()
    hmc, out = HMC(WilsonAction(2.0), OMF2, 1.0, 3, SEED), {}
    fields = {"start": lattice.gather(links)}
    for number in range(2):
        links, info = hmc.step(lattice, links, momenta, number)
        out[f"trajectory {number}"] = digest(info[:3])
    heatbath = HeatBath(WilsonAction(2.0), 2, 1, SEED)
    links, info = heatbath.step(lattice, links, momenta, 2)
    out["sweeps"] = digest([info.plaquette])
    fields["chain"] = lattice.gather(links)
    back = lattice.scatter(fields["chain"])
    out["measure"] = digest(
        [plaquettes(lattice, back), polyakov_loop(lattice, back), *wilson_loops(lattice, back, 2, 2).values()]
    )
    out["field strength"] = digest(energies_and_charges(lattice, back, ("improved", "plaquette"), slices=True).values())
    if (lattice.group, lattice.extents, lattice.chains) in SMEARED and lattice.precision == "float64":
        out["correlator"] = digest([polyakov_correlator(lattice, links, 2)])
        fields["smeared"] = smeared(lattice, lattice.copy(links))
    if has_geometric_charge(lattice):
        winding = Winding(hmc, hmc.action, 2, SEED)
        links, info = winding.step(lattice, links, momenta, 2)
        out["charge"] = digest([*info[:3], charge_geometric(lattice, links)])
        fields["wound"] = lattice.gather(links)
    if lattice.ndim == 2 and lattice.group in ("U1", "SU2", "U2"):
        fresh, info = Exact2D(hmc.action, SEED).step(lattice, links, momenta, 3)
        out["exact plaquette"] = digest(info[2:3])
        fields["exact"] = lattice.gather(fresh)
    for _ in gradient_flow(lattice, links, (0.1,), 0.05):
        out["flow"] = digest(energy_and_charge_clover(lattice, links))
    fields["flowed"] = lattice.gather(links)
    links, info = HMC(RectangleAction(2.0, -0.331), OMF2, 0.5, 1, SEED).step(lattice, links, momenta, 2)
    out["rectangles"] = digest(info[:3])
    for _ in gradient_flow(lattice, links, (0.06,), 0.05, "zeuthen", 1e-4):
        fields["adaptively flowed"] = lattice.gather(links)
    out |= {name: digest([field]) for name, field in fields.items() if field is not None}
    return out


def smeared(lattice, links):
    """Links after a step of every smearing that is defined."""
    smear(lattice, links, ApeSmearing(kind="ape", alpha=0.4), "space")
    smear(lattice, links, StoutSmearing(kind="stout", rho=0.1))
    if lattice.ndim == 4:
        smear(lattice, links, HypSmearing(kind="hyp"))
    return lattice.gather(links)


def grids(ranks, chains, extents):
    """All process grids of this many ranks that divide the lattice."""
    sizes = (chains, *reversed(extents))
    for grid in itertools.product(*[[k for k in range(1, ranks + 1) if n % k == 0] for n in sizes]):
        if math.prod(grid) == ranks:
            yield grid


def main(ranks, folder=None):
    comm, out = world(ranks), {}
    device, cases = "cpu", LATTICES
    if folder:
        from kernels.host_emulation import host_device

        own = Path(folder) / str(comm.rank)
        own.mkdir()
        device, cases = host_device(own, chunks=2), ON_HOST_BUILD
    for group, extents, chains, *precision in cases:
        options = {"device": device, "precision": precision[0] if precision else "float64"}
        for grid in grids(ranks, chains, extents):
            result = everything(PackedLattice(group, extents, chains, comm=comm, grid=grid, **options))
            name = " ".join([group, "x".join(map(str, extents)), f"{chains} chains", *precision])
            out.setdefault(name, {})["x".join(map(str, grid))] = result
    if comm.rank == 0:
        sys.stdout.write(json.dumps(out) + "\n")


main(int(sys.argv[1]), *sys.argv[2:])
