"""Loops, Polyakov loops, energies and charges: signs, normalisation, exact fields."""

import numpy as np
import pytest
from laws import CASES, EXTENTS, GROUPS, case_name, gauge_transform, hot_pair, random_rotations

from gaugeflow.config.settings import FlowSettings, MeasureSettings
from gaugeflow.kernels.targets import oracle
from gaugeflow.lattice.oracle import OracleLattice
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.energy import energy_and_charge_clover, energy_plaquette, plaquettes, split_plaquettes
from gaugeflow.observables.flowed import flowed_series
from gaugeflow.observables.loops import wilson_loops
from gaugeflow.observables.polyakov import polyakov_loop
from gaugeflow.observables.registry import measure_all
from gaugeflow.observables.topology import charge_geometric, has_geometric_charge
from gaugeflow.rng import Purpose


def flux_angles(extents, mu, nu, quanta):
    """Angles (t, .., x, D) of constant field strength 2 pi quanta / (L_mu L_nu) in the plane (mu, nu)."""
    ndim = len(extents)
    x = np.meshgrid(*[np.arange(n) for n in reversed(extents)], indexing="ij")
    at = {d: x[ndim - 1 - d] for d in range(ndim)}
    out = np.zeros((*reversed(extents), ndim))
    strength = 2 * np.pi * quanta / (extents[mu] * extents[nu])
    out[..., nu] = strength * at[mu]
    out[..., mu] = np.where(at[mu] == extents[mu] - 1, -strength * extents[mu] * at[nu], 0.0)
    return out


def loop_by_hand(links, a, b, r, s):
    """Re tr W / N of r x s loops averaged over sites, walked link by link."""
    ndim, n = links.shape[-3], links.shape[-1]
    total, position = np.eye(n, dtype=complex), np.zeros(ndim, int)

    def here(mu):
        field = links[..., mu, :, :]
        for d in range(ndim):
            field = oracle.shift(field, d, ndim, int(position[d]))
        return field

    for mu, count, sign in ((a, r, 1), (b, s, 1), (a, r, -1), (b, s, -1)):
        for _ in range(count):
            if sign < 0:
                position[mu] -= 1
            step = here(mu) if sign > 0 else oracle.dagger(here(mu))
            total = total @ step
            if sign > 0:
                position[mu] += 1
    trace = np.trace(total, axis1=-2, axis2=-1).real / n
    return trace.reshape(len(links), -1).mean(1)


@pytest.mark.parametrize(("group", "ndim"), CASES, ids=case_name)
def test_wilson_loops_equal_loops_walked_by_hand(group, ndim):
    lattice, links, _, canonical = hot_pair(group, EXTENTS[ndim])
    out = wilson_loops(lattice, links, 2, 3)
    time = ndim - 1
    for r, s in ((1, 1), (2, 1), (1, 3), (2, 3)):
        by_hand = [loop_by_hand(canonical, a, time, r, s) for a in range(time)]
        assert np.allclose(out["loops"][:, r - 1, s - 1], np.mean(by_hand, 0), atol=1e-13)
        ordered = [loop_by_hand(canonical, a, b, r, s) for a in range(ndim) for b in range(ndim) if a != b]
        assert np.allclose(out["loops_all"][:, r - 1, s - 1], np.mean(ordered, 0), atol=1e-13)


@pytest.mark.parametrize("group", GROUPS)
def test_the_smallest_loop_is_the_plaquette(group):
    lattice, links, *_ = hot_pair(group, (4, 3, 2, 4))
    values = split_plaquettes(lattice, plaquettes(lattice, links))
    loops = wilson_loops(lattice, links, 1, 1)
    assert np.allclose(loops["loops"][:, 0, 0], values["plaquette_time"], atol=1e-14)
    assert np.allclose(loops["loops_all"][:, 0, 0], values["plaquette"], atol=1e-14)


def test_polyakov_loop_sees_the_boundary_twist():
    lattice = PackedLattice("U1", (4, 4, 6), 1)
    links = np.ones((1, 6, 4, 4, 3, 1, 1), complex)
    links[:, 5, :, :, 2] = np.exp(0.7j)
    assert polyakov_loop(lattice, lattice.scatter(links))[0] == pytest.approx(np.exp(0.7j), abs=1e-14)


@pytest.mark.parametrize("quanta", [-3, -1, 0, 1, 2])
def test_constant_flux_has_its_geometric_charge_in_two_dimensions(quanta):
    extents = (6, 8)
    lattice = PackedLattice("U1", extents, 1)
    links = np.exp(1j * flux_angles(extents, 0, 1, quanta))[None, ..., None, None]
    assert charge_geometric(lattice, lattice.scatter(links))[0] == quanta
    plaquette = plaquettes(lattice, lattice.scatter(links))[0, 0]
    assert plaquette == pytest.approx(np.cos(2 * np.pi * quanta / 48), abs=1e-14)


@pytest.mark.parametrize("quanta", [(0, 1), (2, -1), (1, 1)])
def test_the_charge_of_u2_is_that_of_its_determinant(quanta):
    """diag fluxes k_1, k_2: Q = k_1 + k_2; SU(N) has none; a rotation of every site changes nothing."""
    extents = (6, 8)
    lattice, slow = PackedLattice("U2", extents, 1), OracleLattice("U2", extents, 1)
    links = np.zeros((1, 8, 6, 2, 2, 2), complex)
    for k, count in enumerate(quanta):
        links[0, ..., k, k] = np.exp(1j * flux_angles(extents, 0, 1, count))
    turned = gauge_transform(links, random_rotations(slow))
    for field in (links, turned):
        assert charge_geometric(lattice, lattice.scatter(field))[0] == sum(quanta)
    assert has_geometric_charge(lattice)
    assert not has_geometric_charge(PackedLattice("SU2", extents, 1))
    assert not has_geometric_charge(PackedLattice("U2", (4, 4, 4), 1))


def test_the_charge_of_u2_is_measured_and_flowed():
    lattice = PackedLattice("U2", (4, 6), 3)
    links = lattice.hot(7, Purpose.START)
    measured = measure_all(lattice, links, MeasureSettings())["charge"]
    determinants = np.linalg.det(oracle.plaquette(lattice.gather(links), 0, 1))
    assert np.allclose(measured, np.angle(determinants).sum((1, 2)) / (2 * np.pi), atol=1e-12)
    assert flowed_series(lattice, links, (0.0, 0.1), FlowSettings(times=(0.0, 0.1), step=0.05))["charge"].shape == (
        3,
        2,
    )


@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, -2), (2, 1)])
@pytest.mark.parametrize("group", ["SU2", "SU3", "U2"])
def test_crossed_fluxes_have_their_clover_charge_and_energy(group, m, n):
    """diag(1, -1(, 0)) fluxes m in xy and n in zt: Q = 2 m n up to O(a^2), with F = sin of the plaquette angle."""
    extents, size = (8, 8, 8, 8), int(group[-1])
    lattice = PackedLattice(group, extents, 1)
    angles = flux_angles(extents, 0, 1, m) + flux_angles(extents, 2, 3, n)
    weights = np.array([1, -1, 0])[:size]
    links = np.zeros((1, *extents, 4, size, size), complex)
    for k in range(size):
        links[0, ..., k, k] = np.exp(1j * weights[k] * angles)
    field = lattice.scatter(links)
    energy, charge = energy_and_charge_clover(lattice, field)
    a, b = np.sin(2 * np.pi * m / 64), np.sin(2 * np.pi * n / 64)
    assert charge[0] == pytest.approx(lattice.volume * 2 * a * b / (4 * np.pi**2), rel=1e-12)
    assert charge[0] == pytest.approx(2 * m * n, rel=0.02)
    assert energy[0] == pytest.approx(2 * (a**2 + b**2), rel=1e-12)
    cosines = np.cos(2 * np.pi * m / 64), np.cos(2 * np.pi * n / 64)
    assert energy_plaquette(lattice, field)[0] == pytest.approx(4 * (2 - sum(cosines)), rel=1e-12)


def test_charge_changes_sign_under_reflection_of_one_axis():
    lattice, links, _, canonical = hot_pair("SU3", (4, 4, 4, 4), chains=2)
    reflected = canonical[:, :, :, :, ::-1].copy()  # x -> -x; U_x(x) becomes the dagger of the link behind
    reflected[..., 0, :, :] = oracle.dagger(np.roll(canonical[:, :, :, :, ::-1][..., 0, :, :], -1, 4))
    energy, charge = energy_and_charge_clover(lattice, links)
    other_energy, other_charge = energy_and_charge_clover(lattice, lattice.scatter(reflected))
    assert np.allclose(energy, other_energy, rtol=1e-12)
    assert np.allclose(charge, -other_charge, atol=1e-12)
    assert np.all(abs(charge) > 1e-3)
