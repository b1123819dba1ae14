"""float32 chains: reversible, exact, and as close to float64 as rounding allows."""

import numpy as np
import pytest
from exact import u1_loop
from laws import GROUPS, SEED, pull, there_and_back
from samplers.test_hmc import BETA, run

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.samplers.guard import UNITARITY_LIMIT
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import OMF2
from gaugeflow.samplers.start import start_links

EPS = np.finfo(np.float32).eps
EXTENTS, CHAINS, STEPS = (4, 8), 4, 8
UPDATES = 2 * STEPS
"""Link updates of a trajectory: two in a step of OMF2."""


def thermal_pair(group):
    """(float64 lattice, float32 lattice, HMC, the same links on both, all on the group to their own rounding)."""
    hmc = HMC(WilsonAction(BETA[group]), OMF2, 1.0, STEPS, SEED)
    double, single = (PackedLattice(group, EXTENTS, CHAINS, precision=p) for p in ("float64", "float32"))
    links, _ = run(single, hmc, start_links(single, "hot", SEED), 10)
    twin = double.scatter(single.gather(links))
    double.reunitarise(twin)
    return double, single, hmc, twin, links


@pytest.mark.parametrize("group", GROUPS)
def test_float32_trajectories_are_reversible_to_float32(group):
    _, lattice, hmc, _, links = thermal_pair(group)
    moved, left = there_and_back(hmc, lattice, links)
    assert 0 < abs(moved - links).max() <= 4 * EPS * UPDATES
    assert abs(left).max() <= 4 * EPS * UPDATES


@pytest.mark.parametrize("group", GROUPS)
def test_float32_changes_dh_by_its_rounding_only(group):
    """Each update leaves an error of about epsilon in every link, four of them enter a plaquette; all are independent,
    so dS moves by beta sqrt(plaquettes) sqrt(updates) 4 epsilon, and the momenta's part is as large."""
    double, single, hmc, u, v = thermal_pair(group)
    wanted = hmc.step(double, u, double.new_momenta(), 99)[1]
    found = hmc.step(single, v, single.new_momenta(), 99)[1]
    difference = abs(found.delta_h - wanted.delta_h)
    sigma = np.sqrt(2) * 4 * EPS * BETA[group] * np.sqrt(double.volume * UPDATES)
    assert np.all((difference > 0) & (difference < 5 * sigma))
    assert 5 * sigma < 0.1 * abs(wanted.delta_h).max()
    assert found.unitarity_defect < UNITARITY_LIMIT["float32"] / 10
    assert wanted.unitarity_defect < UNITARITY_LIMIT["float64"] / 10


def test_float32_plaquette_is_exact_and_with_another_coupling_it_is_not():
    lattice, beta = PackedLattice("U1", (8, 8), 128, precision="float32"), 2.0
    exact = u1_loop(beta, 64, 1)

    def measure(coupling):
        hmc = HMC(WilsonAction(coupling), OMF2, 1.0, 4, SEED)
        links, _ = run(lattice, hmc, start_links(lattice, "mixed", SEED), 60)
        _, infos = run(lattice, hmc, links, 240, first=60)
        return np.mean([i.plaquette for i in infos], 0), np.exp(-np.array([i.delta_h for i in infos])).mean(0)

    plaquette, boltzmann = measure(beta)
    distance, error = pull(plaquette, exact)
    assert abs(distance) < 3
    assert error < 1.5e-3 * exact
    assert abs(pull(boltzmann, 1.0)[0]) < 3
    assert abs(pull(measure(1.02 * beta)[0], exact)[0]) > 3
