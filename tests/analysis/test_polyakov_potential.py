"""The potential of Polyakov loops whose correlator is known."""

import math

import numpy as np
import pytest
from toy_ensemble import correlated_noise, ensemble

from gaugeflow.analysis.fits import fit
from gaugeflow.analysis.models import CORNELL
from gaugeflow.analysis.polyakov import polyakov_potential
from gaugeflow.errors import ConfigError

R = np.arange(1.0, 7.0)
SIGMA, EXTENT = 0.1, 6


def correlators(seed, sigma=SIGMA):
    """(n, chains, R) around exp(-N_t (0.5 + sigma R - 0.3 / R)), 2 % of correlated noise."""
    exact = np.exp(-EXTENT * (0.5 + sigma * R - 0.3 / R))
    return exact * (1 + 0.02 * correlated_noise(len(R), 300, 4, seed))


def test_the_fitted_tension_is_that_of_the_correlator_and_another_tension_fails():
    for sigma, right in ((SIGMA, True), (1.05 * SIGMA, False)):
        data = ensemble({"polyakov_correlator": correlators(3, sigma)}, extents=(12, 12, 12, EXTENT), bin_size=3)
        potential = polyakov_potential(data)
        found = fit(CORNELL, list(potential), list(potential.values()), what="V")
        assert (abs(found["sigma"].value - SIGMA) < 3 * found["sigma"].error) is right
        assert found["sigma"].error < 0.01 * SIGMA
        assert found.p_value > 0.003
        assert potential[2].gamma_error == pytest.approx(potential[2].error, rel=0.2)


def test_a_correlator_lost_in_noise_has_no_potential_and_one_not_measured_is_refused():
    series = correlators(1)
    series[:, :, 5] -= 2 * series[:, :, 5].mean()
    potential = polyakov_potential(ensemble({"polyakov_correlator": series}, extents=(12, 12, 12, EXTENT), bin_size=3))
    assert [r for r, value in potential.items() if math.isnan(value.value)] == [6]
    with pytest.raises(ConfigError, match="no 'polyakov_correlator'"):
        polyakov_potential(ensemble({"plaquette": series[:, :, 0]}))
