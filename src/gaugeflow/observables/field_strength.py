"""Energy and topological charge of the field strength, in every definition, over the lattice or per time slice.

    E = -sum_{mu<nu} tr F F      Q = -(1/4 pi^2) sum_x tr[F_xy F_zt - F_xz F_yt + F_xt F_yz]   (4D)

F_mn of m x n leaves: the anti-hermitian part of the mean of the four rectangles around x, m and n exchanged and averaged
where they differ; F_mn = m n F + O(a^2). For SU(N) it is made traceless unless `keep_trace`: other codes differ in this
choice, by 13 % of Q and 1 % of E on a rough field, by nothing on a smooth one.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from gaugeflow.conventions import planes

Size = tuple[int, int]

C5 = 1 / 20
CLOVER: Mapping[Size, float] = {(1, 1): 1.0}
IMPROVED: Mapping[Size, float] = {(1, 1): 5 / 3, (1, 2): -1 / 6}
"""Tree-level improvement with rectangles: 5/3 - 4/6 = 1, and the terms of order a^2 cancel."""

FIVE_LOOP: Mapping[Size, float] = {
    (1, 1): (19 - 55 * C5) / 9,
    (2, 2): (1 - 64 * C5) / 9 / 2**4,
    (1, 2): (-64 + 640 * C5) / 45 / 2**2,
    (1, 3): (1 / 5 - 2 * C5) / 3**2,
    (3, 3): C5 / 3**4,
}
"""The five-loop improved charge: no terms of order a^2 and a^4.  hep-lat/9701012, section 2; 1 / (m n)^2 included."""

CHARGES: Mapping[str, Mapping[Size, float]] = {"clover": CLOVER, "improved": IMPROVED, "5li": FIVE_LOOP}
"""Definition -> weight of the charge of F_mn; "plaquette" takes the leaf between +mu and +nu alone, not the mean."""

DEFINITIONS = (*CHARGES, "plaquette")

SPACE, TIME, CHARGE = range(3)
"""Columns of sums: E over planes without t, over planes with t, and the charge."""


def clover_sums(lattice, links, *, keep_trace: bool = False, slices: bool = False) -> np.ndarray:
    """Sums of the clover: (E of planes without t, E of those with t, Q), (chains, 3), or (chains, t, 3) with `slices`."""
    return _physical(lattice, lattice.clover_sums(links, keep_trace, slices), slices)


def loop_charges(lattice, links, sizes: Iterable[Size], *, keep_trace=False, slices=False) -> dict[Size, np.ndarray]:
    """{(m, n): sums} of F_mn for m <= n in the form of `clover_sums`; Q of F_mn is (m n)^2 Q up to O(a^2)."""
    return LeafField(lattice, links).sums(sizes, keep_trace, slices)


def charges(
    lattice, links, definitions: Iterable[str], *, keep_trace: bool = False, slices: bool = False
) -> dict[str, np.ndarray]:
    """{definition: Q} of some of DEFINITIONS in four dimensions, (chains,), or (chains, t) with `slices`."""
    definitions = tuple(definitions)
    sizes = {size for name in definitions if name in CHARGES for size in CHARGES[name]}
    options = {"keep_trace": keep_trace, "slices": slices}
    q = {(1, 1): clover_sums(lattice, links, **options)[..., CHARGE]} if (1, 1) in sizes else {}
    if sizes - {(1, 1)} or "plaquette" in definitions:
        field = LeafField(lattice, links)
        q |= {size: sums[..., CHARGE] for size, sums in field.sums(sorted(sizes - {(1, 1)}), **options).items()}
    out = {}
    for name in definitions:
        if name == "plaquette":
            out[name] = field.plaquette_sums(**options)[..., CHARGE]
        else:
            out[name] = sum(weight * q[size] for size, weight in CHARGES[name].items())
    return out


class LeafField:
    """Field strengths from straight lines of links, with the memory they need: up to four fields of links.

    A leaf is computed at its own corner and carried to x step by step, so that halos of one step suffice.
    """

    def __init__(self, lattice, links):
        self._lattice, self._links = lattice, links
        self._f = lattice.new_field_strength()
        self._leaves = [lattice.new_element() for _ in range(4)]
        self._spare_element = lattice.new_element()
        self._up, self._top, self._spare = (lattice.new_line() for _ in range(3))

    def sums(self, sizes: Iterable[Size], keep_trace: bool = False, slices: bool = False) -> dict[Size, np.ndarray]:
        """Sums of F_mn as in `clover_sums` for every (m, n)."""
        out = {}
        for m, n in sizes:
            lines = {length: self._lines(length) for length in {m, n}}
            shapes = [(m, n)] if m == n else [(m, n), (n, m)]
            for plane, (mu, nu) in enumerate(planes(self._lattice.ndim)):
                for k, (a, b) in enumerate(shapes):
                    self._leaves_around(lines[a][mu], lines[b][nu], (mu, a), (nu, b))
                    self._add(plane, 1 / (4 * len(shapes)), 1.0 if k else 0.0)
            out[m, n] = self._totals(keep_trace, slices)
        return out

    def plaquette_sums(self, keep_trace: bool = False, slices: bool = False) -> np.ndarray:
        """Sums as in `clover_sums` of F from the plaquette between +mu and +nu alone."""
        lines = self._lines(1)
        for plane, (mu, nu) in enumerate(planes(self._lattice.ndim)):
            self._at_corner(lines[mu], lines[nu], (mu, 1), (nu, 1))
            for leaf in self._leaves[1:]:
                leaf[...] = 0
            self._add(plane, 1.0, 0.0)
        return self._totals(keep_trace, slices)

    def _totals(self, keep_trace, slices):
        return _physical(self._lattice, self._lattice.field_strength_sums(self._f, keep_trace, slices), slices)

    def _lines(self, length):
        """Products of `length` links in every direction."""
        out = []
        for mu in range(self._lattice.ndim):
            line = self._lattice.new_line()
            self._lattice.take_links(self._links, mu, line)
            for _ in range(length - 1):
                self._lattice.extend_line(self._links, mu, line, self._spare)
                line, self._spare = self._spare, line
            out.append(line)
        return out

    def _shifted(self, line, mu, steps, out):
        """line(x + steps mu), in `out` or in the spare memory: whichever is returned is not spare any more."""
        for k in range(steps):
            self._lattice.shift_line(line if k == 0 else out, mu, self._spare)
            out, self._spare = self._spare, out
        return out

    def _at_corner(self, side, left, along, across):
        """The leaves of one rectangle; side has the length along[1] in direction along[0], left that of `across`."""
        self._up = self._shifted(left, *along, self._up)
        self._top = self._shifted(side, *across, self._top)
        self._lattice.corner_leaves(side, self._up, left, self._top, *self._leaves)

    def _leaves_around(self, side, left, along, across):
        """All four leaves around x."""
        self._at_corner(side, left, along, across)
        for leaf, moves in ((1, (along,)), (2, (along, across)), (3, (across,))):
            for direction, steps in moves:
                for _ in range(steps):
                    self._lattice.carry_element(self._leaves[leaf], direction, self._spare_element)
                    self._leaves[leaf], self._spare_element = self._spare_element, self._leaves[leaf]

    def _add(self, plane, weight, keep):
        self._lattice.add_leaves(*self._leaves, weight, keep, plane, self._f)


def _physical(lattice, sums, slices):
    """(chains, 3) or (chains, t, 3): totals over all ranks, the charge with its factor."""
    totals = lattice.total(sums)
    totals = totals.reshape(len(totals), -1, 3) * np.array([1.0, 1.0, 1 / (4 * np.pi**2)])
    return totals if slices else totals[:, 0]
