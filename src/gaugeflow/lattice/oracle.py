"""The lattice interface in plain NumPy: same operations as `packed.PackedLattice`, fields are canonical arrays.

For parity tests and for `--device oracle`; one rank, one thread.
"""

import numpy as np

from gaugeflow.conventions import gauge_group
from gaugeflow.errors import ConfigError
from gaugeflow.kernels.dispatch import matrix_size
from gaugeflow.lattice.communicator import Communicator, Serial
from gaugeflow.lattice.defects import OracleDefects
from gaugeflow.lattice.evolution import OracleEvolution
from gaugeflow.lattice.field_strength import OracleFieldStrength
from gaugeflow.lattice.frames import OracleFrames
from gaugeflow.lattice.lines import OracleLines
from gaugeflow.lattice.plaquettes import OraclePlaquettes
from gaugeflow.lattice.rectangles import OracleRectangles
from gaugeflow.lattice.smearing import OracleSmearing
from gaugeflow.lattice.sweeps import OracleSweeps


class OracleLattice(
    OracleEvolution,
    OraclePlaquettes,
    OracleRectangles,
    OracleLines,
    OracleSweeps,
    OracleFrames,
    OracleFieldStrength,
    OracleSmearing,
    OracleDefects,
):
    """`chains` lattices of `extents` (x, ..., t) on one rank, in float64."""

    precision = "float64"

    def __init__(self, group, extents, chains, *, comm: Communicator | None = None, precision="float64", **unused):
        if precision != self.precision:
            raise ConfigError(f"device oracle: got precision {precision}, wanted float64; use --device cpu")
        self.group, self.extents, self.chains = group, tuple(extents), chains
        self.ndim, self.comm = len(extents), comm or Serial()
        if self.comm.size != 1:
            raise ConfigError("device oracle runs on one rank; use --ranks 1 or --device cpu")
        self.volume = int(np.prod(extents))
        self.n, self.special = matrix_size(group)
        self.generator_trace = gauge_group(group).generator_trace
        self.shape = (chains, *reversed(self.extents), self.ndim, self.n, self.n)
        self.grid, self.first_chain, self.local_chains = (1,) * (self.ndim + 1), 0, chains
        self.asynchronous = False
        self._sites = np.arange(self.volume).reshape(1, *reversed(self.extents))
        self._chains = np.arange(chains).reshape(-1, *[1] * self.ndim)

    def new_links(self):
        """Memory for links."""
        return np.zeros(self.shape, complex)

    new_momenta = new_links

    def new_line(self):
        """Memory for one matrix per site."""
        return np.zeros((*self.shape[:-3], self.n, self.n), complex)

    def cold(self):
        """Links all one."""
        return np.broadcast_to(np.eye(self.n, dtype=complex), self.shape).copy()

    def copy(self, field):
        """A field of its own with the same content."""
        return field.copy()

    def gather(self, links):
        """Canonical links."""
        return links.copy()

    def scatter(self, links):
        """Canonical links -> field."""
        return np.array(links, complex)

    snapshot = gather

    def gather_slabs(self, links, slabs):
        """(slab, values) for every slab (chains, times)."""
        return ((slab, links[slab]) for slab in slabs)

    def scatter_slabs(self, slabs, read):
        """Field from read(slab) -> canonical values."""
        out = self.new_links()
        for slab in slabs:
            out[slab] = read(slab)
        return out

    def scatter_own(self, slabs, read, agree):
        """Field from read(global slices) -> canonical values."""
        out = self.new_links()
        for slab in slabs:
            index = (*slab, *(slice(0, extent) for extent in self.shape[2:-3]))
            out[index] = read(index)
        agree()
        return out

    def select(self, accepted, new, old):
        """new <- old for every chain that is not accepted."""
        new[~accepted] = old[~accepted]

    def total(self, *sums):
        """Columns side by side."""
        return np.concatenate(sums, 1)
