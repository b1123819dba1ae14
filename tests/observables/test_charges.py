"""Charges and energies of the field strength: NumPy twin, exact fields, symmetries, slices, same bits everywhere."""

import numpy as np
import pytest
from laws import GROUPS, case_name, gauge_transform, hot_pair, random_rotations
from observables.instanton import instanton
from observables.test_observables import flux_angles

from gaugeflow.config.charges import CHARGE_DEFINITIONS, LOOP_EXTENTS
from gaugeflow.conventions import planes
from gaugeflow.flow.gradient_flow import gradient_flow
from gaugeflow.kernels.targets import oracle
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.energy import energy_and_charge_clover
from gaugeflow.observables.field_strength import (
    CHARGES,
    DEFINITIONS,
    LeafField,
    energies_and_charges,
    field_sums,
)

ROUGH = (4, 2, 3, 4)
"""Odd and unequal extents, so that m x n and n x m, x and t cannot be confused."""


def charges(lattice, links, definitions=DEFINITIONS, slices=False, **options):
    """Definition -> Q, or Q of the time slices."""
    found = energies_and_charges(lattice, links, definitions, slices=slices, **options)
    names = {name: "charge" if name == "clover" else f"charge_{name}" for name in definitions}
    return {name: found[f"{names[name]}_slices" if slices else names[name]] for name in definitions}


def definition_by_hand(links, definition, special):
    """Q per chain and time slice from loops walked link by link."""
    if definition == "plaquette":
        f = [oracle.projection(oracle.plaquette(links, *plane), special) for plane in planes(4)]
        return charge_by_hand(np.stack(f, -3))
    weights = CHARGES[definition].items()
    return sum(weight * charge_by_hand(oracle.field_strength(links, special, *size)) for size, weight in weights)


def charge_by_hand(f):
    density = oracle.energy_and_charge_density(f)[..., 2] / (4 * np.pi**2)
    return density.reshape(*density.shape[:2], -1).sum(-1)


@pytest.mark.parametrize("keep_trace", [False, True])
@pytest.mark.parametrize("group", GROUPS)
def test_charges_equal_loops_walked_by_hand(group, keep_trace):
    lattice, links, slow, canonical = hot_pair(group, ROUGH)
    found = charges(lattice, links, keep_trace=keep_trace, slices=True)
    totals = charges(slow, canonical, keep_trace=keep_trace)
    for name in DEFINITIONS:
        by_hand = definition_by_hand(canonical, name, lattice.special and not keep_trace)
        assert np.allclose(found[name], by_hand, rtol=0, atol=1e-13), name
        assert np.allclose(totals[name], by_hand.sum(1), rtol=0, atol=1e-13), name


def test_the_trace_matters_for_su3_alone():
    """Leaves of SU(2) have real traces, and the algebra of U(N) contains the trace."""
    differs = {}
    for group in GROUPS:
        lattice, links, *_ = hot_pair(group, ROUGH)
        both = [lattice.total(lattice.clover_sums(links, keep_trace)) for keep_trace in (False, True)]
        differs[group] = abs(both[0] - both[1]).max() > 1e-3
    assert differs == {"U1": False, "SU2": False, "SU3": True, "U2": False}


def test_settings_know_the_same_definitions():
    assert set(CHARGE_DEFINITIONS) == set(DEFINITIONS)
    assert {name: max(map(max, weights)) for name, weights in CHARGES.items()}.items() <= LOOP_EXTENTS.items()


@pytest.mark.parametrize("definition", CHARGES)
def test_weights_give_the_continuum_charge(definition):
    """F_mn = m n F: the weights of (m n)^2 add to one, and improved definitions cancel the next powers of F_mn."""
    weights = CHARGES[definition].items()
    assert sum(w * (m * n) ** 2 for (m, n), w in weights) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("group", ["SU2", "SU3", "U2"])
def test_crossed_fluxes_have_their_charge_in_every_definition(group):
    """Fluxes of angle a in xy and b in zt on diag(1, -1(, 0)): F_mn = sin(m n a), so Q is known in closed form."""
    extents, size = (8, 8, 8, 8), int(group[-1])
    lattice = PackedLattice(group, extents, 1)
    angles = flux_angles(extents, 0, 1, 1) + flux_angles(extents, 2, 3, -2)
    links = np.zeros((1, *extents, 4, size, size), complex)
    for k, weight in enumerate((1, -1, 0)[:size]):
        links[0, ..., k, k] = np.exp(1j * weight * angles)
    found = charges(lattice, lattice.scatter(links))
    a, b = 2 * np.pi / 64, -4 * np.pi / 64

    def charge(m, n):
        return lattice.volume * 2 * np.sin(m * n * a) * np.sin(m * n * b) / (4 * np.pi**2)

    for name, weights in CHARGES.items():
        assert found[name][0] == pytest.approx(sum(w * charge(*s) for s, w in weights.items()), rel=1e-12), name
    assert found["plaquette"][0] == pytest.approx(charge(1, 1), rel=1e-12)
    assert found["improved"][0] == pytest.approx(-4, rel=0.02)


def errors_on_an_instanton(extent, orientation=1):
    """1 - |Q| of all definitions on an instanton of radius extent / 4, after a little flow."""
    lattice = PackedLattice("SU2", (extent,) * 4, 1)
    links = lattice.scatter(instanton(extent, extent / 4, orientation))
    for _ in gradient_flow(lattice, links, (1.0,), 0.1):
        found = charges(lattice, links)
    return {name: 1 - orientation * q[0] for name, q in found.items()}


def test_an_instanton_has_charge_one_and_improved_charges_approach_it_faster():
    small, large = errors_on_an_instanton(10), errors_on_an_instanton(12)
    assert abs(large["5li"]) < 0.002 < large["improved"] < 0.015 < large["clover"] < 0.1
    powers = {name: np.log(small[name] / large[name]) / np.log(12 / 10) for name in ("clover", "improved")}
    assert powers["clover"] == pytest.approx(2, abs=0.3)
    assert powers["improved"] == pytest.approx(4, abs=0.5)


def test_an_anti_instanton_has_charge_minus_one():
    assert errors_on_an_instanton(10, -1) == pytest.approx(errors_on_an_instanton(10), abs=1e-10)


def test_charges_change_sign_under_reflection_of_one_axis():
    """Not the one from a single leaf, which becomes the leaf on the other side."""
    lattice, links, _, canonical = hot_pair("SU3", (4, 4, 4, 4))
    reflected = canonical[:, :, :, ::-1].copy()  # y -> -y; U_y(x) becomes the dagger of the link behind
    reflected[..., 1, :, :] = oracle.dagger(np.roll(canonical[:, :, :, ::-1][..., 1, :, :], -1, 3))
    before = charges(lattice, links, CHARGES)
    after = charges(lattice, lattice.scatter(reflected), CHARGES)
    for name in CHARGES:
        assert np.allclose(before[name], -after[name], atol=1e-12), name
        assert np.all(abs(before[name]) > 1e-3)


@pytest.mark.parametrize("group", ["SU2", "SU3", "U2"])
def test_charges_are_gauge_invariant(group):
    lattice, links, slow, canonical = hot_pair(group, (4, 4, 2, 4))
    turned = lattice.scatter(gauge_transform(canonical, random_rotations(slow)))
    for keep_trace in (False, True):
        before, after = (charges(lattice, u, keep_trace=keep_trace) for u in (links, turned))
        assert all(np.allclose(before[name], after[name], atol=1e-12) for name in DEFINITIONS)


@pytest.mark.parametrize("lanes", ["sites", "chains"])
@pytest.mark.parametrize("extents", [(6, 4), (4, 3, 2), ROUGH, (4, 4, 4, 8)], ids=case_name)
def test_slices_add_to_the_total_exactly(extents, lanes):
    """As integers, before anything is rounded."""
    lattice, links, *_ = hot_pair("SU3", extents, chains=3, lanes=lanes)
    slices = lattice.clover_sums(links, slices=True).reshape(3, extents[-1], 3, 3)
    assert np.array_equal(slices.sum(1), lattice.clover_sums(links))
    assert len({int(x) for x in slices[0, :, 1, 0]}) == extents[-1]
    found = energies_and_charges(lattice, links, slices=True)
    assert np.allclose(found["energy_slices"].sum(1), found["energy_clover"] * lattice.volume, rtol=1e-14)
    if len(extents) == 4:
        assert np.allclose(found["charge_slices"].sum(1), found["charge"], rtol=0, atol=1e-15 * extents[-1])


@pytest.mark.parametrize("lanes", ["sites", "chains"])
def test_a_broken_link_shows_in_its_slices_and_its_chain_alone(lanes):
    lattice, _, _, canonical = hot_pair("SU3", (4, 4, 2, 8), chains=3, lanes=lanes)
    canonical[1, 3, 0, 2, 1, 0] = np.nan
    found = energies_and_charges(lattice, lattice.scatter(canonical), ("clover", "improved"), slices=True)
    for name in ("energy_slices", "charge_slices", "charge_improved_slices"):
        broken = np.isnan(found[name])
        assert not broken[[0, 2]].any()
        reach = 2 if name == "charge_improved_slices" else 1
        assert list(np.flatnonzero(broken[1])) == list(range(3 - reach, 4 + reach))
    assert list(np.isnan(found["charge"])) == [False, True, False]


def test_what_is_asked_for_beside_them_does_not_change_energy_and_charge():
    lattice, links, *_ = hot_pair("SU3", ROUGH)
    energy, charge = energy_and_charge_clover(lattice, links)
    for definitions, slices in ((("clover",), False), (DEFINITIONS, True)):
        found = energies_and_charges(lattice, links, definitions, slices=slices)
        assert np.array_equal(found["energy_clover"], energy)
        assert np.array_equal(found["charge"], charge)
    assert np.allclose(found["energy_clover_space"] + found["energy_clover_time"], energy, rtol=1e-15)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("packing", [{"lanes": "chains"}, {"threads": 3}, {"chains": 11}], ids=str)
def test_bits_of_charges_do_not_depend_on_packing(packing, precision):
    def everything(chains=3, **options):
        lattice, links, *_ = hot_pair("SU3", (4, 4, 2, 4), chains, precision=precision, **options)
        return [x[:3] for x in energies_and_charges(lattice, links, DEFINITIONS, slices=True).values()]

    found = everything(lanes="sites")
    assert len(found) == 12
    assert all(np.array_equal(a, b) for a, b in zip(found, everything(**packing), strict=True))


def leaf_sums(lattice, links, size):
    sums = LeafField(lattice, links, max(size)).sums(*size, slices=True)
    return np.stack([sums.energy_slices, sums.charge_slices], -1)


@pytest.mark.parametrize("size", [(1, 1), (2, 3)], ids=case_name)
def test_float32_charges_are_those_of_float64_to_rounding(size):
    double, single = (
        leaf_sums(*hot_pair("SU3", (4, 4, 2, 4), precision=precision)[:2], size) for precision in ("float64", "float32")
    )
    assert np.allclose(double, single, rtol=1e-5, atol=1e-4)
    assert not np.array_equal(double, single)


def test_clover_from_carried_leaves_equals_the_clover_at_once():
    lattice, links, *_ = hot_pair("SU3", ROUGH)
    at_once = field_sums(lattice, lattice.clover_sums(links, slices=True), slices=True)
    carried = leaf_sums(lattice, links, (1, 1))
    assert np.allclose(carried[..., 0], at_once.energy_slices, rtol=1e-13)
    assert np.allclose(carried[..., 1], at_once.charge_slices, rtol=0, atol=1e-13)


def test_in_two_dimensions_all_energy_is_time_like_and_there_is_no_such_charge():
    lattice, links, *_ = hot_pair("U1", (6, 4))
    sums = field_sums(lattice, lattice.clover_sums(links))
    assert np.all(sums.energy_space == 0)
    assert np.all(sums.charge == 0)
    assert np.all(sums.energy_time == sums.energy)
    assert energies_and_charges(lattice, links, slices=True).keys() == {"energy_clover", "energy_slices"}
