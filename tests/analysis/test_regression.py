"""Numbers of trained networks, against predictions whose errors are known."""

import math

import numpy as np
import pytest
from analysis.predicted import model

from gaugeflow.analysis.curves import curve_json, table_json
from gaugeflow.analysis.equivariance_report import (
    accuracy_per_weight,
    digits,
    learning_curves,
    networks_of,
    report_table,
)
from gaugeflow.analysis.regression import (
    against_volume,
    fragility,
    gauge_spread,
    in_another_gauge,
    log_volume_ratio,
    over,
    over_mean_predictor,
    predicted_against_true,
    squared_errors,
    volume_exponent,
)
from gaugeflow.errors import ConfigError

SMALL, LARGE = (8, 8), (32, 32)


def pull(estimate, value):
    return abs(estimate.value - value) / estimate.error


def test_squared_errors_are_those_of_the_volume_average():
    models = [model(seed=seed, noise=0.1) for seed in (1, 2, 3)]
    found = squared_errors(models)
    for size, volume in (("8x8", 64), ("32x32", 1024)):
        assert pull(found[f"{size}/mse"], 0.01 / volume) < 3
        assert 0 < found[f"{size}/mse"].error < 0.2 * found[f"{size}/mse"].value
        assert found[f"{size}/best"].value <= found[f"{size}/mse"].value <= found[f"{size}/worst"].value


@pytest.mark.parametrize(("errors", "exponent"), [({"offset": 0.1}, 0.0), ({"noise": 0.1}, -1.0)])
def test_an_error_of_weights_is_flat_in_the_volume_and_one_of_sites_falls(errors, exponent):
    models = [model(seed=seed, **errors) for seed in (1, 2, 3)]
    slope, ratio = volume_exponent(models), log_volume_ratio(models, SMALL, LARGE)
    assert abs(slope.value - exponent) < 3 * slope.error + 1e-9
    assert abs(ratio.value - exponent * math.log10(16)) < 3 * ratio.error + 1e-9
    assert slope.error < 0.1


def test_who_predicts_the_mean_has_no_digits():
    constant = [model(constant=True)]
    mean = constant[0].mean_predictor(SMALL)
    assert pull(mean, 0.15**2 + 1 / 64) < 3
    assert abs(over_mean_predictor(constant, SMALL).value - 1) < 0.05
    assert abs(digits(constant, SMALL).value) < 0.03
    exact = model(offset=1e-6)
    assert digits([exact], SMALL).value == pytest.approx(-math.log10(1e-12 / mean.value), rel=1e-6)


def test_who_knows_the_mean_of_each_ensemble_is_left_with_its_fluctuations():
    for extents in (SMALL, LARGE):
        found = model().ensemble_means(extents)
        assert pull(found, 1 / (extents[0] * extents[1])) < 3


def test_invariant_predictions_have_no_spread_and_others_that_of_their_gauge():
    assert gauge_spread([model(offset=0.1)], SMALL).value == 0
    found = gauge_spread([model(gauge=0.02)], SMALL)
    assert pull(found, 0.02) < 3
    assert found.error < 0.002
    assert abs(fragility([model(gauge=0.02)], SMALL).value - 1) < 0.2  # its error is the gauge alone


def test_ratio_to_a_baseline_is_that_of_the_best_seeds():
    ours = [model(seed=1, offset=0.001), model(seed=2, offset=0.1)]
    theirs = [model(seed=1, offset=0.1), model(seed=2, offset=0.2)]
    assert over(ours, theirs, SMALL).value == pytest.approx(1e-4)


def test_lattices_that_were_not_tested_are_refused():
    with pytest.raises(ConfigError, match=r"no predictions on extents \(64, 64\)"):
        model().squared_error((64, 64))


def test_learning_curves_join_networks_that_differ_in_their_data_alone():
    models = [
        model("few", noise=0.1, configurations=10),
        model("many", noise=0.01, configurations=1000),
        model("plain", kind="cnn", noise=0.1),
    ]
    (curve,) = learning_curves(models).values()
    assert [list(series.x) for series in curve.series] == [[10.0, 1000.0], [1000.0]]
    assert curve.series[0].y[1] - curve.series[0].y[0] == pytest.approx(2, abs=0.1)
    assert learning_curves(models[1:]) == {}


def test_report_has_a_row_per_network_with_what_was_put_in():
    models = [model(seed=seed, offset=0.01, weights=200) for seed in (1, 2)]
    models += [model("plain", kind="cnn", constant=True, weights=5000, gauge=0.1)]
    table = table_json("report", report_table(models))
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    assert [(row["network"], row["weights"], row["seeds"]) for row in rows] == [
        ("net", "200", "2"),
        ("plain", "5000", "1"),
    ]
    assert float(rows[0]["gauge spread"]) == 0
    assert abs(float(rows[1]["gauge spread"]) - 0.1) < 0.02
    assert (rows[0]["steps"], rows[0]["training / s"]) == ("20", "3")


def test_figures_are_of_numbers_that_can_be_drawn():
    networks = networks_of([model(noise=0.1), model("plain", kind="cnn", constant=True)])
    for curve in (
        against_volume("w1x1", networks),
        predicted_against_true("w1x1", networks, SMALL),
        in_another_gauge("w1x1", networks, SMALL),
        accuracy_per_weight([models[0] for models in networks]),
    ):
        content = curve_json("figure", curve)
        assert all(np.isfinite(np.array(series["y"], float)).all() for series in content["series"])
