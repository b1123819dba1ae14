"""t0 and w0 on curves E(t) whose crossings are known in closed form."""

import math

import numpy as np
import pytest
from synthetic import made_study

from gaugeflow.analysis.dataset import EnsembleData
from gaugeflow.analysis.interpolation import interpolation_weights
from gaugeflow.analysis.scales import (
    at_flow_time,
    at_t0,
    scale_table,
    sqrt_8t0_over_r0,
    t0,
    t0_of_energy,
    w0,
    w0_of_energy,
)
from gaugeflow.config.settings import AnalysisSettings
from gaugeflow.errors import ConfigError
from gaugeflow.stats.estimate import external

TIMES = np.round(np.arange(0, 2.01, 0.1), 12)


def smooth_energy(times: np.ndarray, scale: float) -> np.ndarray:
    """E with t^2 E = 0.3 (t / scale)^2 / (0.5 + 0.5 (t / scale)): t0 = scale exactly."""
    x = times / scale
    return np.divide(0.3 * x**2 / (0.5 + 0.5 * x), times**2, out=np.full_like(times, 0.6 / scale**2), where=times > 0)


@pytest.mark.parametrize("scale", [0.45, 0.99, 1.37, 1.93])
def test_t0_of_a_smooth_curve_is_its_crossing(scale):
    assert t0_of_energy(TIMES, smooth_energy(TIMES, scale)) == pytest.approx(scale, rel=2e-4)


@pytest.mark.parametrize("threshold", [0.1, 0.2, 0.3])
def test_threshold_is_a_parameter(threshold):
    energy = np.divide(0.3, TIMES, out=np.zeros_like(TIMES), where=TIMES > 0)  # t^2 E = 0.3 t
    assert t0_of_energy(TIMES, energy, threshold) == pytest.approx(threshold / 0.3, rel=1e-9)
    assert w0_of_energy(TIMES, energy, threshold) == pytest.approx(math.sqrt(threshold / 0.3), rel=1e-9)


def test_w0_of_a_parabola_is_exact():
    energy = np.full_like(TIMES, 0.15)  # t d(t^2 E)/dt = 0.3 t^2
    assert w0_of_energy(TIMES, energy) == pytest.approx(1.0, rel=1e-3)


def test_a_curve_below_the_threshold_has_no_scale():
    assert math.isnan(t0_of_energy(TIMES, 0.01 * np.ones_like(TIMES)))
    assert math.isnan(w0_of_energy(TIMES, 0.01 * np.ones_like(TIMES)))


def flowed(energy: np.ndarray, threshold: float = 0.3) -> EnsembleData:
    n = len(energy)
    return EnsembleData(
        label="toy",
        ensemble_id="toy",
        spec=None,
        trajectory=np.arange(n),
        measured={"plaquette": energy[:, :, 0]},
        history={},
        n_thermalisation=0,
        flowed={"flow_time": TIMES, "energy_clover": energy},
        settings=AnalysisSettings(t0_threshold=threshold),
    )


def test_error_of_t0_is_that_of_linear_propagation():
    """E = E_0(t) (1 + s g) with g normal: dt0 = |dt0/dlnE| s / sqrt(n)."""
    gauss = np.random.default_rng(1).normal(size=(200, 16, 1))
    estimate = t0(flowed(smooth_energy(TIMES, 1.2) * (1 + 0.05 * gauss)))
    slope = (t0_of_energy(TIMES, 1.001 * smooth_energy(TIMES, 1.2)) - 1.2) / 0.001
    assert estimate.error == pytest.approx(abs(slope) * 0.05 / math.sqrt(3200), rel=0.15)
    assert abs(estimate.value - 1.2) < 3 * estimate.error + 3e-4
    assert abs(estimate.value - 1.25) > 3 * estimate.error
    assert estimate.tau_int == pytest.approx(0.5, abs=0.05)


def test_too_short_a_flow_gives_a_nan_row_with_a_warning_that_says_what_to_do():
    gauss = np.random.default_rng(1).normal(size=(50, 4, 1))
    estimate = t0(flowed(smooth_energy(TIMES, 5.0) * (1 + 0.05 * gauss)))
    assert math.isnan(estimate.value)
    assert math.isnan(estimate.error)
    assert "flow longer" in estimate.warnings[-1]


def test_pretended_flow_has_the_t0_it_was_made_with():
    estimates = made_study().results["estimates"]
    for label in ("b1.0_6x8", "b2.0_6x8"):
        for name in ("t0_clover", "w0_clover"):
            assert estimates[f"{label}/{name}"]["value"] == pytest.approx(1.0, abs=5e-4)
            assert 0 < estimates[f"{label}/{name}"]["error"] < 0.002


def wobbling(scale: float, seed: int = 1, n: int = 100) -> EnsembleData:
    gauss = np.random.default_rng(seed).normal(size=(n, 8, 1))
    return flowed(smooth_energy(TIMES, scale) * (1 + 0.05 * gauss))


@pytest.mark.parametrize(("interpolation", "order"), [("linear", 2), ("cubic", 4)])
def test_interpolated_crossings_converge_with_the_order_of_the_interpolation(interpolation, order):
    errors = []
    for step in (0.2, 0.1):
        times = np.arange(0, 2.01, step)
        # the average over crossings: single ones depend on their place in the interval
        scales = np.linspace(0.8, 1.2, 41)
        found = [t0_of_energy(times, smooth_energy(times, scale), interpolation=interpolation) for scale in scales]
        errors.append(np.sqrt(np.mean((np.array(found) - scales) ** 2)))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.5)


@pytest.mark.parametrize(("interpolation", "degree"), [("linear", 1), ("cubic", 3)])
def test_interpolation_weights_are_exact_for_polynomials_and_refuse_to_extrapolate(interpolation, degree):
    for at in (0.0, 0.05, 0.93, 1.2, 1.97, 2.0):
        weights = interpolation_weights(TIMES, at, interpolation, "toy")
        for power in range(degree + 1):
            assert weights @ TIMES**power == pytest.approx(at**power, abs=1e-12)
        assert np.count_nonzero(weights) <= degree + 1
    with pytest.raises(ConfigError, match=r"flow time 2\.1 lies outside"):
        interpolation_weights(TIMES, 2.1, interpolation, "toy")
    with pytest.raises(ConfigError, match="'spline', wanted one of linear, cubic"):
        interpolation_weights(TIMES, 1.0, "spline", "toy")


def test_a_flowed_observable_on_the_grid_is_its_series_and_between_it_is_interpolated():
    data = wobbling(1.2)
    energy = data.flow_series("energy_clover")
    on_grid = at_flow_time(data, "energy_clover", 0.7)
    assert on_grid.value == pytest.approx(data.estimate(energy[:, :, 7]).value, rel=1e-12)
    between = at_flow_time(data, energy, 1.15)
    wobble = data.estimate(energy[:, :, 7] / smooth_energy(TIMES, 1.2)[7]).value
    assert between.value == pytest.approx(wobble * smooth_energy(np.array([1.15]), 1.2)[0], rel=1e-4)
    assert at_flow_time(data, energy, 1.15, "linear").value != pytest.approx(between.value, rel=1e-4)
    with pytest.raises(ConfigError, match="wanted"):
        at_flow_time(data, energy[:, :, 0], 0.7)
    with pytest.raises(ConfigError, match="outside"):
        at_flow_time(data, "energy_clover", 2.5)


def test_t2e_at_t0_is_the_threshold_in_every_sample():
    data = wobbling(1.2)
    curve = data.flow_series("energy_clover") * TIMES**2
    at = at_t0(data, curve)
    assert at.value == pytest.approx(0.3, rel=1e-9)
    assert at.error < 1e-9 < 1e-4 < at_flow_time(data, curve, 1.2).error
    late = at_t0(data, curve, multiple=2.0)
    assert math.isnan(late.value)
    assert "flow longer" in late.warnings[-1]


def test_a_table_of_scales_has_every_combination_and_shows_what_interpolation_costs():
    data = wobbling(1.2)
    table = scale_table(data, thresholds=(0.2, 0.3))
    thresholds, kinds = ("0.2", "0.3"), ("", ", linear")
    assert list(table.estimates) == [
        f"{scale}(clover, {threshold}{kind})" for scale in ("t0", "w0") for threshold in thresholds for kind in kinds
    ]
    assert table.estimates["t0(clover, 0.3)"].value == t0(data).value
    assert table.estimates["w0(clover, 0.2)"].value == w0(data, threshold=0.2).value
    assert table.estimates["t0(clover, 0.2)"].value < table.estimates["t0(clover, 0.3)"].value
    effect = table.interpolation_effect("t0", "clover", 0.3)
    assert 0 < abs(effect.value) < 2e-3
    assert effect.error < 0.1 * t0(data).error
    rows = table.as_json()["rows"]
    assert {row["interpolation"] for row in rows} == {"cubic", "linear"}
    assert all(row["gamma_error"] > 0 for row in rows)


def test_scales_combine_with_r0():
    found = t0(wobbling(1.2))
    ratio = sqrt_8t0_over_r0(found, external("r0", 3.0, 0.03))
    assert ratio.value == pytest.approx(math.sqrt(8 * found.value) / 3)
    relative = math.hypot(0.5 * found.error / found.value, 0.01)
    assert ratio.error == pytest.approx(ratio.value * relative, rel=0.01)
