"""Actions with rectangles: force is the gradient, gauge invariance, c0 + 8 c1 = 1, exact U(1), Schwinger-Dyson."""

import numpy as np
import pytest
from laws import CASES, EXTENTS, SEED, case_name, gauge_transform, hot_pair, pull, random_rotations, there_and_back

from gaugeflow.actions.rectangle import RectangleAction
from gaugeflow.actions.wilson import WilsonAction, kinetic_energy
from gaugeflow.conventions import RECTANGLE_COEFFICIENTS, planes
from gaugeflow.kernels.targets import oracle
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.energy import plaquettes
from gaugeflow.rng import Purpose
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import INTEGRATORS, OMF2
from gaugeflow.samplers.start import start_links

IWASAKI = RECTANGLE_COEFFICIENTS["iwasaki"]
FEW = [("U1", 2), ("SU2", 3), ("SU3", 4), ("U2", 2)]


@pytest.mark.parametrize(("group", "ndim"), CASES, ids=case_name)
def test_force_is_the_gradient_of_the_action(group, ndim):
    """dS/ds along U -> exp(s X) U equals p_a dS/dw_a: the change of p under a kick, contracted with X."""
    h, action = 1e-4, RectangleAction(2.3, IWASAKI)
    lattice, links, slow, canonical = hot_pair(group, EXTENTS[ndim])
    direction, kicked = slow.new_momenta(), slow.new_momenta()
    slow.refresh(direction, SEED, Purpose.PILOT_MOMENTA, 3)
    action.kick(slow, canonical, kicked, 1.0)
    fast_kicked = lattice.new_momenta()
    action.kick(lattice, links, fast_kicked, 1.0)
    values = [
        action(lattice, lattice.scatter(oracle.exponential(s * direction) @ canonical)) for s in (2 * h, h, -h, -2 * h)
    ]
    numerical = (-values[0] + 8 * values[1] - 8 * values[2] + values[3]) / (12 * h)
    inner = -np.einsum("...ab,...ba->...", kicked, direction).real.reshape(2, -1).sum(1)
    analytic = -inner / lattice.generator_trace
    assert np.allclose(numerical, analytic, rtol=1e-6)
    energies = [
        2 * kinetic_energy(x, x.total(x.kinetic_sums(p))[:, 0]) for x, p in ((lattice, fast_kicked), (slow, kicked))
    ]
    assert np.allclose(*energies, rtol=1e-12)
    other, wrong = slow.new_momenta(), RectangleAction(2.3, 1.02 * IWASAKI)
    wrong.kick(slow, canonical, other, 1.0)
    off = np.einsum("...ab,...ba->...", other, direction).real.reshape(2, -1).sum(1) / lattice.generator_trace
    assert not np.allclose(numerical, off, rtol=1e-3)


@pytest.mark.parametrize(("group", "ndim"), CASES, ids=case_name)
def test_the_action_is_gauge_invariant_and_zero_for_cold_links(group, ndim):
    lattice, links, slow, canonical = hot_pair(group, EXTENTS[ndim])
    turned, action = lattice.scatter(gauge_transform(canonical, random_rotations(slow))), RectangleAction(1.7, IWASAKI)
    assert np.allclose(action(lattice, turned), action(lattice, links), rtol=1e-12)
    assert np.all(action(lattice, lattice.cold()) == 0)
    totals = lattice.total(action.sums(lattice, links))
    assert np.allclose(action.plaquette(lattice, totals), plaquettes(lattice, links).mean(1), rtol=0, atol=1e-14)


@pytest.mark.parametrize(("group", "ndim"), FEW, ids=case_name)
def test_without_rectangles_it_is_the_wilson_action(group, ndim):
    lattice, links, *_ = hot_pair(group, EXTENTS[ndim])
    plain, improved = WilsonAction(2.1), RectangleAction(2.1, 0.0)
    assert np.allclose(plain(lattice, links), improved(lattice, links), rtol=1e-13)
    p, q = lattice.new_momenta(), lattice.new_momenta()
    plain.kick(lattice, links, p, 0.1)
    improved.kick(lattice, links, q, 0.1)
    assert abs(p - q).max() < 1e-13


@pytest.mark.parametrize("name", RECTANGLE_COEFFICIENTS)
def test_a_weak_plane_wave_has_the_action_of_the_continuum_up_to_its_momentum_squared(name):
    """p = (p, p), polarisation (1, -1): S = beta/2 sum F^2 [c0 + 8 c1 cos^2(p/2)], F the plaquette angle."""
    extent, eps, c1 = 16, 1e-3, RECTANGLE_COEFFICIENTS[name]
    lattice, p = PackedLattice("U1", (extent, extent), 1), 2 * np.pi / extent
    wave = eps * np.cos(p * np.add.outer(np.arange(extent), np.arange(extent)))
    theta = np.stack([wave, -wave], -1)[None]
    links = lattice.scatter(np.exp(1j * theta)[..., None, None])
    # theta_x(n) - theta_x(n+t) + theta_y(n+x) - theta_y(n) with theta_y = -theta_x and theta a function of x + t
    field = 2 * (wave - np.roll(wave, -1, 0))
    wanted = 3.0 / 2 * (field**2).sum() * (1 - 8 * c1 + 8 * c1 * np.cos(p / 2) ** 2)
    assert np.allclose(RectangleAction(3.0, c1)(lattice, links), wanted, rtol=1e-5)
    assert not np.allclose(RectangleAction(3.0, 1.02 * c1)(lattice, links), wanted, rtol=1e-4)


def test_dh_falls_as_the_square_of_the_step_and_trajectories_are_reversible():
    for group, ndim in FEW:
        lattice = PackedLattice(group, EXTENTS[ndim], 16)
        links = start_links(lattice, "hot", SEED)
        for number in range(12):
            links, _ = HMC(RectangleAction(2.0, IWASAKI), OMF2, 1.0, 14, SEED).step(
                lattice, links, lattice.new_momenta(), number
            )
        for integrator in INTEGRATORS.values():
            sizes = []
            for n_steps in (40, 80):
                hmc = HMC(RectangleAction(2.0, IWASAKI), integrator, 1.0, n_steps, SEED)
                _, info = hmc.step(lattice, links, lattice.new_momenta(), 777)
                sizes.append(np.sqrt(np.mean(info.delta_h**2)))
            assert np.log2(sizes[0] / sizes[1]) == pytest.approx(integrator.order, abs=0.25)
            hmc = HMC(RectangleAction(2.0, IWASAKI), integrator, 1.0, 10, SEED)
            moved, left = there_and_back(hmc, lattice, links)
            assert abs(lattice.gather(moved) - lattice.gather(links)).max() <= 1e-10
            assert abs(left).max() <= 1e-10


def samples(lattice, action, steps, measure, trajectories=200, warm=60):
    """(mean of measure(links) per chain, mean exp(-dH) per chain, acceptance) of HMC."""
    hmc, links, momenta = (
        HMC(action, OMF2, 1.0, steps, SEED),
        start_links(lattice, "mixed", SEED),
        lattice.new_momenta(),
    )
    values, boltzmann, accepted = [], [], []
    for number in range(warm + trajectories):
        links, info = hmc.step(lattice, links, momenta, number, metropolis=number >= 5)
        if number >= warm:
            values.append(measure(links))
            boltzmann.append(np.exp(-info.delta_h))
            accepted.append(info.accepted)
    return np.mean(values, 0), np.mean(boltzmann, 0), np.mean(accepted)


def exact_u1(beta, c1, extents, points):
    """(<P>, <R>) of 2D U(1): plaquette angles are independent but for their sum, a rectangle is two of them.

    By the trapezoidal rule over all angles but one, which converges exponentially for periodic functions.
    """
    lt, lx = extents[1], extents[0]
    grid = 2 * np.pi * np.arange(points) / points
    free = np.meshgrid(*[grid] * (lt * lx - 1), indexing="ij", sparse=True)
    angles = np.array([*free, -sum(free)], object).reshape(lt, lx)
    cosines = sum(np.cos(a) for a in angles.ravel())
    pairs = sum(
        np.cos(a + b) for axis in (0, 1) for a, b in zip(angles.ravel(), np.roll(angles, 1, axis).ravel(), strict=True)
    )
    weight = np.exp(beta * ((1 - 8 * c1) * (cosines - lt * lx) + c1 * (pairs - 2 * lt * lx)))
    return [float((x * weight).sum() / weight.sum()) / count for x, count in ((cosines, lt * lx), (pairs, 2 * lt * lx))]


def test_plaquette_and_rectangle_of_u1_are_exact_and_with_another_coefficient_they_are_not():
    beta, extents = 0.6, (3, 2)
    exact = exact_u1(beta, IWASAKI, extents, 16)
    assert np.allclose(exact, exact_u1(beta, IWASAKI, extents, 12), rtol=1e-4)
    lattice = PackedLattice("U1", extents, 512)

    def measure(links):
        action = RectangleAction(1.0, 0.0)
        totals = lattice.total(action.sums(lattice, links)) / lattice.volume
        return totals * [1, 1 / 2]

    means, boltzmann, acceptance = samples(lattice, RectangleAction(beta, IWASAKI), 2, measure)
    pulls = [pull(means[:, k], exact[k]) for k in (0, 1)]
    assert max(abs(distance) for distance, _ in pulls) < 3
    assert max(error for _, error in pulls) < 3e-3
    assert abs(pull(boltzmann, 1.0)[0]) < 3
    assert acceptance > 0.8
    other, *_ = samples(lattice, RectangleAction(beta, 0.85 * IWASAKI), 2, measure)
    assert max(abs(pull(other[:, k], exact[k])[0]) for k in (0, 1)) > 5


CASIMIR = {"U1": 1.0, "SU2": 3 / 4, "SU3": 4 / 3, "U2": 1.0}
SCHWINGER_DYSON = {"U1": (1.0, (4, 3)), "SU2": (1.2, (3, 4, 3)), "SU3": (2.5, (3, 4)), "U2": (1.5, (4, 3))}
"""Coupling and extents of at least three: no loop passes a link twice."""


@pytest.mark.parametrize("group", SCHWINGER_DYSON)
def test_chains_obey_the_schwinger_dyson_equation_of_their_action_alone(group):
    """<sum_links (dS/dw_a)^2 - d^2S/dw_a^2> = 0, the second beta C (4 c0 sum_p Re tr U_p + 6 c1 sum_r Re tr U_r) / N.

    C = T_a T_a; a plaquette has four links, a rectangle six.
    """
    beta, extents = SCHWINGER_DYSON[group]
    lattice, action = PackedLattice(group, extents, 64), RectangleAction(beta, IWASAKI)
    force, count = lattice.new_momenta(), len(planes(len(extents)))

    def measure(links):
        force[...] = 0
        action.kick(lattice, links, force, 1.0)
        totals = lattice.total(action.sums(lattice, links), lattice.kinetic_sums(force))
        p, r = totals[:, :count].sum(1) / lattice.n, totals[:, count : 2 * count].sum(1) / lattice.n
        curvature = beta * CASIMIR[group] * (4 * action.c0 * p + 6 * action.c1 * r)
        return np.stack([2 * kinetic_energy(lattice, totals[:, -1]), curvature], 1)

    def balance(coefficient):
        means, boltzmann, _ = samples(lattice, RectangleAction(beta, coefficient), 5, measure, 120, 30)
        return (means[:, 0] - means[:, 1]) / means[:, 1].mean(), boltzmann

    relative, boltzmann = balance(IWASAKI)
    distance, error = pull(relative, 0)
    assert abs(distance) < 3
    assert error < 0.015
    assert abs(pull(boltzmann, 1.0)[0]) < 3
    assert abs(pull(balance(0.8 * IWASAKI)[0], 0)[0]) > 5
