"""Static potential, r0 and Creutz ratios from Wilson loops that obey V = V0 + sigma R - alpha / R exactly."""

import math

import numpy as np
import pytest
from toy_ensemble import correlated_noise, ensemble

from gaugeflow.analysis.potential import creutz_ratio, loop_estimates, r0_of_fit, static_potential
from gaugeflow.analysis.sommer import (
    SOMMER,
    coulomb_propagator,
    improved_distance,
    necco_sommer_r0,
    r0_of_cornell,
    r0_of_forces,
    string_force,
)
from gaugeflow.errors import ConfigError

V0, SIGMA, ALPHA = 0.65, 0.12, 0.28
R0 = math.sqrt((SOMMER - ALPHA) / SIGMA)
SIZE = 5


def cornell_loops(seed: int, alpha: float = ALPHA, noise: float = 0.01, n: int = 240) -> np.ndarray:
    """(n, chains, R, T): exp(-V(R) T) with 10 % of an excited state 3 above, and correlated noise."""
    r, t = (np.arange(1.0, SIZE + 1)[:, None], np.arange(1.0, SIZE + 1)[None, :])
    potential = V0 + SIGMA * r - alpha / r
    loops = np.exp(-potential * t) * (0.9 + 0.1 * np.exp(-3 * t))
    wobble = correlated_noise(SIZE * SIZE, n, 4, seed, between=0.95).reshape(n, 4, SIZE, SIZE)
    return loops * (1 + noise * wobble)


def potential_of(seed, **changes):
    loops = cornell_loops(seed, **changes)
    return static_potential(ensemble({"loops": loops}, bin_size=2), (3, 4))


def test_a_fit_gives_back_potential_and_r0_with_the_right_coverage():
    pulls = []
    for seed in range(40):
        potential = potential_of(seed, n=160)
        found = potential.fit(1, SIZE)
        r0 = r0_of_fit(found)
        pulls.append([(r0.value - R0) / r0.error, (found["sigma"].value - SIGMA) / found["sigma"].error])
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 3 * 1.1 / math.sqrt(40))
    assert np.all(np.abs(np.std(pulls, axis=0) - 1.05) < 3 / math.sqrt(80) + 0.05)
    assert r0.error < 0.05 * R0
    assert r0.gamma_error == pytest.approx(r0.error, rel=0.3)


def test_the_potential_of_another_coupling_fails():
    potential = potential_of(1, alpha=1.4 * ALPHA)
    r0 = r0_of_fit(potential.fit(1, SIZE))
    assert abs(r0.value - R0) > 3 * r0.error
    right = r0_of_fit(potential_of(1).fit(1, SIZE))
    assert abs(right.value - R0) < 3 * right.error


def test_a_string_of_fixed_coefficient_is_refuted_where_the_coulomb_part_is_larger():
    exact = potential_of(2, alpha=math.pi / 12).fit(1, SIZE, string=True)
    assert list(exact.parameters) == ["V0", "sigma"]
    assert exact.p_value > 0.01
    assert r0_of_fit(exact).value == pytest.approx(r0_of_cornell(SIGMA, math.pi / 12), rel=0.03)
    assert potential_of(2, alpha=2 * ALPHA).fit(1, SIZE, string=True).p_value < 1e-6


def test_plateaus_that_begin_too_early_are_seen_in_chi_squared():
    data = ensemble({"loops": cornell_loops(3, noise=0.005)}, bin_size=2)
    early, late = static_potential(data, (1, 4)), static_potential(data, dict.fromkeys((1, 2, 3), (3, 4)))
    assert early.plateaus[2].p_value < 1e-6
    assert late.plateaus[2].p_value > 0.003
    assert list(late.values) == [1, 2, 3]


def test_r0_from_forces_is_exact_for_the_interpolating_form_and_close_for_finite_differences():
    distances = np.array([1.5, 2.5, 3.5, 4.5])
    assert r0_of_forces(distances, SIGMA + ALPHA / distances**2) == pytest.approx(R0, rel=1e-12)
    assert math.isnan(r0_of_forces(distances[:2], SIGMA + ALPHA / distances[:2] ** 2))
    r0 = potential_of(4, noise=0.002).r0("midpoint")
    # V(R) - V(R - 1) lies above F(R - 1/2) by alpha / (4 r^4) relative to alpha / r^2: below 1 % of r0 here
    assert r0.value == pytest.approx(R0, rel=0.015)
    assert 0 < r0.error < 0.02


def test_force_is_the_difference_of_neighbours():
    potential = potential_of(5)
    force = potential.force(3)
    assert force.value == pytest.approx(potential.values[3].value - potential.values[2].value, rel=1e-12)
    assert abs(force.value - (SIGMA + ALPHA / 6)) < 3 * force.error
    with pytest.raises(ConfigError, match="force at R = 1"):
        potential.force(1)


def test_lattice_propagator_has_watsons_value_and_its_laplacian_is_a_delta_function():
    assert coulomb_propagator(0) == pytest.approx(0.252731009858663, rel=1e-9)
    assert coulomb_propagator(0) - coulomb_propagator(1) == pytest.approx(1 / 6, rel=1e-9)
    assert coulomb_propagator(20) == pytest.approx(1 / (4 * math.pi * 20), rel=1e-3)
    assert improved_distance(2) == pytest.approx(1.358, abs=5e-4)  # hep-lat/0108008, table 2
    assert improved_distance(20) == pytest.approx(19.5, rel=1e-2)


@pytest.mark.parametrize(("beta", "r0"), [(5.7, 2.938), (5.8, 3.665), (5.9, 4.476), (6.0, 5.368), (6.2, 7.383)])
def test_reference_of_necco_and_sommer(beta, r0):
    assert necco_sommer_r0(beta) == pytest.approx(r0, abs=1e-3)


def test_string_force_obeys_the_definition_of_r0_and_references_know_their_range():
    assert 5.4**2 * string_force(5.4, 5.4) == pytest.approx(SOMMER)
    assert string_force(2.7, 5.4) == pytest.approx((SOMMER - math.pi / 12) / 5.4**2 + math.pi / 12 / 2.7**2)
    with pytest.raises(ConfigError, match=r"beta 5\.5"):
        necco_sommer_r0(5.5)


def test_creutz_ratios_of_an_area_law_are_its_tension():
    r, t = np.meshgrid(np.arange(1, 4), np.arange(1, 4), indexing="ij")
    exact = np.exp(-0.2 * r * t - 0.1 * (r + t) - 0.05)
    series = exact * (1 + 0.002 * correlated_noise(9, 300, 2, 1).reshape(300, 2, 3, 3))
    loops = loop_estimates(ensemble({"loops": series}, bin_size=3))
    for place in ((2, 2), (3, 2), (3, 3)):
        ratio = creutz_ratio(loops, *place)
        assert abs(ratio.value - 0.2) < 3 * ratio.error < 0.01
    assert creutz_ratio(loops, 1, 1).value == pytest.approx(-math.log(loops[1, 1].value), rel=1e-12)
    with pytest.raises(ConfigError, match="measure larger"):
        creutz_ratio(loops, 4, 3)


def test_smeared_levels_are_chosen_by_number():
    smeared = np.stack([cornell_loops(6), 0.5 * cornell_loops(6)], axis=2)
    data = ensemble({"loops_smeared": smeared}, bin_size=2)
    bare = static_potential(ensemble({"loops": cornell_loops(6)}, bin_size=2), (2, 3))
    for level in (0, 1):
        chosen = static_potential(data, (2, 3), level=level)
        assert chosen.level == level
        assert chosen.values[2].value == pytest.approx(bare.values[2].value, rel=1e-12)
    with pytest.raises(ConfigError, match=r"smearing level 2, wanted one of 0 \.\. 1"):
        static_potential(data, (2, 3), level=2)


@pytest.mark.parametrize(
    ("ranges", "message"),
    [((3, 5), r"5 x 5"), ((0, 2), r"T = 0 \.\. 2"), ((3, 2), r"T = 3 \.\. 2"), ({7: (1, 2)}, r"V\(R = 7\)")],
)
def test_plateaus_outside_of_the_loops_are_refused(ranges, message):
    with pytest.raises(ConfigError, match=message):
        static_potential(ensemble({"loops": cornell_loops(1, n=4)}, bin_size=1), ranges)


def test_fit_ranges_that_cannot_work_are_refused():
    potential = potential_of(1, n=40)
    with pytest.raises(ConfigError, match="2 points and 0 priors for the 3 parameters"):
        potential.fit(4, 5)
    with pytest.raises(ConfigError, match=r"R = 1 \.\. 5"):
        potential.fit(2, 6)
    with pytest.raises(ConfigError, match="distance 'near'"):
        potential.r0("near")


def test_noise_that_kills_a_loop_gives_nan_rows_with_reasons():
    loops = cornell_loops(1)
    loops[:, :, 4, 4] *= -1
    potential = static_potential(ensemble({"loops": loops}, bin_size=2), (3, 4))
    assert math.isnan(potential.values[5].value)
    assert "take a smaller range" in potential.values[5].warnings[-1]
    assert math.isfinite(potential.fit(1, 4)["sigma"].value)
    points = potential.as_json()["points"]
    assert [point["value"] is None for point in points] == [False] * 4 + [True]
    assert points[0]["plateau"] == [3, 4]
    assert [mass["t"] for mass in points[0]["effective"]] == [1, 2, 3, 4]


def test_r0_that_is_not_reached_is_nan_with_a_reason():
    whole = static_potential(ensemble({"loops": cornell_loops(1)}, bin_size=2), (2, 3))
    assert math.isfinite(whole.r0("midpoint").value)
    assert whole.r0("midpoint").warnings == ()
    near = static_potential(ensemble({"loops": cornell_loops(1)}, bin_size=2), dict.fromkeys((1, 2, 3), (2, 3)))
    lost = near.r0("midpoint")
    assert math.isnan(lost.value)
    assert "r0 is not defined: r^2 F(r) does not cross 1.65 between r = 1.5 and 2.5" in lost.warnings[-1]
