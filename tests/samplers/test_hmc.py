"""HMC: order of the integrators, reversibility, exp(-dH), exact plaquettes with a wrong-coupling twin, tuning."""

import numpy as np
import pytest
from exact import determinant_loop, loop, u1_loop
from laws import CASES, EXTENTS, SEED, case_name, pull, there_and_back

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.errors import PhysicsError
from gaugeflow.kernels.targets import oracle
from gaugeflow.lattice.oracle import OracleLattice
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import INTEGRATORS, LEAPFROG, OMF2
from gaugeflow.samplers.start import start_links
from gaugeflow.samplers.tuning import steps_for, tune_steps

BETA = {"U1": 1.5, "SU2": 2.5, "SU3": 5.5, "U2": 3.0, "SU4": 9.0, "U3": 6.0, "SU5": 14.0}


def run(lattice, hmc, links, trajectories, first=0):
    """(links, list of infos)."""
    momenta, infos = lattice.new_momenta(), []
    for number in range(first, first + trajectories):
        links, info = hmc.step(lattice, links, momenta, number)
        infos.append(info)
    return links, infos


def thermal(group, extents, chains, **packing):
    lattice = PackedLattice(group, extents, chains, **packing)
    hmc = HMC(WilsonAction(BETA[group]), OMF2, 1.0, 10, SEED)
    links, _ = run(lattice, hmc, start_links(lattice, "hot", SEED), 20)
    return lattice, links


def violations(lattice, links, splitting, n_steps, tau=1.0):
    """dH of one trajectory of every chain from given links, without accept or reject."""
    hmc = HMC(WilsonAction(BETA[lattice.group]), splitting, tau, n_steps, SEED)
    _, info = hmc.step(lattice, links, lattice.new_momenta(), 777)
    return info.delta_h


@pytest.mark.parametrize(("group", "ndim"), CASES, ids=case_name)
def test_dh_falls_as_the_square_of_the_step(group, ndim):
    lattice, links = thermal(group, EXTENTS[ndim], 16)
    size = {}
    for splitting in (LEAPFROG, OMF2):
        norms = [np.sqrt(np.mean(violations(lattice, links, splitting, n) ** 2)) for n in (20, 40)]
        assert np.log2(norms[0] / norms[1]) == pytest.approx(2, abs=0.25)
        size[splitting.name] = norms[1]
    assert size["omf2"] < size["leapfrog"] / 2


@pytest.mark.parametrize(("group", "ndim"), CASES, ids=case_name)
@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_trajectories_are_reversible(group, ndim, integrator):
    lattice, links = thermal(group, EXTENTS[ndim], 2)
    hmc = HMC(WilsonAction(BETA[group]), INTEGRATORS[integrator], 1.0, 8, SEED)
    moved, left = there_and_back(hmc, lattice, links)
    assert abs(lattice.gather(moved) - lattice.gather(links)).max() <= 1e-10
    assert abs(left).max() <= 1e-10


@pytest.mark.parametrize(("group", "extents"), [("U1", (4, 4)), ("SU3", (3, 2))], ids=case_name)
def test_the_oracle_runs_the_same_chain_within_rounding(group, extents):
    results = []
    for lattice in (PackedLattice(group, extents, 4), OracleLattice(group, extents, 4)):
        hmc = HMC(WilsonAction(BETA[group]), OMF2, 1.0, 4, SEED)
        links, infos = run(lattice, hmc, start_links(lattice, "mixed", SEED), 10)
        results.append((lattice.gather(links), np.array([i.delta_h for i in infos]), [i.accepted for i in infos]))
    assert abs(results[0][0] - results[1][0]).max() < 1e-9
    assert abs(results[0][1] - results[1][1]).max() < 1e-9
    assert np.array_equal(results[0][2], results[1][2])


EXACT = {"U1": (2.0, 8), "SU2": (3.0, 8), "U2": (3.0, 8), "SU4": (9.0, 6), "U3": (7.0, 6)}
"""Coupling and extent."""


@pytest.mark.parametrize("group", EXACT)
def test_plaquette_is_exact_and_with_another_coupling_it_is_not(group):
    beta, extent = EXACT[group]
    exact = loop(group, beta, extent**2, 1)
    lattice = PackedLattice(group, (extent, extent), 128)

    def measure(coupling):
        hmc = HMC(WilsonAction(coupling), OMF2, 1.0, 4, SEED)
        links, _ = run(lattice, hmc, start_links(lattice, "mixed", SEED), 60)
        _, infos = run(lattice, hmc, links, 240, first=60)
        per_chain = np.mean([i.plaquette for i in infos], 0)
        boltzmann = np.exp(-np.array([i.delta_h for i in infos])).mean(0)
        acceptance = np.mean([i.accepted for i in infos])
        return per_chain, boltzmann, acceptance

    plaquette, boltzmann, acceptance = measure(beta)
    distance, error = pull(plaquette, exact)
    assert abs(distance) < 3
    assert error < 1e-3 * exact
    assert abs(pull(boltzmann, 1.0)[0]) < 3
    assert 0.9 < acceptance < 1.0
    assert abs(pull(plaquette[::2], 0)[1]) > 0
    assert abs(pull(plaquette[::2] - plaquette[1::2], 0)[0]) < 3  # cold against hot starts
    assert abs(pull(measure(1.02 * beta)[0], exact)[0]) > 3


def test_the_determinant_of_u2_is_a_field_of_its_own():
    """Uniform phases from a hot start; from a cold one HMC brings <Re det U_p> to its exact value."""
    beta, volume = 3.0, 16
    lattice = PackedLattice("U2", (4, 4), 128)
    phases = np.linalg.det(lattice.gather(start_links(lattice, "hot", SEED))).ravel()
    assert abs(abs(phases) - 1).max() < 1e-14
    for k in (1, 2, 3):
        assert abs(np.mean(phases**k)) < 4 / np.sqrt(phases.size)

    def measure(coupling):
        hmc = HMC(WilsonAction(coupling), OMF2, 1.0, 4, SEED)
        links, _ = run(lattice, hmc, start_links(lattice, "cold", SEED), 30)
        values = []
        for number in range(30, 330, 3):
            links, _ = run(lattice, hmc, links, 3, first=number)
            values.append(np.linalg.det(oracle.plaquette(lattice.gather(links), 0, 1)).real.mean((1, 2)))
        return np.mean(values, 0)

    exact = determinant_loop(2, beta, volume)
    distance, error = pull(measure(beta), exact)
    assert abs(distance) < 3
    assert error < 0.02 * exact
    assert abs(pull(measure(1.1 * beta), exact)[0]) > 3


def test_a_coarse_integrator_stays_exact_because_of_the_metropolis_step():
    lattice = PackedLattice("U1", (4, 4), 256)
    hmc = HMC(WilsonAction(2.0), LEAPFROG, 1.0, 3, SEED)
    links, _ = run(lattice, hmc, start_links(lattice, "hot", SEED), 60)
    _, infos = run(lattice, hmc, links, 300, first=60)
    acceptance = np.mean([i.accepted for i in infos])
    assert 0.4 < acceptance < 0.9
    distance, error = pull(np.mean([i.plaquette for i in infos], 0), u1_loop(2.0, 16, 1))
    assert abs(distance) < 3
    assert error < 2e-3
    without = np.mean([run_without_metropolis(lattice, hmc, links)], 0)
    assert abs(pull(without, u1_loop(2.0, 16, 1))[0]) > 3


def run_without_metropolis(lattice, hmc, links):
    momenta, plaquettes = lattice.new_momenta(), []
    for number in range(300):
        links, info = hmc.step(lattice, links, momenta, number, metropolis=False)
        plaquettes.append(info.plaquette)
    return np.mean(plaquettes[60:], 0)


@pytest.mark.parametrize("start", ["cold", "hot", "mixed"])
def test_starts_are_what_they_say(start):
    lattice = PackedLattice("SU2", (4, 4), 6)
    links = lattice.gather(start_links(lattice, start, SEED))
    cold = np.array([np.array_equal(chain, np.broadcast_to(np.eye(2), chain.shape)) for chain in links])
    assert cold.tolist() == {"cold": [True] * 6, "hot": [False] * 6, "mixed": [True, False] * 3}[start]


def test_tuned_steps_reach_the_asked_acceptance():
    lattice = PackedLattice("SU2", (8, 8), 32)
    hmc = HMC(WilsonAction(4.0), OMF2, 1.0, 10, SEED)
    tuning = tune_steps(lattice, hmc, "cold", 0.8, 40, 10)
    produced = HMC(WilsonAction(4.0), OMF2, 1.0, tuning.n_steps, SEED)
    links, _ = run(lattice, produced, start_links(lattice, "hot", SEED), 40)
    _, infos = run(lattice, produced, links, 60, first=40)
    acceptance = np.mean([i.accepted for i in infos])
    assert acceptance >= 0.78
    assert acceptance == pytest.approx(tuning.predicted_acceptance, abs=0.04)
    fewer = HMC(WilsonAction(4.0), OMF2, 1.0, tuning.n_steps - 1, SEED)
    _, infos = run(lattice, fewer, links, 60, first=40)
    assert np.mean([i.accepted for i in infos]) < 0.83


def test_steps_follow_the_scaling_of_the_integrator():
    assert steps_for(0.8, 0.5, 10, 2) == steps_for(0.8, 0.5 * 16, 5, 2)
    assert steps_for(0.9, 0.5, 10, 2) > steps_for(0.7, 0.5, 10, 2)
    lattice = PackedLattice("U1", (4, 4), 8)
    with pytest.raises(PhysicsError, match="would need"):
        tune_steps(lattice, HMC(WilsonAction(1.0), LEAPFROG, 1e5, 10, SEED), "hot", 0.99, 2, 10)
