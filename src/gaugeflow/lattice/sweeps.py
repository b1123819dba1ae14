"""Sweeps of overrelaxation and heat bath for the Wilson action.

A sweep takes one direction after the other and its colours in turn (`kernels.checkerboard`). The fast operations and,
below, the obvious ones that the tests compare them with.
"""

import numpy as np

from gaugeflow.errors import ConfigError
from gaugeflow.kernels.dispatch import SWEEPS, checkerboard, first_draw, sweep_oracle
from gaugeflow.kernels.dispatch import kernel_oracle as oracle
from gaugeflow.lattice.operations import operation
from gaugeflow.rng import Purpose, Stream

LARGEST_NUMBER_OF_SWEEPS = SWEEPS
"""Heat bath sweeps of one trajectory for which the random numbers have bits."""


class Sweeps:
    """Operations of `PackedLattice`."""

    def _sweep(self, kernel, links, **values):
        """A kernel over all directions and colours; a halo is fetched where an update reads it."""
        tables = self._lane_colours()
        whole = self.device.merges_colours and not self.layout.split.any()
        for mu in range(self.ndim):
            colours = (None,) if whole else range(checkerboard.colour_count(self.layout.global_extents, mu))
            for colour in colours:
                given = {"u": links, "mu": mu, "colours": tables[mu], **values}
                self._run(kernel, lambda: self.halo.finish(links), update=(mu, colour), **given)
                self.halo.finish(links)
                self.halo.begin(links)

    def _lane_colours(self):
        if not hasattr(self, "_colour_tables"):
            tables = [checkerboard.lane_colours(self.layout, mu) for mu in range(self.ndim)]
            self._colour_tables = [self.device.table(table) for table in tables]
        return self._colour_tables

    @operation
    def overrelax(self, links) -> None:
        """Every link reflected in its SU(2) subgroups and phases: no plaquette sum changes.

        Raises    GeometryError where an extent is 1
        """
        self._sweep("overrelax", links)

    @operation
    def heatbath(self, links, beta, seed, trajectory, sweep) -> None:
        """Every link drawn anew from its weight exp(beta Re tr U S / N), SU(2) subgroup after subgroup.

        sweep     number of the sweep in its trajectory; for U(N) phases follow the subgroups

        Raises    GeometryError where an extent is 1; ConfigError for beta < 0 or a sweep beyond its bits
        """
        if not beta >= 0:
            raise ConfigError(f"heat bath: got beta = {beta}, wanted 0 or more")
        first = first_draw(sweep)
        keys = {"key0": seed & 0xFFFFFFFF, "key1": seed >> 32, "purpose": int(Purpose.HEATBATH)}
        self._sweep("heatbath", links, c=float(beta) / self.n, trajectory=trajectory, number=first, **keys)


class OracleSweeps:
    """The same of `OracleLattice`."""

    def _updates(self):
        """(mu, mask of the links of one colour) in the order of a sweep."""
        extents = tuple(reversed(self.extents))
        for mu in range(self.ndim):
            colours = checkerboard.colours_of(self._sites[0], extents, mu)
            for colour in range(colours.max() + 1):
                yield mu, colours == colour

    def overrelax(self, links):
        """Every link reflected in its SU(2) subgroups and phases."""
        for mu, chosen in self._updates():
            u, staple = links[:, chosen, mu], oracle.staples(links, mu)[:, chosen]
            links[:, chosen, mu] = sweep_oracle.overrelaxed(u, staple, self.special)

    def heatbath(self, links, beta, seed, trajectory, sweep):
        """Every link drawn anew from its weight exp(beta Re tr U S / N)."""
        stream = Stream(seed, Purpose.HEATBATH)
        for mu, chosen in self._updates():
            where = {"site": self._sites[0][chosen], "chain": np.arange(self.chains)[:, None], "trajectory": trajectory}

            def words(draw, where=where, mu=mu):
                return stream.words(direction=mu, draw=draw, **where)

            u, staple = links[:, chosen, mu], oracle.staples(links, mu)[:, chosen]
            draw = first_draw(sweep)
            links[:, chosen, mu] = sweep_oracle.heatbath(u, staple, self.special, beta / self.n, words, draw)
