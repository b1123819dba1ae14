"""Wilson plaquette action.

    S(U) = beta sum_p (1 - Re tr U_p / N),   beta = 2 N / g^2                         K. Wilson, PRD 10 (1974) 2445

Derivatives are taken along U -> exp(i w_a T_a) U with tr T_a T_b = g delta_ab, g = 1/2 (1 for U(1)), and
dp_a/dtau = -dS/dw_a. With K = P(U S^dagger) = i k_a T_a the force is dS/dw_a = beta g k_a / N.
"""

from dataclasses import dataclass

import numpy as np

from gaugeflow.conventions import planes


@dataclass(frozen=True)
class WilsonAction:
    """S(U) at coupling `beta` > 0, any group and dimension."""

    beta: float

    def sums(self, lattice, links):
        """Local exact sums that `value` needs: Re tr U_p, one column per plane."""
        return lattice.plaquette_sums(links)

    def value(self, lattice, totals) -> np.ndarray:
        """S of every chain from totals (chains, planes) of `sums`; extensive, 0 for cold links."""
        count = lattice.volume * len(planes(lattice.ndim))
        return self.beta * (count - totals.sum(1) / lattice.n)

    def plaquette(self, lattice, totals) -> np.ndarray:
        """Re tr U_p / N averaged over sites and planes, (chains,), from totals of `sums`."""
        return totals.mean(1) / (lattice.volume * lattice.n)

    def __call__(self, lattice, links) -> np.ndarray:
        """S of every chain, (chains,)."""
        return self.value(lattice, lattice.total(self.sums(lattice, links)))

    def force_factor(self, lattice) -> float:
        """dS/dw_a T_a = factor * P(U S^dagger) / i."""
        return self.beta * lattice.generator_trace / lattice.n

    def kick(self, lattice, links, momenta, eps: float) -> None:
        """P <- P - eps i T_a dS/dw_a, in place."""
        lattice.kick(links, momenta, -eps * self.force_factor(lattice))


def kinetic_energy(lattice, totals) -> np.ndarray:
    """p_a p_a / 2 = -tr P^2 / 2g of every chain, from the totals of `lattice.kinetic_sums`, which are of -tr P^2."""
    return totals / (2 * lattice.generator_trace)
