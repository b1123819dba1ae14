"""Field strength of m x n leaves, its energy and charge, over the lattice or per time slice.

An element field holds one algebra element per site, a field strength one per site and plane; both keep their trace.
The fast operations and, below, the obvious ones that the tests compare them with.
"""

from functools import cached_property

import numpy as np

from gaugeflow.conventions import planes
from gaugeflow.kernels.dispatch import kernel_oracle as oracle
from gaugeflow.lattice.operations import operation
from gaugeflow.lattice.slices import one_row, time_rows

COLUMNS = 3
"""E of the planes without t, of those with t, and the charge form."""


class FieldStrength:
    """Operations of `PackedLattice`."""

    @cached_property
    def _one_row(self):
        return one_row(self.layout, self.device.table)

    @cached_property
    def _time_rows(self):
        return time_rows(self.layout, self.device.table)

    def _form_sums(self, kernel, keep_trace, slices, halo=None, **values):
        rows = self._time_rows if slices else self._one_row
        columns = COLUMNS * len(rows.times)
        values |= {"rows": rows.rows, "columns": columns, "keep_trace": int(keep_trace)}
        return self._of_chains(rows.per_slice(self._lane_sums(kernel, columns, halo, **values)))

    def new_element(self):
        """Memory for one algebra element per site, zero."""
        return self.partition.new_field(1, self.n**2)

    def new_field_strength(self):
        """Memory for one algebra element per site and plane, zero."""
        return self.partition.new_field(len(planes(self.ndim)), self.n**2)

    @operation
    def clover_sums(self, links, keep_trace=False, slices=False):
        """Local exact sums of -tr F F of the clover, over planes without and with t, and (4D) of the charge form.

        Columns (space, time, charge), with `slices` those of one time slice after the other; pass to `total`. F of
        SU(N) has no trace unless keep_trace.
        """
        return self._form_sums("clover_sums", keep_trace, slices, lambda: self.halo.finish(links), u=links)

    @operation
    def corner_leaves(self, side, up, left, top, leaf1, leaf2, leaf3, leaf4) -> None:
        """Anti-hermitian parts of the rectangles side up (left top)^dagger as seen from their four corners, at x.

        leaf1 belongs to x, leaf2 to the end of side, leaf3 to that of up and top, leaf4 to that of left.
        """
        lines = {"side": side, "up": up, "left": left, "top": top}
        self._run("corner_leaves", **lines, leaf1=leaf1, leaf2=leaf2, leaf3=leaf3, leaf4=leaf4)
        for leaf in (leaf2, leaf3, leaf4):
            self.halo.begin(leaf)

    @operation
    def carry_element(self, element, mu, carried) -> None:
        """carried(x) = element(x - mu)."""
        self._run("carry_element", lambda: self.halo.finish(element), element=element, carried=carried, mu=mu)
        self.device.fill_dead(carried, 0.0)
        self.halo.begin(carried)

    @operation
    def add_leaves(self, leaf1, leaf2, leaf3, leaf4, c, d, plane, f) -> None:
        """f of a plane <- d f + c (leaf1 + leaf2 + leaf3 + leaf4); nobody reads f of a neighbour."""
        self._run("add_leaves", leaf1=leaf1, leaf2=leaf2, leaf3=leaf3, leaf4=leaf4, f=f, plane=plane, c=c, d=d)

    @operation
    def field_strength_sums(self, f, keep_trace=False, slices=False):
        """Sums of a field strength as `clover_sums` has them."""
        return self._form_sums("field_strength_sums", keep_trace, slices, f=f)


class OracleFieldStrength:
    """The same of `OracleLattice`; algebra elements are full anti-hermitian matrices."""

    def new_element(self):
        """Memory for one algebra element per site."""
        return self.new_line()

    def new_field_strength(self):
        """Memory for one algebra element per site and plane."""
        return np.zeros((*self.shape[:-3], len(planes(self.ndim)), self.n, self.n), complex)

    def clover_sums(self, links, keep_trace=False, slices=False):
        """Sums of the 1 x 1 clover."""
        return self.field_strength_sums(oracle.field_strength(links, False), keep_trace, slices)

    def corner_leaves(self, side, up, left, top, leaf1, leaf2, leaf3, leaf4):
        """The loop from each of its corners."""
        back = [oracle.dagger(top), oracle.dagger(left)]
        for turn, leaf in enumerate((leaf1, leaf2, leaf3, leaf4)):
            turned = ([side, up, *back] * 2)[turn : turn + 4]
            leaf[...] = oracle.projection(turned[0] @ turned[1] @ turned[2] @ turned[3], False)

    def carry_element(self, element, mu, carried):
        """carried(x) = element(x - mu)."""
        carried[...] = oracle.shift(element, mu, self.ndim, -1)

    def add_leaves(self, leaf1, leaf2, leaf3, leaf4, c, d, plane, f):
        """f of a plane <- d f + c sum."""
        f[..., plane, :, :] = d * f[..., plane, :, :] + c * (leaf1 + leaf2 + leaf3 + leaf4)

    def field_strength_sums(self, f, keep_trace=False, slices=False):
        """Sums of densities."""
        density = oracle.energy_and_charge_density(oracle.projection(f, self.special and not keep_trace))
        shape = (self.chains, self.extents[-1] if slices else 1, -1, COLUMNS)
        return density.reshape(shape).sum(2).reshape(self.chains, -1)
