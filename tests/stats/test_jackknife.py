"""Jackknife and Gamma method on series whose autocorrelation is known exactly."""

import math

import numpy as np
import pytest
from autoregressive import ar1

from gaugeflow.errors import ConfigError, PhysicsError
from gaugeflow.stats.autocorrelation import autocorrelation_function, gamma_method
from gaugeflow.stats.estimate import derive
from gaugeflow.stats.jackknife import automatic_bin_size, delete_one, error_against_bin_size, given, jackknife
from gaugeflow.stats.pull import pull


def true_error(rho: float, n: int, chains: int) -> float:
    """Exact standard deviation of the mean of AR(1) chains of finite length n."""
    lags = np.arange(1, n)
    return math.sqrt((1 + 2 * np.sum((1 - lags / n) * rho**lags)) / (n * chains))


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
@pytest.mark.parametrize(("n", "chains"), [(2000, 16), (20000, 1), (100, 256)])
def test_error_and_tau_int_of_ar1_are_the_exact_ones(rho, n, chains):
    estimate = jackknife(ar1(rho, n, chains, seed=11, mean=0.3))
    exact_tau = 0.5 * (1 + rho) / (1 - rho)
    exact_error = true_error(rho, n, chains)
    spread = 1 / math.sqrt(2 * (len(estimate.samples) - 1))
    # bins of ten tau_int are 5 % short of the error
    assert abs(estimate.error / exact_error - 1) < 3 * spread + 0.05
    assert abs(estimate.tau_int - exact_tau) < 3 * estimate.tau_int_error + 0.05 * exact_tau
    assert estimate.tau_int_error < 0.15 * exact_tau
    assert abs(pull(estimate.value, estimate.error, 0.3)) < 3
    assert estimate.error < 1.3 * exact_error
    assert estimate.n_eff == pytest.approx(n * chains / (2 * estimate.tau_int))


def test_what_is_measured_on_one_given_configuration_is_a_number_without_error():
    one = given(np.array([[0.25]]), key="a")
    assert (one.value, one.error, one.n) == (0.25, 0.0, 1)
    assert math.isnan(one.tau_int)
    other = given(np.array([[[2.0, 8.0]]]), lambda means: means[1] / means[0], key="a")
    ratio = derive(lambda a, b: a / b, one, other)
    assert (ratio.value, ratio.error) == (0.0625, 0.0)
    mean = jackknife(ar1(0.5, 200, 4, seed=3, mean=1.0), key="b")
    product = derive(lambda a, b: a * b, one, mean)
    assert product.error == pytest.approx(0.25 * mean.error, rel=1e-12)
    with pytest.raises(ConfigError, match="wanted one measurement"):
        given(np.zeros((2, 1)))
    with pytest.raises(PhysicsError):
        given(np.full((1, 1), math.nan))


def test_a_wrong_mean_has_a_large_pull():
    estimate = jackknife(ar1(0.5, 2000, 16, seed=11, mean=0.3))
    assert abs(pull(estimate.value, estimate.error, 0.3)) < 3
    assert abs(pull(estimate.value, estimate.error, 0.36)) > 3


def test_naive_error_of_a_correlated_series_is_caught_by_the_gamma_method():
    estimate = jackknife(ar1(0.9, 4000, 8, seed=5), bin_size=1)
    assert len(estimate.warnings) == 1
    assert "disagree" in estimate.warnings[0]
    assert jackknife(ar1(0.9, 4000, 8, seed=5)).warnings == ()


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_pulls_over_many_experiments_have_unit_variance(rho):
    pulls = []
    for seed in range(120):
        estimate = jackknife(ar1(rho, 400, 8, seed=seed))
        pulls.append(pull(estimate.value, estimate.error, 0.0))
    # variance of a sample variance of 120 normal numbers: 2 / 119; the finite number of bins adds 5-10 %
    assert 0.65 < np.var(pulls) < 1.55
    assert abs(np.mean(pulls)) < 3 / math.sqrt(120)


def test_bins_never_straddle_chains():
    chains = np.array([0.0, 10.0, 20.0])
    series = np.repeat(chains[None, :], 10, axis=0)
    mean, samples = delete_one(series, 4)
    bins = mean - (samples - mean) * (len(samples) - 1)
    assert sorted(np.round(bins, 9)) == [0, 0, 10, 10, 20, 20]


def test_leading_measurements_are_left_out_where_bins_do_not_fit():
    series = np.concatenate([np.full((2, 1), 1e6), np.arange(8.0)[:, None]])
    mean, samples = delete_one(series, 4)
    assert mean == pytest.approx(3.5)
    assert len(samples) == 2


def test_chains_that_disagree_give_the_error_of_their_spread():
    """Frozen chains: within a chain nothing moves, so only the spread between chains tells the error."""
    levels = np.random.default_rng(8).normal(size=40)
    series = levels[None, :] + 1e-3 * np.random.default_rng(9).normal(size=(50, 40))
    estimate = jackknife(series)
    assert estimate.bin_size == 50
    assert estimate.error == pytest.approx(levels.std(ddof=1) / math.sqrt(40), rel=0.01)


def test_constant_series_has_no_error_and_tau_int_one_half():
    estimate = jackknife(np.full((100, 4), 0.7))
    assert (estimate.value, estimate.error, estimate.tau_int) == (pytest.approx(0.7), pytest.approx(0, abs=1e-15), 0.5)
    assert autocorrelation_function(np.full((20, 2), 3.0), 5).tolist() == [1, 0, 0, 0, 0, 0]


def test_derived_quantity_has_the_propagated_error():
    x = ar1(0.5, 3000, 8, seed=21, mean=2.0)
    squared = jackknife(x[:, :, None], lambda means: means[0] ** 2, bin_size=25)
    plain = jackknife(x, bin_size=25)
    assert squared.error == pytest.approx(2 * plain.value * plain.error, rel=1e-3)
    assert squared.tau_int == pytest.approx(plain.tau_int, rel=1e-3)
    assert squared.gamma_error == pytest.approx(2 * plain.value * plain.gamma_error, rel=1e-3)


def test_a_function_without_value_gives_a_nan_row_and_no_crash():
    estimate = jackknife(ar1(0.0, 100, 4, seed=1)[:, :, None], lambda means: math.nan)
    assert math.isnan(estimate.value)
    assert math.isnan(estimate.error)
    assert str(estimate) == "nan"


def test_error_against_bin_size_ends_in_a_plateau_at_the_exact_error():
    curve = error_against_bin_size(ar1(0.8, 5000, 16, seed=4))
    exact = true_error(0.8, 5000, 16)
    assert curve.errors[0] == pytest.approx(exact / 3, rel=0.1)  # naive: sqrt(2 tau_int) = 3 too small
    plateau = (curve.bin_sizes >= 64) & (curve.bin_sizes <= 256)
    assert np.all(np.abs(curve.errors - exact)[plateau] < 3 * curve.error_errors[plateau] + 0.04 * exact)


@pytest.mark.parametrize("n", [1, 2, 5, 7])
def test_chains_too_short_for_a_window_are_compared_by_their_means(n):
    estimate = jackknife(ar1(0.9, n, 200, seed=3))
    assert abs(estimate.error / true_error(0.9, n, 200) - 1) < 0.25


@pytest.mark.parametrize(
    ("n", "chains", "tau"), [(100, 64, 0.5), (7, 3, 20.0), (97, 1, 3.0), (1000, 2, 4.0), (1, 50, 0.5)]
)
def test_automatic_bins_fit_into_chains(n, chains, tau):
    size = automatic_bin_size(n, chains, tau)
    assert 1 <= size <= n
    assert (n // size) * chains >= 2


def test_unusable_data_are_refused():
    with pytest.raises(PhysicsError, match="not finite"):
        jackknife(np.array([[1.0, math.nan], [1.0, 2.0]]))
    with pytest.raises(ConfigError, match="at least 2"):
        jackknife(np.ones((5, 1)), bin_size=5)
    with pytest.raises(ConfigError, match="wanted"):
        jackknife(np.ones(5))


def test_pyerrors_agrees_on_one_long_chain():
    import pyerrors

    series = ar1(0.7, 5000, 1, seed=6)
    obs = pyerrors.Obs([series[:, 0]], ["chain"])
    obs.gamma_method()
    gamma = gamma_method(series)
    assert gamma.error == pytest.approx(obs.dvalue, rel=1e-12)
    assert gamma.tau_int == pytest.approx(obs.e_tauint["chain"], rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [((1, 0.3, 0.0, 0.4), 2), ((1, 0, 1, 0), 0), ((2, 0, 1, 0), math.inf), ((0, 0, 1, 0), -math.inf)],
)
def test_pull_combines_both_errors(arguments, wanted):
    assert pull(*arguments) == pytest.approx(wanted)
