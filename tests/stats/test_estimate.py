"""Estimates: how they print and how functions of them keep their samples."""

import math

import numpy as np
import pytest

from gaugeflow.errors import ConfigError
from gaugeflow.stats.estimate import Estimate, derive, format_estimate
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
        (0.5, 0.0, "0.5(0)"),
        (math.nan, math.nan, "nan"),
        (0.25, math.nan, "0.25(?)"),
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


def test_one_ensemble_binned_in_two_ways_is_refused():
    series = np.random.default_rng(3).normal(size=(100, 2))
    with pytest.raises(ConfigError, match="same bin_size"):
        derive(lambda p, q: p + q, jackknife(series, bin_size=1), jackknife(series, bin_size=5))
