"""Products of links along straight lines, and the loops they close; a line field holds one matrix per site.

The fast operations and, below, the obvious ones that the tests compare them with.
"""

import numpy as np

from gaugeflow.kernels.dispatch import kernel_oracle as oracle
from gaugeflow.lattice.operations import operation


class Lines:
    """Operations of `PackedLattice`."""

    @operation
    def take_links(self, links, mu, line) -> None:
        """line(x) = U_mu(x)."""
        self._run("take_links", u=links, line=line, mu=mu)
        self.halo.begin(line)

    @operation
    def extend_line(self, links, mu, line, out) -> None:
        """out(x) = U_mu(x) line(x + mu)."""
        self._run("extend_line", lambda: self.halo.finish(line), u=links, line=line, out=out, mu=mu)
        self.halo.begin(out)

    @operation
    def shift_line(self, line, mu, out) -> None:
        """out(x) = line(x + mu)."""
        self._run("shift_line", lambda: self.halo.finish(line), line=line, out=out, mu=mu)
        self.device.fill_dead(out, 0.0)
        self.halo.begin(out)

    @operation
    def loop_sums(self, side, up, left, top):
        """Local exact sums of Re tr side up (left top)^dagger; pass to `total`."""
        return self._sum("loop_sums", 1, side=side, up=up, left=left, top=top)

    @operation
    def correlation_sums(self, line, top):
        """Local exact sums of Re(tr line(x) conj tr top(x)); pass to `total`."""
        return self._sum("correlation_sums", 1, line=line, top=top)

    @operation
    def trace_sums(self, line):
        """Local exact sums of Re tr and Im tr of a line field; pass to `total`."""
        return self._sum("trace_sums", 2, line=line)


class OracleLines:
    """The same of `OracleLattice`."""

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

    def correlation_sums(self, line, top):
        """Sums of Re(tr line conj tr top)."""
        a, b = (np.trace(x, axis1=-2, axis2=-1) for x in (line, top))
        return (a * b.conj()).real.reshape(self.chains, -1).sum(1)[:, None]

    def trace_sums(self, line):
        """Sums of Re tr and Im tr."""
        t = np.trace(line, axis1=-2, axis2=-1).reshape(self.chains, -1).sum(1)
        return np.stack([t.real, t.imag], 1)
