"""Palindromic splittings of exp(eps (K + V)) as coefficient tables with one driver.

A table alternates momentum and link steps, starting and ending with a momentum step: (p, u, p, u, ..., p) in units of
the step size. Momentum steps of neighbouring steps are joined.

Force gradient: a momentum step with a shift s takes the force at links moved by s eps^2 times the force itself,

    p -> p + c eps F(exp(s eps^2 F(U)) U),    c s eps^3 F dF/dU = (c s / 2) eps^3 grad |F|^2,

so that c s = 1/36 adds the term (1/72) eps^3 [V, [K, V]] which makes the scheme of order 4 without a second derivative.
                                                          Omelyan, Mryglod, Folk 2003; Yin, Mawhinney, arXiv:1111.5059
"""

from dataclasses import dataclass

# Omelyan, Mryglod, Folk, Comput. Phys. Commun. 151 (2003) 272: their minimal error constants.
OMF2_LAMBDA = 0.1931833275037836
OMF4_THETA = -0.03230286765269967
OMF4_VARTHETA = 0.08398315262876693
OMF4_RHO = 0.2539785108410595
OMF4_LAMBDA = 0.6822365335719091
OMF4_HALF = (OMF4_VARTHETA, OMF4_RHO, OMF4_LAMBDA, OMF4_THETA, 0.5 - OMF4_LAMBDA - OMF4_VARTHETA)


@dataclass(frozen=True)
class Splitting:
    """Coefficients of one step and its order in the step size.

    shifts   of every momentum step, in units of eps^2; () for none. The joined first and last have none.
    """

    name: str
    coefficients: tuple[float, ...]
    order: int
    shifts: tuple[float, ...] = ()

    @property
    def forces_per_step(self) -> int:
        """Evaluations of the force, the joined momentum steps counted once."""
        return len(self.coefficients) // 2 + sum(shift != 0 for shift in self.shifts)


LEAPFROG = Splitting("leapfrog", (0.5, 1.0, 0.5), 2)
OMF2 = Splitting("omf2", (OMF2_LAMBDA, 0.5, 1 - 2 * OMF2_LAMBDA, 0.5, OMF2_LAMBDA), 2)
OMF4 = Splitting("omf4", (*OMF4_HALF, 1 - 2 * (OMF4_THETA + OMF4_RHO), *reversed(OMF4_HALF)), 4)
FORCE_GRADIENT = Splitting("force_gradient", (1 / 6, 0.5, 2 / 3, 0.5, 1 / 6), 4, shifts=(0.0, 1 / 24, 0.0))
INTEGRATORS = {splitting.name: splitting for splitting in (LEAPFROG, OMF2, OMF4, FORCE_GRADIENT)}


def integrate(splitting: Splitting, kick, drift, eps: float, n_steps: int) -> None:
    """n_steps steps of size eps.

    kick(h, s)   momenta += h F, F the force at links moved by s times itself (s = 0: where they are)
    drift(h)     links <- exp(h P) links
    """
    first, last = splitting.coefficients[0], splitting.coefficients[-1]
    shifts = splitting.shifts or (0.0,) * (len(splitting.coefficients) // 2 + 1)
    kick(first * eps, 0.0)
    for step in range(n_steps):
        for k, c in enumerate(splitting.coefficients[1:-1], start=1):
            if k % 2:
                drift(c * eps)
            else:
                kick(c * eps, shifts[k // 2] * eps**2)
        kick(last * eps if step == n_steps - 1 else (last + first) * eps, 0.0)
