"""Wilson flow: order three in the step, exact stops, the abelian plane wave, gauge covariance, falling action."""

import numpy as np
import pytest
from laws import CASES, EXTENTS, SEED, case_name, gauge_transform, hot_pair, random_rotations

from gaugeflow.errors import ConfigError
from gaugeflow.flow.gradient_flow import gradient_flow
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.energy import energy_and_charge_clover, energy_plaquette
from gaugeflow.rng import Purpose


def flowed(lattice, links, time, step):
    out = links.copy()
    for _ in gradient_flow(lattice, out, (time,), step):
        pass
    return out


@pytest.mark.parametrize(("group", "ndim"), CASES, ids=case_name)
def test_the_scheme_is_of_third_order(group, ndim):
    lattice, links, *_ = hot_pair(group, EXTENTS[ndim])
    fields = [lattice.gather(flowed(lattice, links, 0.32, step)) for step in (0.04, 0.02, 0.01)]
    ratio = abs(fields[0] - fields[1]).max() / abs(fields[1] - fields[2]).max()
    assert 6 < ratio < 10


@pytest.mark.parametrize(("group", "ndim"), CASES, ids=case_name)
def test_flow_is_gauge_covariant_and_lowers_the_action(group, ndim):
    lattice, links, slow, canonical = hot_pair(group, EXTENTS[ndim])
    rotations = random_rotations(slow)
    turned = lattice.scatter(gauge_transform(canonical, rotations))
    a, b = flowed(lattice, links, 0.2, 0.05), flowed(lattice, turned, 0.2, 0.05)
    assert abs(gauge_transform(lattice.gather(a), rotations) - lattice.gather(b)).max() <= 1e-11
    assert np.all(energy_plaquette(lattice, a) < energy_plaquette(lattice, links))


def test_pauses_do_not_change_the_flow_and_come_exactly_when_asked():
    lattice, links, *_ = hot_pair("SU3", (4, 4, 4, 4), chains=1)
    stopped, times = links.copy(), []
    for time in gradient_flow(lattice, stopped, (0.0, 0.1, 0.3), 0.05):
        times.append(time)
    assert times == [0.0, 0.1, 0.3]
    assert abs(lattice.gather(stopped) - lattice.gather(flowed(lattice, links, 0.3, 0.05))).max() < 1e-13


def test_an_abelian_plane_wave_decays_with_the_lattice_laplacian():
    """theta_x(t) = eps cos(p t), transverse: dtheta/dt = -hat p^2 theta, hat p^2 = 2 - 2 cos p, for small eps."""
    extent, eps, time = 16, 1e-5, 0.7
    p = 2 * np.pi / extent
    lattice = PackedLattice("U1", (8, extent), 1)
    theta = np.zeros((1, extent, 8, 2))
    theta[..., 0] = eps * np.cos(p * np.arange(extent))[None, :, None]
    links = lattice.scatter(np.exp(1j * theta)[..., None, None])
    out = np.angle(lattice.gather(flowed(lattice, links, time, 0.02))[..., 0, 0])
    decay = np.exp(-(2 - 2 * np.cos(p)) * time)
    assert np.allclose(out, theta * decay, atol=1e-6 * eps)
    assert not np.allclose(out, theta * np.exp(-(2 - 2 * np.cos(p)) * 1.02 * time), atol=1e-4 * eps)


def test_small_flow_time_slope_of_the_energy_is_the_force_squared():
    """dE_plaq/dt = -4 sum_links k_a k_a / 4 ... checked as a difference quotient against one kick."""
    lattice, links, *_ = hot_pair("SU2", (4, 4, 4, 4), chains=3)
    force, h = lattice.new_momenta(), 1e-4
    lattice.kick(links, force, 1.0, 0.0)
    squared = lattice.total(lattice.kinetic_sums(force))[:, 0] / lattice.volume  # -tr K^2 per site
    before = energy_plaquette(lattice, links)
    after = energy_plaquette(lattice, flowed(lattice, links, h, h))
    later = energy_plaquette(lattice, flowed(lattice, links, 2 * h, h))
    slope = (4 * after - 3 * before - later) / (2 * h)
    assert np.allclose(slope, -2 * squared, rtol=1e-5)


@pytest.mark.parametrize("times", [(-0.1, 0.2), (0.2, 0.1), (0.1, 0.1)])
def test_flow_times_out_of_order_are_refused(times):
    lattice = PackedLattice("U1", (4, 4), 1)
    with pytest.raises(ConfigError, match="increasing flow times"):
        next(iter(gradient_flow(lattice, lattice.cold(), times, 0.02)))


def test_clover_energy_of_smooth_fields_approaches_the_plaquette_energy():
    lattice = PackedLattice("SU3", (8, 8, 8, 8), 1)
    links, momenta = lattice.cold(), lattice.new_momenta()
    lattice.refresh(momenta, SEED, Purpose.PILOT_MOMENTA, 0)
    lattice.drift(links, momenta, 0.3)
    gaps = []
    for _ in gradient_flow(lattice, links, (0.0, 2.0, 6.0), 0.05):
        plaquette = energy_plaquette(lattice, links)
        gaps.append(abs(energy_and_charge_clover(lattice, links)[0] / plaquette - 1)[0])
    assert gaps[0] > 0.5  # rough: the clover misses most of the energy
    assert gaps[1] < 0.2
    assert gaps[2] < 1 - np.cos(np.pi / 8) ** 2  # the lowest mode alone: sin p against 2 sin(p/2) at p = 2 pi / 8
