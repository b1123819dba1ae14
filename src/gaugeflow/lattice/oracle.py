"""The lattice interface in plain NumPy: same operations as `packed.PackedLattice`, fields are canonical arrays.

For parity tests and for `--device oracle`; one rank, one thread.
"""

import numpy as np

from gaugeflow.conventions import gauge_group, planes
from gaugeflow.errors import ConfigError
from gaugeflow.kernels.dispatch import kernel_oracle as oracle
from gaugeflow.kernels.dispatch import matrix_size
from gaugeflow.lattice.communicator import Communicator, Serial


class OracleLattice:
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

    def hot(self, seed, purpose):
        """Haar-distributed links."""
        out = self.new_links()
        for mu in range(self.ndim):
            g = oracle.gaussians(2 * self.n**2, self._sites, self._chains, 0, int(purpose), mu, seed)
            m = g.reshape(*g.shape[:-1], self.n, self.n, 2)
            out[..., mu, :, :] = oracle.to_group(m[..., 0] + 1j * m[..., 1], self.special)
        return out

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

    def select(self, accepted, new, old):
        """new <- old for every chain that is not accepted."""
        new[~accepted] = old[~accepted]

    def refresh(self, momenta, seed, purpose, trajectory):
        """Gaussian momenta i p_a T_a."""
        t = oracle.generators(self.n, self.special)
        for mu in range(self.ndim):
            p = oracle.gaussians(len(t), self._sites, self._chains, trajectory, int(purpose), mu, seed)
            momenta[..., mu, :, :] = 1j * np.einsum("...a,aij->...ij", p, t)

    def kick(self, links, momenta, c, d=1.0):
        """P <- d P + c P(U S^dagger)."""
        momenta[...] = d * momenta + c * oracle.force(links, self.special)

    def drift(self, links, momenta, eps):
        """U <- exp(eps P) U."""
        links[...] = oracle.exponential(eps * momenta) @ links

    def plaquette_sums(self, links):
        """Sums of Re tr U_p, one column per plane."""
        traces = [np.trace(oracle.plaquette(links, mu, nu), axis1=-2, axis2=-1) for mu, nu in planes(self.ndim)]
        return np.stack([t.real.reshape(self.chains, -1).sum(1) for t in traces], 1)

    def kinetic_sums(self, momenta):
        """Sums of -tr P^2."""
        squares = -np.einsum("...ab,...ba->...", momenta, momenta).real
        return squares.reshape(self.chains, -1).sum(1)[:, None]

    def clover_sums(self, links):
        """Sums of -tr F F and (4D) of the charge form."""
        energy = oracle.clover_energy(links, self.special)
        charge = oracle.clover_charge_form(links, self.special) if self.ndim == 4 else np.zeros(self.chains)
        return np.stack([energy, charge], 1)

    def total(self, *sums):
        """Columns side by side."""
        return np.concatenate(sums, 1)

    def reunitarise(self, links):
        """Links back to the group; largest change of a real or imaginary part per chain."""
        after = oracle.to_group(links, self.special)
        change = after - links
        links[...] = after
        return np.maximum(abs(change.real), abs(change.imag)).reshape(self.chains, -1).max(1)

    def plaquette_angles(self, links):
        """arg tr U_p, (chains, sites, planes)."""
        traces = [np.trace(oracle.plaquette(links, mu, nu), axis1=-2, axis2=-1) for mu, nu in planes(self.ndim)]
        return np.stack([np.angle(t).reshape(self.chains, -1) for t in traces], -1)

    def staples(self, links, mu, out):
        """out(x) = sum of the staples of U_mu(x)."""
        out[...] = oracle.staples(links, mu)

    def take_links(self, links, mu, line):
        """line(x) = U_mu(x)."""
        line[...] = links[..., mu, :, :]

    def extend_line(self, links, mu, line, out):
        """out(x) = U_mu(x) line(x + mu)."""
        out[...] = links[..., mu, :, :] @ oracle.shift(line, mu, self.ndim)

    def shift_line(self, line, mu, out):
        """out(x) = line(x + mu)."""
        out[...] = oracle.shift(line, mu, self.ndim)

    def loop_sums(self, side, up, left, top):
        """Sums of Re tr side up (left top)^dagger."""
        loop = side @ up @ oracle.dagger(left @ top)
        return np.trace(loop, axis1=-2, axis2=-1).real.reshape(self.chains, -1).sum(1)[:, None]

    def trace_sums(self, line):
        """Sums of Re tr and Im tr."""
        t = np.trace(line, axis1=-2, axis2=-1).reshape(self.chains, -1).sum(1)
        return np.stack([t.real, t.imag], 1)
