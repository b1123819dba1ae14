"""The Wilson action: force is its gradient, gauge invariance, normalisation."""

import numpy as np
import pytest
from laws import CASES, EXTENTS, SEED, case_name, gauge_transform, hot_pair, random_rotations, twin_lattices

from gaugeflow.actions.wilson import WilsonAction, kinetic_energy
from gaugeflow.kernels.targets import oracle
from gaugeflow.observables.energy import energy_and_charge_clover, energy_plaquette, plaquettes
from gaugeflow.observables.loops import wilson_loops
from gaugeflow.observables.polyakov import polyakov_loop
from gaugeflow.rng import Purpose

pytestmark = pytest.mark.parametrize(("group", "ndim"), CASES, ids=case_name)


def test_force_is_the_gradient_of_the_action(group, ndim):
    """dS/ds along U -> exp(s X) U equals <force, X> = p_a dS/dw_a: the change of p under a kick, contracted with X."""
    beta, h = 2.3, 1e-4
    lattice, links, slow, canonical = hot_pair(group, EXTENTS[ndim])
    action = WilsonAction(beta)
    direction, kicked = slow.new_momenta(), slow.new_momenta()
    slow.refresh(direction, SEED, Purpose.PILOT_MOMENTA, 3)
    fast_kicked = lattice.new_momenta()
    action.kick(lattice, links, fast_kicked, 1.0)
    action.kick(slow, canonical, kicked, 1.0)
    values = []
    for s in (2 * h, h, -h, -2 * h):
        moved = lattice.scatter(oracle.exponential(s * direction) @ canonical)
        values.append(action(lattice, moved))
    numerical = (-values[0] + 8 * values[1] - 8 * values[2] + values[3]) / (12 * h)
    inner = -np.einsum("...ab,...ba->...", kicked, direction).real.reshape(2, -1).sum(1)
    analytic = -inner / lattice.generator_trace  # dp = -dS/dw
    assert np.allclose(numerical, analytic, rtol=1e-6)
    assert not np.allclose(numerical, 1.02 * analytic, rtol=1e-3)


def test_gauge_invariance(group, ndim):
    lattice, links, slow, canonical = hot_pair(group, EXTENTS[ndim])
    turned = lattice.scatter(gauge_transform(canonical, random_rotations(slow)))
    action = WilsonAction(1.7)
    for quantity in (
        lambda u: action(lattice, u) / lattice.volume,
        lambda u: plaquettes(lattice, u),
        lambda u: energy_and_charge_clover(lattice, u)[0],
        lambda u: energy_and_charge_clover(lattice, u)[1],
        lambda u: polyakov_loop(lattice, u),
        lambda u: wilson_loops(lattice, u, 2, 2)["loops_all"],
    ):
        assert abs(quantity(turned) - quantity(links)).max() <= 1e-11


def test_cold_links_have_no_action_and_unit_plaquette(group, ndim):
    lattice, _ = twin_lattices(group, EXTENTS[ndim])
    cold = lattice.cold()
    assert np.all(WilsonAction(3.0)(lattice, cold) == 0)
    assert np.all(plaquettes(lattice, cold) == 1)
    assert np.all(energy_plaquette(lattice, cold) == 0)
    assert np.all(energy_and_charge_clover(lattice, cold)[0] == 0)


def test_kinetic_energy_is_half_the_sum_of_squares(group, ndim):
    lattice, slow = twin_lattices(group, EXTENTS[ndim])
    momenta = lattice.new_momenta()
    lattice.refresh(momenta, SEED, Purpose.MOMENTA, 0)
    canonical = slow.new_momenta()
    slow.refresh(canonical, SEED, Purpose.MOMENTA, 0)
    t = oracle.generators(slow.n, slow.special)
    p = -1j * np.einsum("...ij,aji->...a", canonical, t) / slow.generator_trace
    wanted = (p.real**2).reshape(2, -1).sum(1) / 2
    assert np.allclose(kinetic_energy(lattice, lattice.total(lattice.kinetic_sums(momenta))[:, 0]), wanted, rtol=1e-13)
