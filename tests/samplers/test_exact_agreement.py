"""Chains of order-4 integrators, MALA and Langevin against exact plaquettes; 5 % (Langevin: 10 %) in beta are seen.

Errors are those of 128 independent chains, so autocorrelation is in them.
"""

import numpy as np
import pytest
from exact import loop
from laws import SEED, pull
from samplers.test_hmc import run

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import FORCE_GRADIENT, OMF4
from gaugeflow.samplers.langevin import Langevin, mala
from gaugeflow.samplers.start import start_links

COUPLINGS = {"U1": 1.0, "SU2": 2.0}
EXTENTS, CHAINS = (6, 6), 128
LANGEVIN_STEPS = (0.02, 0.04, 0.08)
METROPOLIS = {
    "omf4": (lambda action: HMC(action, OMF4, 1.0, 1, SEED), 40, 200),
    "force_gradient": (lambda action: HMC(action, FORCE_GRADIENT, 1.0, 2, SEED), 40, 200),
    "mala": (lambda action: mala(action, 0.06, SEED), 100, 500),
}
"""Name -> sampler of an action, steps of thermalisation, steps that count."""


def plaquette(group, sampler, thermalisation, steps):
    """Mean plaquette of every chain from a hot start, and the acceptance."""
    lattice = PackedLattice(group, EXTENTS, CHAINS)
    links, _ = run(lattice, sampler, start_links(lattice, "hot", SEED), thermalisation)
    _, infos = run(lattice, sampler, links, steps, first=thermalisation)
    return np.mean([i.plaquette for i in infos], 0), np.mean([i.accepted for i in infos])


@pytest.mark.parametrize("name", METROPOLIS)
@pytest.mark.parametrize("group", COUPLINGS)
def test_metropolis_samplers_agree_with_the_exact_plaquette(group, name):
    beta = COUPLINGS[group]
    exact = loop(group, beta, np.prod(EXTENTS), 1)
    make, *length = METROPOLIS[name]
    values, acceptance = plaquette(group, make(WilsonAction(beta)), *length)
    distance, error = pull(values, exact)
    assert abs(distance) < 3
    assert error < 0.004 * exact
    assert 0.7 < acceptance < 1
    values, _ = plaquette(group, make(WilsonAction(1.05 * beta)), *length)
    assert pull(values, exact)[0] > 10


def extrapolated(group, beta):
    """(plaquettes of the three steps, their value at step 0 by a quadratic), per chain."""
    values = [
        plaquette(group, Langevin(WilsonAction(beta), step, SEED), round(6 / step), round(24 / step))[0]
        for step in LANGEVIN_STEPS
    ]
    weights = np.linalg.solve(np.vander(LANGEVIN_STEPS, 3, increasing=True).T, [1, 0, 0])
    return values, weights @ values


@pytest.mark.parametrize("group", COUPLINGS)
def test_langevin_extrapolated_in_its_step_agrees_with_the_exact_plaquette(group):
    beta = COUPLINGS[group]
    exact = loop(group, beta, np.prod(EXTENTS), 1)
    values, limit = extrapolated(group, beta)
    bias = [pull(value, exact) for value in values]
    assert all(distance < -10 for distance, _ in bias)
    shifts = [exact - np.mean(value) for value in values]
    for k in (0, 1):  # of first order in the step
        assert np.log2(shifts[k + 1] / shifts[k]) == pytest.approx(1, abs=0.3)
    distance, error = pull(limit, exact)
    assert abs(distance) < 3
    assert error < 0.01 * exact
    assert pull(extrapolated(group, 1.1 * beta)[1], exact)[0] > 6
