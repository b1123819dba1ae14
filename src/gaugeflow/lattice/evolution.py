"""Random links and momenta, force, link update, kinetic energy, return to the group.

The fast operations and, below, the obvious ones that the tests compare them with.
"""

import numpy as np

from gaugeflow.kernels.dispatch import kernel_oracle as oracle
from gaugeflow.lattice.operations import operation


class Evolution:
    """Operations of `PackedLattice`."""

    def _randomise(self, kernel, seed, purpose, trajectory, **field):
        keys = {"key0": seed & 0xFFFFFFFF, "key1": seed >> 32}
        self._run(kernel, trajectory=trajectory, purpose=int(purpose), **keys, **field)
        self.device.fill_dead(*field.values(), 0.0)

    @operation
    def hot(self, seed, purpose):
        """Haar-distributed links."""
        out = self.new_links()
        self._randomise("random_links", seed, purpose, 0, u=out)
        self.halo.begin(out)
        return out

    @operation
    def refresh(self, momenta, seed, purpose, trajectory) -> None:
        """momenta <- Gaussian momenta P = i p_a T_a with unit variance of every p_a."""
        self._randomise("gaussian_momenta", seed, purpose, trajectory, p=momenta)

    @operation
    def kick(self, links, momenta, c, d=1.0) -> None:
        """P <- d P + c P(U S^dagger), S the sum of staples."""
        self._run("kick", lambda: self.halo.finish(links), u=links, p=momenta, c=float(c), d=float(d))
        self.halo.finish(links)

    @operation
    def drift(self, links, momenta, eps) -> None:
        """U <- exp(eps P) U."""
        self._run("drift", u=links, p=momenta, eps=float(eps))
        self.halo.begin(links)

    @operation
    def kinetic_sums(self, momenta):
        """Local exact sums of -tr P^2, one column; pass to `total`."""
        self.device.fill_dead(momenta, 0.0)  # kicks leave anything there
        return self._sum("kinetic_sums", 1, p=momenta)

    @operation
    def reunitarise(self, links) -> np.ndarray:
        """Links back to the group; largest change of a matrix element per chain, (chains,)."""
        self.device.fill_dead(links, np.eye(self.n, dtype=complex).view(float).ravel())  # zero has no direction
        worst = self._largest("reunitarise", u=links)
        self.device.fill_dead(links, 0.0)
        self.halo.begin(links)
        return worst

    @operation
    def distance(self, links, other) -> np.ndarray:
        """Largest norm sqrt(sum_ab |U_ab - V_ab|^2) of the difference of two links, (chains,)."""
        for field in (links, other):
            self.device.fill_dead(field, 0.0)  # drifts may leave anything there
        return np.sqrt(self._largest("link_distance", u=links, v=other))


class OracleEvolution:
    """The same of `OracleLattice`."""

    def hot(self, seed, purpose):
        """Haar-distributed links."""
        out = self.new_links()
        for mu in range(self.ndim):
            g = oracle.gaussians(2 * self.n**2, self._sites, self._chains, 0, int(purpose), mu, seed)
            m = g.reshape(*g.shape[:-1], self.n, self.n, 2)
            out[..., mu, :, :] = oracle.to_group(m[..., 0] + 1j * m[..., 1], self.special)
        return out

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

    def kinetic_sums(self, momenta):
        """Sums of -tr P^2."""
        squares = -np.einsum("...ab,...ba->...", momenta, momenta).real
        return squares.reshape(self.chains, -1).sum(1)[:, None]

    def reunitarise(self, links):
        """Links back to the group; largest change of a real or imaginary part per chain."""
        after = oracle.to_group(links, self.special)
        change = after - links
        links[...] = after
        return np.maximum(abs(change.real), abs(change.imag)).reshape(self.chains, -1).max(1)

    def distance(self, links, other):
        """Largest Frobenius norm of the difference of two links per chain."""
        squares = (abs(links - other) ** 2).sum((-2, -1))
        return np.sqrt(squares.reshape(self.chains, -1).max(1))
