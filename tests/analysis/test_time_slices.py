"""Susceptibilities by definition, profiles and correlators per time slice, on series made for the purpose."""

from types import SimpleNamespace

import numpy as np
import pytest

from gaugeflow.analysis.dataset import EnsembleData
from gaugeflow.analysis.observables import flowed_susceptibility
from gaugeflow.analysis.time_slices import charge_correlator, energy_profile
from gaugeflow.errors import ConfigError

EXTENTS, MEASUREMENTS, CHAINS, TIMES = (4, 4, 4, 6), 60, 4, np.array([0.0, 0.5, 1.0])
VOLUME = 4 * 4 * 4 * 6


@pytest.fixture(scope="module")
def ensemble():
    """Independent charges of unit variance in every slice; the improved ones are twice as large."""
    slices = np.random.default_rng(3).normal(size=(MEASUREMENTS, CHAINS, len(TIMES), EXTENTS[-1]))
    flowed = {
        "flow_time": TIMES,
        "charge": slices.sum(3),
        "charge_slices": slices,
        "charge_improved": 2 * slices.sum(3),
        "charge_improved_slices": 2 * slices,
        "energy_slices": 64 * (1 + np.arange(6)) + 0.1 * slices,
    }
    return EnsembleData(
        label="toy",
        ensemble_id="toy",
        spec=SimpleNamespace(extents=EXTENTS),
        trajectory=np.arange(MEASUREMENTS),
        measured={"plaquette": slices[:, :, 0, 0]},
        history={},
        n_thermalisation=0,
        flowed=flowed,
    )


def test_susceptibility_is_of_the_definition_asked_for(ensemble):
    clover, improved = (flowed_susceptibility(ensemble, 0.6, name) for name in ("clover", "improved"))
    assert clover.value == pytest.approx((ensemble.flowed["charge"][:, :, 1] ** 2).mean() / VOLUME, rel=1e-12)
    assert improved.value == pytest.approx(4 * clover.value, rel=1e-12)
    assert abs(clover.value - 6 / VOLUME) < 3 * clover.error
    with pytest.raises(ConfigError, match="no 'charge_5li'"):
        flowed_susceptibility(ensemble, 0.6, "5li")


def test_the_charge_correlator_of_independent_slices_is_a_contact_term(ensemble):
    correlator = charge_correlator(ensemble, 1.0)
    assert abs(correlator[0].value - 6 / VOLUME) < 3 * correlator[0].error
    assert all(abs(c.value) < 3 * c.error < 0.3 * correlator[0].value for c in correlator[1:])


@pytest.mark.parametrize("definition", ["clover", "improved"])
def test_the_charge_correlator_sums_to_the_susceptibility(definition, ensemble):
    total = sum(c.value for c in charge_correlator(ensemble, 1.0, definition))
    assert total == pytest.approx(flowed_susceptibility(ensemble, 1.0, definition).value, rel=1e-12)


def test_the_profile_is_per_site_of_its_slice(ensemble):
    profile = energy_profile(ensemble, 0.5)
    assert all(abs(e.value - (1 + t)) < 3 * e.error < 0.01 for t, e in enumerate(profile))
