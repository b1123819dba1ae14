"""Forces and traces of 2 x 1 rectangles, one plane after the other from half staples.

The fast operations and, below, the obvious ones that the tests compare them with. Beside links and momenta they need
four matrices per site (in 4D one field of links), the smoothed force a field of momenta more; both are kept.
"""

import numpy as np

from gaugeflow.conventions import planes
from gaugeflow.kernels.dispatch import kernel_oracle as oracle
from gaugeflow.lattice.operations import operation

HALF_STAPLES = 4


class Rectangles:
    """Operations of `PackedLattice`."""

    def _half_staples(self, links, mu, nu, c):
        """c times the half staples of one plane, their halo under way; see `kernels.sites.rectangles`."""
        half = self.scratch("half staples", HALF_STAPLES, 2 * self.n**2)
        self._run("half_staples", lambda: self.halo.finish(links), u=links, half=half, mu=mu, nu=nu, c=float(c))
        self.device.fill_dead(half, 0.0)
        self.halo.begin(half)
        return half

    @operation
    def kick_rectangles(self, links, momenta, c0, c1, d=1.0) -> None:
        """P <- d P + P(U (c0 S + c1 R)^dagger), S the sum of staples, R that of the paths around 2 x 1 rectangles."""
        for mu, nu in planes(self.ndim):
            half = self._half_staples(links, mu, nu, c1)
            keep = {"keep_mu": float(d if nu == 1 else 1.0), "keep_nu": float(d if mu == 0 else 1.0)}
            places = {"u": links, "half": half, "p": momenta, "mu": mu, "nu": nu}
            self._run("kick_plane", lambda half=half: self.halo.finish(half), **places, c0=float(c0), **keep)

    @operation
    def kick_smoothed(self, links, momenta, c0, c1, c, d=1.0) -> None:
        """P_mu <- d P_mu + (1 + c nabla*_mu nabla_mu) F_mu, F = P(U (c0 S + c1 R)^dagger).

        The second difference is covariant and along mu itself, without a sum:
        nabla* nabla F = U F(x+mu) U^dagger + U(x-mu)^dagger F(x-mu) U(x-mu) - 2 F(x).
        """
        force = self.scratch("force", self.ndim, self.n**2)
        self.kick_rectangles(links, force, c0, c1, 0.0)
        self.halo.begin(force)
        coefficients = {"c": float(c), "d": float(d)}
        self._run("kick_smoothed", lambda: self.halo.finish(force), u=links, force=force, p=momenta, **coefficients)

    @operation
    def rectangle_sums(self, links):
        """Local exact sums of Re tr of both 2 x 1 rectangles per site, one column per plane; pass to `total`."""
        columns = []
        for mu, nu in planes(self.ndim):
            half = self._half_staples(links, mu, nu, 1.0)
            columns.append(self._sum("rectangle_sums", 1, half=half))
        return np.concatenate(columns, 1)


class OracleRectangles:
    """The same of `OracleLattice`."""

    def kick_rectangles(self, links, momenta, c0, c1, d=1.0):
        """P <- d P + P(U (c0 S + c1 R)^dagger)."""
        force = c0 * oracle.force(links, self.special) + c1 * oracle.rectangle_force(links, self.special)
        momenta[...] = d * momenta + force

    def kick_smoothed(self, links, momenta, c0, c1, c, d=1.0):
        """P_mu <- d P_mu + (1 + c nabla*_mu nabla_mu) F_mu."""
        force = np.zeros_like(momenta)
        self.kick_rectangles(links, force, c0, c1)
        momenta[...] = d * momenta + force + c * oracle.second_difference(links, force)

    def rectangle_sums(self, links):
        """Sums of Re tr of both rectangles, one column per plane."""
        traces = [
            sum(np.trace(loop, axis1=-2, axis2=-1).real for loop in oracle.rectangles(links, mu, nu))
            for mu, nu in planes(self.ndim)
        ]
        return np.stack([t.reshape(self.chains, -1).sum(1) for t in traces], 1)
