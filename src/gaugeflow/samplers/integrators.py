"""Palindromic splittings of exp(eps (K + V)) as coefficient tables with one driver.

A table alternates momentum and link steps, starting and ending with a momentum step: (p, u, p, u, ..., p) in units of
the step size. Momentum steps of neighbouring steps are joined.
"""

from dataclasses import dataclass

OMF2_LAMBDA = 0.1931833275037836  # Omelyan, Mryglod, Folk, Comput. Phys. Commun. 151 (2003) 272


@dataclass(frozen=True)
class Splitting:
    """Coefficients of one step and its order in the step size."""

    name: str
    coefficients: tuple[float, ...]
    order: int


LEAPFROG = Splitting("leapfrog", (0.5, 1.0, 0.5), 2)
OMF2 = Splitting("omf2", (OMF2_LAMBDA, 0.5, 1 - 2 * OMF2_LAMBDA, 0.5, OMF2_LAMBDA), 2)
INTEGRATORS = {splitting.name: splitting for splitting in (LEAPFROG, OMF2)}


def integrate(splitting: Splitting, kick, drift, eps: float, n_steps: int) -> None:
    """n_steps steps of size eps; kick(h) changes momenta by h times the force, drift(h) links by exp(h P)."""
    first, last = splitting.coefficients[0], splitting.coefficients[-1]
    kick(first * eps)
    for step in range(n_steps):
        for k, c in enumerate(splitting.coefficients[1:-1]):
            (kick if k % 2 else drift)(c * eps)
        kick(last * eps if step == n_steps - 1 else (last + first) * eps)
