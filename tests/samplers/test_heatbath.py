"""Heat bath with overrelaxation: exact plaquettes in 2D, other codes' in 4D, each with a wrong-coupling twin."""

import numpy as np
import pytest
from exact import determinant_loop, loop
from laws import GROUPS, SEED, case_name

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.errors import ConfigError, GeometryError
from gaugeflow.kernels.targets import oracle
from gaugeflow.lattice.oracle import OracleLattice
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.samplers.guard import UNITARITY_LIMIT, check_trajectory
from gaugeflow.samplers.heatbath import HeatBath
from gaugeflow.samplers.start import start_links
from gaugeflow.stats.autocorrelation import gamma_method

EPS = np.finfo(float).eps


def chain(lattice, sampler, trajectories, thermalisation, observable=None):
    """Series (trajectories, chains) of the plaquette, or of observable(links), after a mixed start."""
    links, out = start_links(lattice, "mixed", SEED), []
    for number in range(thermalisation + trajectories):
        links, info = sampler.step(lattice, links, None, number)
        if number >= thermalisation:
            out.append(info.plaquette if observable is None else observable(lattice.gather(links)))
    return np.array(out)


def distance(series, exact, exact_error=0.0):
    """(pull, error) of the mean of a series, autocorrelation by the Gamma method."""
    found = gamma_method(series)
    return (found.value - exact) / np.hypot(found.error, exact_error), found.error


EXACT = [
    ("U1", (8, 8), 2.0, (1, 0)),
    ("U1", (8, 8), 2.0, (1, 2)),
    ("U1", (5, 3), 1.0, (1, 1)),
    ("SU2", (8, 8), 3.0, (1, 2)),
    ("SU2", (3, 5), 2.2, (1, 1)),
    ("SU3", (4, 4), 6.0, (1, 0)),
    ("SU3", (8, 8), 6.0, (1, 3)),
    ("U2", (8, 8), 4.0, (1, 2)),
    ("U2", (3, 6), 1.0, (1, 0)),
    ("SU4", (4, 4), 9.0, (1, 1)),
]
"""Group, extents, coupling, (heat bath, overrelaxation) sweeps of a trajectory."""


@pytest.mark.parametrize(("group", "extents", "beta", "sweeps"), EXACT, ids=case_name)
def test_plaquette_in_two_dimensions_is_exact_and_with_another_coupling_it_is_not(group, extents, beta, sweeps):
    lattice, exact = PackedLattice(group, extents, 128), loop(group, beta, int(np.prod(extents)), 1)

    def measure(coupling, trajectories):
        return chain(lattice, HeatBath(WilsonAction(coupling), *sweeps, SEED), trajectories, 20)

    series = measure(beta, 160)
    pull, error = distance(series, exact)
    print(f"{group} {extents} beta {beta}: pull {pull:.2f}, error {error:.1e}, exact {exact:.6f}")
    assert abs(pull) < 3
    assert error < 1.5e-3
    assert abs(distance(series[:, ::2] - series[:, 1::2], 0)[0]) < 3  # cold against hot starts
    assert abs(distance(measure(1.07 * beta, 60), exact)[0]) > 5


def test_the_determinant_of_u2_is_drawn_too():
    """<Re det U_p> is exact from cold starts and hot ones: the phases are updated, not only the SU(2) parts."""
    beta, volume = 3.0, 16
    lattice = PackedLattice("U2", (4, 4), 128)
    exact = determinant_loop(2, beta, volume)

    def determinant(links):
        return np.linalg.det(oracle.plaquette(links, 0, 1)).real.mean((1, 2))

    def measure(coupling, trajectories):
        return chain(lattice, HeatBath(WilsonAction(coupling), 1, 1, SEED), trajectories, 20, determinant)

    pull, error = distance(measure(beta, 120), exact)
    print(f"det: pull {pull:.2f}, error {error:.1e}, exact {exact:.6f}")
    assert abs(pull) < 3
    assert error < 0.02 * exact
    assert abs(distance(measure(1.1 * beta, 60), exact)[0]) > 5


FOUR_DIMENSIONS = [
    ("SU2", 4, 2.3, 0.60938, 0.00014, 32, 100),
    ("SU2", 8, 2.3, 0.60223, 0.00013, 8, 40),
    ("SU3", 4, 6.0, 0.59675, 0.00008, 32, 50),
    ("U1", 4, 0.9, 0.46942, 0.00031, 32, 80),
]
"""Group, extent, coupling, plaquette of an independent code at the same extent and its error, chains, trajectories."""


@pytest.mark.parametrize(
    ("group", "extent", "beta", "reference", "reference_error", "chains", "trajectories"), FOUR_DIMENSIONS, ids=str
)
def test_plaquette_in_four_dimensions_is_that_of_an_independent_code(
    group, extent, beta, reference, reference_error, chains, trajectories
):
    lattice = PackedLattice(group, (extent,) * 4, chains)

    def measure(coupling, length):
        return chain(lattice, HeatBath(WilsonAction(coupling), 1, 3, SEED), length, 20)

    pull, error = distance(measure(beta, trajectories), reference, reference_error)
    print(f"{group} {extent}^4 beta {beta}: pull {pull:.2f}, error {error:.1e}, reference {reference}")
    assert abs(pull) < 3
    assert error < 1e-3
    assert abs(distance(measure(1.04 * beta, 10), reference, reference_error)[0]) > 5


def test_float32_heat_bath_is_exact_too():
    beta, exact = 3.0, loop("SU2", 3.0, 64, 1)
    lattice = PackedLattice("SU2", (8, 8), 128, precision="float32")

    def measure(coupling, trajectories):
        return chain(lattice, HeatBath(WilsonAction(coupling), 1, 2, SEED), trajectories, 20)

    pull, error = distance(measure(beta, 160), exact)
    assert abs(pull) < 3
    assert error < 1e-3
    assert abs(distance(measure(1.07 * beta, 60), exact)[0]) > 5


@pytest.mark.parametrize("group", GROUPS)
def test_the_oracle_runs_the_same_chain_within_rounding(group):
    results = []
    for lattice in (PackedLattice(group, (4, 3), 3), OracleLattice(group, (4, 3), 3)):
        sampler = HeatBath(WilsonAction(4.0 * lattice.n), 2, 1, SEED)
        links = start_links(lattice, "cold", SEED)
        for number in range(3):
            links, info = sampler.step(lattice, links, None, number)
        results.append((lattice.gather(links), info.plaquette))
    assert abs(results[0][0] - results[1][0]).max() < 1e-9
    assert abs(results[0][1] - results[1][1]).max() < 1e-9


def test_a_trajectory_returns_new_links_and_keeps_the_old_ones():
    lattice = PackedLattice("SU3", (4, 4), 5)
    sampler, links = HeatBath(WilsonAction(6.0), 1, 1, SEED), start_links(lattice, "mixed", SEED)
    before = lattice.gather(links)
    first, info = sampler.step(lattice, links, lattice.new_momenta(), 7)
    again, _ = sampler.step(lattice, links, None, 7)
    other, _ = sampler.step(lattice, links, None, 8)
    assert np.array_equal(lattice.gather(links), before)
    assert np.array_equal(lattice.gather(first), lattice.gather(again))
    assert abs(lattice.gather(first) - lattice.gather(other)).max() > 0.1
    assert not HeatBath.metropolis
    assert (info.delta_h == 0).all()
    assert info.accepted.all()
    assert 0 < info.unitarity_defect < UNITARITY_LIMIT["float64"] / 100
    plaquettes = lattice.total(lattice.plaquette_sums(first)).sum(1) / (lattice.volume * lattice.n)
    assert np.array_equal(info.plaquette, plaquettes)
    check_trajectory(info, 7)


def test_links_that_are_not_finite_are_noticed():
    lattice = PackedLattice("SU2", (4, 4), 2)
    links = lattice.hot(SEED, 1)
    links[0, 0] = np.nan
    _, info = HeatBath(WilsonAction(2.0), 1, 0, SEED).step(lattice, links, None, 0)
    assert np.isnan(info.plaquette).any()


class OtherAction:
    beta = 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((OtherAction(), 1, 0), "got action OtherAction, wanted WilsonAction"),
        ((WilsonAction(1.0), 0, 4), "got 0 heat bath sweeps, .* overrelaxation alone is not ergodic"),
        ((WilsonAction(1.0), 129, 4), "got 129 heat bath sweeps, wanted 1 .. 128"),
        ((WilsonAction(1.0), 1, -1), "got -1 overrelaxation sweeps"),
    ],
    ids=["action", "no heat bath", "too many", "negative"],
)
def test_what_a_heat_bath_cannot_do_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        HeatBath(*arguments, SEED)


def test_an_extent_of_one_is_refused_before_a_link_changes():
    lattice = PackedLattice("SU2", (4, 4, 1), 1)
    links = lattice.cold()
    with pytest.raises(GeometryError, match="4 x 4 x 1: along an extent of 1"):
        HeatBath(WilsonAction(1.0), 1, 0, SEED).step(lattice, links, None, 0)
