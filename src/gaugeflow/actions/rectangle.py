"""Plaquette action improved by 2 x 1 rectangles.

    S(U) = beta sum [c0 sum_p (1 - Re tr U_p / N) + c1 sum_r (1 - Re tr U_r / N)],   c0 = 1 - 8 c1

over all plaquettes and all 2 x 1 rectangles, both orientations of the long side; a rectangle counts four squared, two
lie on every plaquette, so c0 + 8 c1 = 1 keeps beta = 2 N / g^2 in any dimension.
                                                      Weisz, NPB 212 (1983) 1; names of c1 in gaugeflow.conventions

Generators and derivatives as in `actions.wilson`; the force is that of the Wilson action with P(U (c0 S + c1 R)^dagger)
in the place of P(U S^dagger).
"""

from dataclasses import dataclass

import numpy as np

from gaugeflow.conventions import planes

RECTANGLES_PER_PLAQUETTE = 2


@dataclass(frozen=True)
class RectangleAction:
    """S(U) at coupling `beta` > 0 with rectangle coefficient `c1`, any group and dimension."""

    beta: float
    c1: float

    @property
    def c0(self) -> float:
        """Coefficient of the plaquettes."""
        return 1 - 8 * self.c1

    def sums(self, lattice, links):
        """Local exact sums that `value` needs: Re tr U_p, then Re tr U_r, one column per plane each."""
        return np.concatenate([lattice.plaquette_sums(links), lattice.rectangle_sums(links)], 1)

    def value(self, lattice, totals) -> np.ndarray:
        """S of every chain from totals (chains, 2 planes) of `sums`; extensive, 0 for cold links."""
        count = len(planes(lattice.ndim))
        plaquettes = lattice.volume * count - totals[:, :count].sum(1) / lattice.n
        rectangles = RECTANGLES_PER_PLAQUETTE * lattice.volume * count - totals[:, count:].sum(1) / lattice.n
        return self.beta * (self.c0 * plaquettes + self.c1 * rectangles)

    def plaquette(self, lattice, totals) -> np.ndarray:
        """Re tr U_p / N averaged over sites and planes, (chains,), from totals of `sums`."""
        return totals[:, : len(planes(lattice.ndim))].mean(1) / (lattice.volume * lattice.n)

    def __call__(self, lattice, links) -> np.ndarray:
        """S of every chain, (chains,)."""
        return self.value(lattice, lattice.total(self.sums(lattice, links)))

    def kick(self, lattice, links, momenta, eps: float) -> None:
        """P <- P - eps i T_a dS/dw_a, in place."""
        factor = -eps * self.beta * lattice.generator_trace / lattice.n
        lattice.kick_rectangles(links, momenta, factor * self.c0, factor * self.c1)
