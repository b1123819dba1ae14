"""Estimates: how they print and how functions of them keep their samples."""

import math

import numpy as np
import pytest
from autoregressive import ar1

from gaugeflow.analysis.results import estimate_from_json, estimate_to_json
from gaugeflow.errors import ConfigError
from gaugeflow.stats.estimate import Estimate, derive, external, format_estimate
from gaugeflow.stats.jackknife import jackknife


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.593721837, 0.000112, "0.59372(11)"),
        (1.0, 0.0996, "1.00(10)"),
        (12.345, 1.26, "12.3(1.3)"),
        (12345.6, 23.4, "12346(23)"),
        (-0.00012, 0.0019, "-0.0001(19)"),
        (1e-7, 2e-9, "1.000(20)e-07"),
        (0.5, 0.0, "0.5"),
        (math.nan, math.nan, "nan"),
        (0.25, math.nan, "0.25(?)"),
        (1.0, 2e-12, "1.0000000000000(20)"),
    ],
)
def test_a_number_is_printed_with_two_digits_of_its_error(value, error, text):
    assert format_estimate(value, error) == text
    assert str(Estimate(value, error)) == text


def test_function_of_correlated_estimates_keeps_the_correlation():
    random = np.random.default_rng(1)
    x = random.normal(size=(400, 8))
    a, b = jackknife(5 + x, bin_size=4), jackknife(5 + x + 0.01 * random.normal(size=x.shape), bin_size=4)
    difference, ratio = derive(lambda p, q: p - q, a, b), derive(lambda p, q: p / q, a, b)
    assert difference.error < 0.05 * a.error
    direct = jackknife(np.stack([5 + x, 5 + x + (x * 0)], axis=-1), lambda m: m[0] / m[1], bin_size=4)
    assert direct.error == pytest.approx(0, abs=1e-12)
    assert ratio.error < 0.01 * a.error


def test_function_of_independent_estimates_adds_errors_in_quadrature():
    random = np.random.default_rng(2)
    a = jackknife(random.normal(size=(300, 4)), bin_size=1, key="a")
    b = jackknife(random.normal(size=(200, 2)), bin_size=2, key="b")
    total = derive(lambda p, q: p + 2 * q, a, b)
    assert total.error == pytest.approx(math.hypot(a.error, 2 * b.error), rel=1e-10)
    assert total.blocks == (("a", 1200), ("b", 200))


def test_one_ensemble_in_two_bin_sizes_is_binned_anew_in_the_larger():
    x = ar1(0.6, 300, 4, seed=3)
    fine, coarse = jackknife(x, bin_size=1), jackknife(x**2, bin_size=10)
    mixed = derive(lambda p, q: q - p**2, fine, coarse)
    same = derive(lambda p, q: q - p**2, jackknife(x, bin_size=10), coarse)
    assert (mixed.value, mixed.error, mixed.bin_sizes) == (same.value, same.error, {"chains": 10})
    of_derived = derive(lambda p, q: p + q, derive(lambda p: 2 * p, fine), coarse)
    assert of_derived.error == derive(lambda p, q: 2 * p + q, jackknife(x, bin_size=10), coarse).error


def test_estimates_from_files_in_two_bin_sizes_and_of_other_configurations_are_refused():
    x = np.random.default_rng(3).normal(size=(100, 2))
    fine, coarse = jackknife(x, bin_size=1), jackknife(x, bin_size=5)
    read = estimate_from_json(estimate_to_json(fine))
    with pytest.raises(ConfigError, match="same bin_size"):
        derive(lambda p, q: p + q, read, coarse)
    assert derive(lambda p, q: p + q, read, fine).error == pytest.approx(2 * fine.error)
    with pytest.raises(ConfigError, match="different configurations"):
        derive(lambda p, q: p + q, fine, jackknife(x[:60], bin_size=5))


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_gamma_method_of_a_derived_quantity_is_that_of_pyerrors(rho):
    import pyerrors

    x = 2.0 + ar1(rho, 4000, 1, seed=8)
    y = 3.0 + 0.5 * ar1(rho, 4000, 1, seed=9) + 0.3 * x
    ratio = derive(lambda p, q: p / q, jackknife(x, bin_size=20), jackknife(y, bin_size=20))
    obs = pyerrors.Obs([x[:, 0]], ["e"]) / pyerrors.Obs([y[:, 0]], ["e"])
    obs.gamma_method()
    assert ratio.value == pytest.approx(obs.value, rel=1e-12)
    assert ratio.gamma_error == pytest.approx(obs.dvalue, rel=1e-4)
    assert ratio.tau_int == pytest.approx(obs.e_tauint["e"], rel=1e-4)
    assert abs(ratio.error / ratio.gamma_error - 1) < 3 * ratio.error_error / ratio.error + 0.05
    assert ratio.warnings == ()


def test_gamma_errors_of_independent_ensembles_add_in_quadrature():
    a, b = jackknife(ar1(0.5, 400, 4, seed=1), key="a"), jackknife(ar1(0.0, 300, 2, seed=2), key="b")
    total = derive(lambda p, q: p - 2 * q, a, b)
    assert total.gamma_error == pytest.approx(math.hypot(a.gamma_error, 2 * b.gamma_error), rel=1e-9)
    assert total.n == 1600 + 600
    naive = total.gamma_error / math.sqrt(2 * total.tau_int)
    assert naive**2 == pytest.approx(1 / 1600 + 4 / 600, rel=0.1)


def test_contradicting_errors_of_a_derived_quantity_are_flagged():
    series = ar1(0.95, 4000, 4, seed=5)
    naive = derive(lambda p: 3 * p, jackknife(series, bin_size=1))
    assert any("disagree" in text for text in naive.warnings)
    assert derive(lambda p: 3 * p, jackknife(series)).warnings == ()


def test_a_number_from_elsewhere_adds_its_error_in_quadrature_in_both_methods():
    a = jackknife(2 + ar1(0.0, 400, 4, seed=1), key="a")
    product = derive(lambda p, q: p * q, a, external("r0 in fm", 0.5, 0.02))
    assert product.error == pytest.approx(math.hypot(0.5 * a.error, a.value * 0.02), rel=1e-6)
    assert product.gamma_error == pytest.approx(math.hypot(0.5 * a.gamma_error, a.value * 0.02), rel=1e-6)


def test_jackknife_error_of_a_linear_function_is_the_analytic_one():
    x, y = ar1(0.0, 500, 4, seed=1), ar1(0.0, 500, 4, seed=2)
    a, b = jackknife(x, bin_size=1), jackknife(y + 0.5 * x, bin_size=1)
    covariance = np.cov(x.ravel(), (y + 0.5 * x).ravel()) / 2000
    weights = np.array([3.0, -2.0])
    combined = derive(lambda p, q: 3 * p - 2 * q, a, b)
    assert combined.error == pytest.approx(math.sqrt(weights @ covariance @ weights), rel=1e-12)
