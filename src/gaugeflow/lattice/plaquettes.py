"""Plaquettes and staples.

The fast operations and, below, the obvious ones that the tests compare them with.
"""

import numpy as np

from gaugeflow.conventions import planes
from gaugeflow.kernels.dispatch import kernel_oracle as oracle
from gaugeflow.lattice.operations import operation


class Plaquettes:
    """Operations of `PackedLattice`."""

    @operation
    def plaquette_sums(self, links):
        """Local exact sums of Re tr U_p, one column per plane; pass to `total`."""
        return self._sum("plaquette_sums", len(planes(self.ndim)), lambda: self.halo.finish(links), u=links)

    @operation
    def plaquette_angles(self, links) -> np.ndarray:
        """arg det U_p in (-pi, pi] of this rank's sites, (local chains, sites, planes)."""
        count = len(planes(self.ndim))
        out = self.device.new_field(self.partition.field_shape(count, 2), np.float64)
        self._run("plaquette_determinants", lambda: self.halo.finish(links), u=links, out=out)
        found = self.layout.unpack(self.device.to_host(out), self.local_chains, count)
        return np.arctan2(found[..., 1], found[..., 0]).reshape(self.local_chains, -1, count)

    @operation
    def staples(self, links, mu, out) -> None:
        """out(x) = sum of the staples of U_mu(x): U_mu(x) out(x) sums the plaquettes through the link."""
        self._run("staples", lambda: self.halo.finish(links), u=links, out=out, mu=mu)
        self.device.fill_dead(out, 0.0)
        self.halo.begin(out)


class OraclePlaquettes:
    """The same of `OracleLattice`."""

    def plaquette_sums(self, links):
        """Sums of Re tr U_p, one column per plane."""
        traces = [np.trace(oracle.plaquette(links, mu, nu), axis1=-2, axis2=-1) for mu, nu in planes(self.ndim)]
        return np.stack([t.real.reshape(self.chains, -1).sum(1) for t in traces], 1)

    def plaquette_angles(self, links):
        """arg det U_p, (chains, sites, planes)."""
        found = [np.linalg.det(oracle.plaquette(links, mu, nu)) for mu, nu in planes(self.ndim)]
        return np.stack([np.angle(d).reshape(self.chains, -1) for d in found], -1)

    def staples(self, links, mu, out):
        """out(x) = sum of the staples of U_mu(x)."""
        out[...] = oracle.staples(links, mu)
