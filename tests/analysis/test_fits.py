"""Correlated fits: known parameters come back with the right coverage, chi^2 has its distribution, twins fail."""

import math

import numpy as np
import pytest
from scipy import stats
from toy_ensemble import correlated_noise, estimates_of

from gaugeflow.analysis.fits import fit, p_value
from gaugeflow.analysis.models import CORNELL, LinearModel, Model, constant, exponential, hyperbolic_cosine
from gaugeflow.errors import ConfigError
from gaugeflow.stats.covariance import DIAGONAL, CovarianceChoice, jackknife_covariance, whitening
from gaugeflow.stats.estimate import derive
from gaugeflow.stats.jackknife import jackknife

X = np.arange(1.0, 9.0)
TRUTH = {"V0": 0.6, "sigma": 0.05, "alpha": 0.3}
CURVED = Model(
    "V0 + sigma R - alpha / R", lambda r, v, s, a: v + s * r - a / r, {"V0": 0.0, "sigma": 1.0, "alpha": 0.0}
)


def cornell_data(seed, n=300, chains=2, rho=0.0, bin_size=2, bend=0.0):
    """Points of TRUTH with correlated noise of 0.1 in one measurement, and `bend` R^2 on top."""
    curve = TRUTH["V0"] + TRUTH["sigma"] * X - TRUTH["alpha"] / X + bend * X**2
    return estimates_of(curve + 0.1 * correlated_noise(len(X), n, chains, seed, rho), bin_size)


@pytest.mark.parametrize(("rho", "bin_size", "seeds"), [(0.0, 2, 150), (0.5, 10, 80)])
def test_parameters_of_many_experiments_have_pulls_of_unit_width_and_flat_p_values(rho, bin_size, seeds):
    n = 300 if rho == 0 else 1200
    pulls, p_values = [], []
    for seed in range(seeds):
        found = fit(CORNELL, X, cornell_data(seed, n=n, rho=rho, bin_size=bin_size), what="V")
        pulls.append([(found[name].value - true) / found[name].error for name, true in TRUTH.items()])
        p_values.append(found.p_value)
    # errors come from 300 or 240 bins for 8 points, so their widths are 1 to 4 % above one
    spread = 3 / math.sqrt(2 * seeds)
    assert np.all(np.abs(np.std(pulls, axis=0) - 1.03) < spread + 0.03)
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 3 * 1.05 / math.sqrt(seeds))
    assert stats.kstest(p_values, "uniform").pvalue > 0.003


def test_a_wrong_model_has_a_tiny_p_value_and_a_wrong_truth_a_large_pull():
    good, twin = fit(CORNELL, X, cornell_data(3), what="V"), fit(CORNELL, X, cornell_data(3, bend=0.006), what="V")
    assert good.p_value > 0.01
    assert twin.p_value < 1e-6
    assert abs(good["sigma"].value - TRUTH["sigma"]) < 3 * good["sigma"].error
    assert abs(good["sigma"].value - 1.3 * TRUTH["sigma"]) > 3 * good["sigma"].error


def test_p_value_of_a_covariance_from_few_bins_is_flat_where_that_of_chi_squared_is_not():
    random = np.random.default_rng(5)
    points, bins, tries = 6, 20, 400
    right, naive = [], []
    for _ in range(tries):
        data = random.normal(size=(bins, points))
        covariance = np.cov(data.T) / bins
        y = data.mean(axis=0)
        weights = np.linalg.inv(covariance)
        plateau = weights.sum(axis=0) @ y / weights.sum()
        chi2 = (y - plateau) @ weights @ (y - plateau)
        right.append(p_value(chi2, points - 1, bins - 1))
        naive.append(stats.chi2.sf(chi2, points - 1))
    assert stats.kstest(right, "uniform").pvalue > 0.003
    assert stats.kstest(naive, "uniform").pvalue < 1e-6


def test_a_linear_fit_is_generalised_least_squares_and_levenberg_marquardt_finds_the_same():
    data = cornell_data(7)
    covariance = jackknife_covariance(data)
    weights, matrix = np.linalg.inv(covariance), CORNELL.matrix(X)
    y = np.array([point.value for point in data])
    curvature = matrix.T @ weights @ matrix
    exact = np.linalg.solve(curvature, matrix.T @ weights @ y)
    errors = np.sqrt(np.diag(np.linalg.inv(curvature)))
    chi2 = (y - matrix @ exact) @ weights @ (y - matrix @ exact)
    for model in (CORNELL, CURVED):
        found = fit(model, X, data, what="V")
        assert [found[name].value for name in model.names] == pytest.approx(exact, rel=1e-6)
        assert [found[name].error for name in model.names] == pytest.approx(errors, rel=1e-4)
        assert found.chi2 == pytest.approx(chi2, rel=1e-8)
        assert found.dof == 5


def test_pyerrors_finds_the_same_parameters_and_gamma_errors():
    import pyerrors

    series = 1.0 * np.exp(-0.4 * X) * (1 + 0.2 * correlated_noise(len(X), 2000, 1, 4, rho=0.5))
    data = estimates_of(series, 20)
    found = fit(exponential(0.8, 0.5), X, data, what="C")
    observables = [pyerrors.Obs([series[:, 0, a]], ["toy"]) for a in range(len(X))]
    for obs in observables:
        obs.gamma_method()
    inverse = np.tril(whitening(jackknife_covariance(data), "C"))
    theirs = pyerrors.fits.least_squares(
        X, observables, lambda p, t: p[0] * pyerrors.fits.anp.exp(-p[1] * t), initial_guess=[0.8, 0.5],
        correlated_fit=True, inv_chol_cov_matrix=[inverse, [""]], silent=True,
    )  # fmt: skip
    assert theirs.chisquare == pytest.approx(found.chi2, rel=1e-5)
    for ours, other in zip(found.parameters.values(), theirs.fit_parameters, strict=True):
        other.gamma_method()
        assert ours.value == pytest.approx(other.value, rel=1e-5)
        assert ours.gamma_error == pytest.approx(other.dvalue, rel=2e-2)
        assert ours.error == pytest.approx(ours.gamma_error, rel=0.25)


def test_a_prior_is_one_more_number_with_its_error():
    data = cornell_data(2)
    bare = fit(CORNELL, X, data, what="V")
    for model in (CORNELL, CURVED):
        tied = fit(model, X, data, what="V", priors={"alpha": (0.26, 0.01)})
        assert tied.dof == bare.dof + 1
        assert tied["alpha"].error < min(bare["alpha"].error, 0.01)
        weights = [1 / bare["alpha"].error ** 2, 1 / 0.01**2]
        assert tied["alpha"].value == pytest.approx(np.average([bare["alpha"].value, 0.26], weights=weights), rel=1e-3)
        assert tied["alpha"].error == pytest.approx(1 / math.sqrt(sum(weights)), rel=1e-2)
        assert tied["alpha"].gamma_error == pytest.approx(tied["alpha"].error, rel=0.1)
    only = fit(CORNELL, X[:2], data[:2], what="V", priors={"alpha": (0.3, 0.05)})
    assert only.dof == 0
    assert math.isnan(only.p_value)


def test_a_plateau_of_correlated_points_is_not_their_mean():
    """Two points with errors 1 and 2 and correlation 0.9: the best plateau lies outside of them."""
    noise = correlated_noise(2, 4000, 1, 3, between=0.9) * np.array([1.0, 2.0])
    found = fit(constant(), [1, 2], estimates_of(noise, 1), what="plateau")
    exact = math.sqrt((1 * 4 - (0.9 * 2) ** 2) / (1 + 4 - 2 * 0.9 * 2) / 4000)
    assert found["plateau"].error == pytest.approx(exact, rel=0.05)


def test_choices_of_the_covariance_are_recorded_and_make_errors_no_smaller():
    data = cornell_data(5)
    full = fit(CORNELL, X, data, what="V")
    for choice in (CovarianceChoice(shrinkage=0.2), CovarianceChoice(svd_cut=0.1), DIAGONAL):
        other = fit(CORNELL, X, data, what="V", covariance=choice)
        assert other.as_json()["covariance"] == {
            "kind": choice.kind, "shrinkage": choice.shrinkage, "svd_cut": choice.svd_cut,
        }  # fmt: skip
        assert other["sigma"].error >= 0.999 * full["sigma"].error
        assert abs(other["sigma"].value - TRUTH["sigma"]) < 3 * other["sigma"].error
    assert math.isnan(fit(CORNELL, X, data, what="V", covariance=DIAGONAL).p_value)


def test_few_bins_for_many_points_raise_a_warning_and_fewer_bins_than_points_an_error():
    few = fit(CORNELL, X, cornell_data(1, n=40, chains=1), what="V")
    assert "20 bins for the covariance of 8 points" in few["sigma"].warnings[-1]
    assert fit(CORNELL, X, cornell_data(1), what="V").warnings == ()
    with pytest.raises(ConfigError, match=r"singular.*shrinkage"):
        fit(CORNELL, X, cornell_data(1, n=12, chains=1), what="V")
    assert math.isfinite(
        fit(CORNELL, X, cornell_data(1, n=12, chains=1), what="V", covariance=CovarianceChoice(shrinkage=0.5)).chi2
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": X[:2], "data": 2}, "V: 2 points and 0 priors for the 3 parameters V0, sigma, alpha"),
        ({"x": [], "data": 0}, "0 points"),
        ({"x": X[:4], "data": 5}, "4 positions for 5 points"),
        ({"x": X, "data": 8, "priors": {"mass": (1, 1)}}, "prior of 'mass'"),
        ({"x": X, "data": 8, "priors": {"alpha": (1, 0)}}, "width 0"),
    ],
)
def test_a_range_or_prior_that_cannot_work_is_refused_before_any_work(arguments, message):
    class Untouchable:
        """Fails if anything but the number of points is looked at."""

        def __getattribute__(self, name):
            raise AssertionError(f"{name} was read before the range was checked")

    points = [Untouchable() for _ in range(arguments["data"])]
    with pytest.raises(ConfigError, match=message):
        fit(CORNELL, arguments["x"], points, what="V", priors=arguments.get("priors"))


def test_unusable_choices_are_refused():
    for changes, message in (
        ({"kind": "some"}, "full or diagonal"),
        ({"shrinkage": 2}, "0, 1"),
        ({"svd_cut": 1}, "0, 1"),
    ):
        with pytest.raises(ConfigError, match=message):
            CovarianceChoice(**changes)
    same = LinearModel("a + b", {"a": np.ones_like, "b": np.ones_like})
    with pytest.raises(ConfigError, match="do not tell the parameters"):
        fit(same, X, cornell_data(1), what="V")
    with pytest.raises(ConfigError, match="no error"):
        fit(CORNELL, X, [*cornell_data(1)[:7], jackknife(np.ones((300, 2)), bin_size=2, key="toy")], what="V")


def test_points_without_value_and_fits_that_do_not_converge_give_nan_rows_that_say_why():
    data = cornell_data(1)
    hole = jackknife(np.ones((300, 2, 1)), lambda means: math.nan, bin_size=2, key="toy")
    found = fit(CORNELL, X, [*data[:7], hole], what="V")
    assert math.isnan(found["sigma"].value)
    assert "x = 8 have no value" in found["sigma"].warnings[-1]
    steep = Model("sqrt(-p)", lambda x, p: np.sqrt(-np.exp(p)) * x, {"p": 0.0})
    with np.errstate(invalid="ignore"):
        lost = fit(steep, X, data, what="V")
    assert "does not converge" in lost["p"].warnings[-1]
    assert lost.as_json()["chi2"] is None


def test_a_periodic_correlator_is_fitted_by_its_cosine():
    t = np.arange(0.0, 13.0)
    truth = np.cosh(0.3 * (t - 6)) / np.cosh(1.8)
    data = estimates_of(truth * (1 + 0.05 * correlated_noise(len(t), 400, 2, 8)), 4)
    found = fit(hyperbolic_cosine(12, 0.9, 0.4), t, data, what="C")
    assert abs(found["m"].value - 0.3) < 3 * found["m"].error < 0.03
    assert abs(found["A"].value - 1.0) < 3 * found["A"].error
    assert found.p_value > 0.01
    single = fit(exponential(0.9, 0.4), t, data, what="C")
    assert single.p_value < 1e-6


def test_the_drawn_curve_is_the_fit_and_its_error_is_that_of_the_parameters():
    content = fit(CORNELL, X, cornell_data(3), what="V").as_json()
    curve = content["curve"]
    assert [curve[0]["x"], curve[-1]["x"]] == [X[0], X[-1]]
    assert [curve[0]["value"], curve[-1]["value"]] == pytest.approx([content["fitted"][0], content["fitted"][-1]])
    level = fit(constant(), X, cornell_data(3), what="level").as_json()
    errors = [point["error"] for point in level["curve"]]
    assert errors == pytest.approx([level["parameters"]["plateau"]["error"]] * len(errors))
    lost = list(cornell_data(3))
    lost[2] = derive(lambda value: math.nan, lost[2])
    assert fit(CORNELL, X, lost, what="V").as_json()["curve"] == []
