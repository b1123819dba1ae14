"""Sweeps of overrelaxation and heat bath for the Wilson action.

A sweep takes one direction after the other and its colours in turn (`kernels.checkerboard`). The fast operations and,
below, the obvious ones that the tests compare them with.
"""

import numpy as np

from gaugeflow.kernels.dispatch import checkerboard
from gaugeflow.kernels.dispatch import kernel_oracle as oracle
from gaugeflow.lattice.operations import operation


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
                self._run(kernel, lambda: self.halo.finish(links), sweep=(mu, colour), **given)
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
            links[:, chosen, mu] = oracle.overrelaxed(u, staple, self.special)
