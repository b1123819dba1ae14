"""Frames, one matrix per site carried along a tree of links, and links turned in them.

The fast operations and, below, the obvious ones that the tests compare them with.
"""

from gaugeflow.kernels.dispatch import kernel_oracle as oracle
from gaugeflow.lattice.operations import operation


class Frames:
    """Operations of `PackedLattice`."""

    @operation
    def carry_frames(self, links, side, line, out) -> None:
        """out(x) = side(x) + sum over mu of U_mu(x) line(x + mu); links that are zero carry nothing."""
        self._run("carry_frames", lambda: self.halo.finish(line), u=links, side=side, line=line, out=out)
        self.halo.begin(out)

    @operation
    def turn_links(self, links, factors, line) -> None:
        """U_mu(x) <- F W_mu(x) F^dagger U_mu(x) with the frame F = line(x) and W = factors, a field like links."""
        self._run("turn_links", u=links, factors=factors, line=line)
        self.halo.begin(links)


class OracleFrames:
    """The same of `OracleLattice`."""

    def carry_frames(self, links, side, line, out):
        """out(x) = side(x) + sum over mu of U_mu(x) line(x + mu)."""
        ahead = [links[..., mu, :, :] @ oracle.shift(line, mu, self.ndim) for mu in range(self.ndim)]
        out[...] = side + sum(ahead)

    def turn_links(self, links, factors, line):
        """U_mu(x) <- F W_mu(x) F^dagger U_mu(x)."""
        frame = line[..., None, :, :]
        links[...] = frame @ factors @ oracle.dagger(frame) @ links
