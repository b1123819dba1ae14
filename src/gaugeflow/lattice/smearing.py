"""Staples of lines, the nearest element of the group, and links put together from lines.

The fast operations and, below, the obvious ones that the tests compare them with.
"""

import numpy as np

from gaugeflow.kernels.dispatch import kernel_oracle as oracle
from gaugeflow.lattice.operations import operation

MOST_SWEEPS = 2000
"""Sweeps of the search for the nearest group element, after which it gives up; rough links take ten."""


class Smearing:
    """Operations of `PackedLattice`."""

    @operation
    def add_staples(self, side, top, mu, nu, keep, out) -> None:
        """out(x) <- keep out(x) + the two staples of the link mu at x in the plane (mu, nu), along that link.

        out(x) = keep out(x) + A(x) B(x + nu) A(x + mu)^dagger + A(x - nu)^dagger B(x - nu) A(x - nu + mu), with lines
        A = `side` along nu and B = `top` along mu. Of `out` no halo is exchanged.
        """

        def finish():
            self.halo.finish(side)
            self.halo.finish(top)

        self._run("add_staples", finish, side=side, top=top, out=out, mu=mu, nu=nu, c=float(keep))
        self.device.fill_dead(out, 0.0)

    @operation
    def project_line(self, line, top, keep, add, out, sweeps=MOST_SWEEPS) -> np.ndarray:
        """out(x) = the X of the group with the largest Re tr X^dagger M, M = keep line(x) + add top(x).

        The search starts at line(x), an element of the group, and climbs: of several maxima it takes the one that it
        reaches. Returns per chain the largest relative distance from a maximum that is left, (chains,).
        """
        values = {"line": line, "top": top, "out": out, "c": float(keep), "d": float(add), "sweeps": sweeps}
        worst = self.device.largest("project_line", **values)
        self.device.fill_dead(out, 0.0)
        self.halo.begin(out)
        local = worst.max(1) if self.layout.site_lanes else self.partition.lanes_to_chains(worst)
        return self.comm.maximum(self.partition.of_all_chains(local))

    @operation
    def staple_momenta(self, links, line, mu, eps, momenta) -> None:
        """P_mu(x) = eps P(U_mu(x) line(x)^dagger), P the projection on the algebra; other directions stay."""
        self._run("staple_momenta", u=links, line=line, p=momenta, c=float(eps), mu=mu)

    @operation
    def put_links(self, line, mu, links) -> None:
        """U_mu(x) = line(x)."""
        self._run("put_links", line=line, u=links, mu=mu)
        self.halo.begin(links)


class OracleSmearing:
    """The same of `OracleLattice`."""

    def add_staples(self, side, top, mu, nu, keep, out):
        """out(x) <- keep out(x) + staples."""
        a, b, ndim = side, top, self.ndim
        above = a @ oracle.shift(b, nu, ndim) @ oracle.dagger(oracle.shift(a, mu, ndim))
        below = oracle.dagger(a) @ b @ oracle.shift(a, mu, ndim)
        out[...] = keep * out + above + oracle.shift(below, nu, ndim, -1)

    def project_line(self, line, top, keep, add, out, sweeps=None):
        """The nearest group element, by singular values."""
        out[...] = oracle.nearest_in_group(keep * line + add * top, self.special)
        return np.zeros(self.chains)

    def staple_momenta(self, links, line, mu, eps, momenta):
        """P_mu = eps P(U_mu line^dagger)."""
        momenta[..., mu, :, :] = eps * oracle.projection(links[..., mu, :, :] @ oracle.dagger(line), self.special)

    def put_links(self, line, mu, links):
        """U_mu(x) = line(x)."""
        links[..., mu, :, :] = line
