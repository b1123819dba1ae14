"""Langevin dynamics on the group, without and with a Metropolis step.

    U' = exp(-eps grad S(U) + sqrt(2 eps) eta) U,    grad S = i T_a dS/dw_a, eta = i eta_a T_a with unit Gaussian eta_a
                                                                                Batrouni et al., PRD 32 (1985) 2736

Without accept or reject the chain samples exp(-S) up to O(eps), so results are extrapolated in eps. With acceptance

    min(1, exp(-S(U') + S(U)) q(U|U') / q(U'|U)),    q(U'|U) = density of the step from U to U',

it is exact (MALA: Roberts, Tweedie, Bernoulli 2 (1996) 341). That is HMC with one leapfrog step of h = sqrt(2 eps):
the first half kick of fresh momenta eta and the drift move the links by h (eta + (h/2) F), F = -grad S, which is the
step above since h^2 / 2 = eps. The way back from U' to U is the same algebra element with the other sign, so it needs
the noise eta' = -(eta + (h/2) F(U) + (h/2) F(U')), minus the momenta after the second half kick; the volume element of
the exponential map is even and drops out. Hence log q(U|U') - log q(U'|U) = (|eta|^2 - |eta'|^2) / 2, and the exponent
is -dH of the leapfrog step.                                                          tests/samplers/test_langevin.py
"""

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np

from gaugeflow.observables.energy import plaquettes
from gaugeflow.rng import Purpose
from gaugeflow.samplers.hmc import HMC, TrajectoryInfo
from gaugeflow.samplers.integrators import LEAPFROG


def mala(action, step: float, seed: int) -> HMC:
    """Metropolis-adjusted Langevin with step size eps = `step`; one step is one trajectory."""
    return HMC(action, LEAPFROG, sqrt(2 * step), 1, seed)


@dataclass(frozen=True)
class Langevin:
    """One Langevin step without accept or reject; the distribution is that of exp(-S) up to O(step).

    action   offers kick
    size     eps, in units of the squared MD time of `conventions`
    seed     key of the random numbers
    """

    metropolis: ClassVar[bool] = False

    action: object
    size: float
    seed: int

    def step(self, lattice, links, momenta, trajectory: int, metropolis: bool = True):
        """(new links, info) of step number `trajectory`; `momenta` are overwritten, `links` stay.

        metropolis   without meaning here: nothing is rejected
        """
        h = sqrt(2 * self.size)
        lattice.refresh(momenta, self.seed, Purpose.MOMENTA, trajectory)
        self.action.kick(lattice, links, momenta, h / 2)
        moved = lattice.copy(links)
        lattice.drift(moved, momenta, h)
        defect = float(lattice.reunitarise(moved).max())
        plaquette = plaquettes(lattice, moved).mean(1)
        nothing, all_chains = np.zeros(lattice.chains), np.ones(lattice.chains, bool)
        return moved, TrajectoryInfo(nothing, all_chains, plaquette, defect)
