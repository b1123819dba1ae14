"""t0 and w0 on curves E(t) whose crossings are known in closed form."""

import math

import numpy as np
import pytest
from synthetic import made_study

from gaugeflow.analysis.dataset import EnsembleData
from gaugeflow.analysis.scales import t0, t0_of_energy, w0_of_energy
from gaugeflow.config.settings import AnalysisSettings

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
