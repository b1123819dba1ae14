"""HMC: exp(-dH), exact plaquettes with a wrong-coupling twin."""

import numpy as np
import pytest
from exact import determinant_loop, loop, u1_loop
from laws import SEED, case_name, pull

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.kernels.targets import oracle
from gaugeflow.lattice.oracle import OracleLattice
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import LEAPFROG, OMF2
from gaugeflow.samplers.start import start_links

BETA = {"U1": 1.5, "SU2": 2.5, "SU3": 5.5, "U2": 3.0, "SU4": 9.0, "U3": 6.0, "SU5": 14.0}


def run(lattice, hmc, links, trajectories, first=0):
    """(links, list of infos)."""
    momenta, infos = lattice.new_momenta(), []
    for number in range(first, first + trajectories):
        links, info = hmc.step(lattice, links, momenta, number)
        infos.append(info)
    return links, infos


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
