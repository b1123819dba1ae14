"""Every Metropolis step keeps the exact distribution and balances each pair of states; a wrong ratio does not.

From independent samples U of exp(-S) one step gives U'. Detailed balance says that (U, U') and (U', U) are equally
likely, so E[f(U) g(U') - g(U) f(U')] = 0 for all f and g; with g = 1 the distribution stays.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from exact import loop
from laws import SEED, pull
from samplers.exact_samples import exact_links

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.energy import plaquettes
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import INTEGRATORS
from gaugeflow.samplers.langevin import mala

TORI = {"U1": (1.0, (4, 3)), "SU2": (2.5, (3, 3))}
"""Coupling and extents of the exact samples."""

CHAINS = 32768
STEPS = {"leapfrog": 0.55, "omf2": 1.15, "omf4": 1.7, "force_gradient": 1.15, "mala": 0.15}
"""tau of one integrator step, or eps: an acceptance between 0.4 and 0.8 for both tori."""


@dataclass(frozen=True)
class WrongRatio(HMC):
    """Accepts with exp(-dS): momenta forgotten or, for Langevin, the proposal taken as symmetric."""

    def energy(self, lattice, links, momenta):
        h, plaquette = super().energy(lattice, links, momenta)
        return self.action(lattice, links) + 0 * h, plaquette


def sampler(name, beta, kind=HMC):
    action = WilsonAction(beta)
    right = mala(action, STEPS[name], SEED) if name == "mala" else HMC(action, INTEGRATORS[name], STEPS[name], 1, SEED)
    return kind(**vars(right))


@pytest.fixture(scope="module", params=TORI)
def exact(request):
    """(lattice, links, coupling) of exact samples, whose plaquette is the exact one."""
    beta, extents = TORI[request.param]
    lattice = PackedLattice(request.param, extents, CHAINS)
    links = lattice.scatter(exact_links(request.param, beta, extents, CHAINS, SEED))
    assert abs(pull(plaquettes(lattice, links).mean(1), loop(request.param, beta, np.prod(extents), 1))[0]) < 3
    return lattice, links, beta


def balance(exact, chosen):
    """(acceptance, pull of the change of the plaquette, pull of the flow between pairs of states)."""
    lattice, links, _ = exact
    before = plaquettes(lattice, links).mean(1)
    moved, info = chosen.step(lattice, links, lattice.new_momenta(), 0)
    after = plaquettes(lattice, moved).mean(1)
    f, g = before - before.mean(), after - before.mean()
    return info.accepted.mean(), pull(after - before, 0)[0], pull(f * g**2 - f**2 * g, 0)[0]


@pytest.mark.parametrize("name", STEPS)
def test_a_metropolis_step_balances_from_exact_samples_and_with_a_wrong_ratio_it_does_not(exact, name):
    acceptance, change, flow = balance(exact, sampler(name, exact[2]))
    assert 0.4 < acceptance < 0.8
    assert abs(change) < 3
    assert abs(flow) < 3
    _, change, flow = balance(exact, sampler(name, exact[2], WrongRatio))
    assert abs(change) > 6
    if name in ("leapfrog", "mala"):  # short steps: pairs of states are close and the flow between them is large
        assert abs(flow) > 6


def test_langevin_without_metropolis_leaves_the_exact_distribution_by_its_step(exact):
    lattice, links, beta = exact
    moved, _ = mala(WilsonAction(beta), 0.15, SEED).step(lattice, links, lattice.new_momenta(), 0, metropolis=False)
    assert abs(pull(plaquettes(lattice, moved).mean(1) - plaquettes(lattice, links).mean(1), 0)[0]) > 6
