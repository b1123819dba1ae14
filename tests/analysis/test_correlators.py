"""Effective masses of correlators whose mass is known."""

import math

import numpy as np
import pytest
from toy_ensemble import correlated_noise, estimates_of

from gaugeflow.analysis.correlators import effective_masses, hyperbolic_mass, logarithmic_mass, plateau
from gaugeflow.errors import ConfigError


@pytest.mark.parametrize("mass", [1e-3, 0.2, 1.5, 9.0])
@pytest.mark.parametrize("extent", [8, 12])
def test_hyperbolic_mass_of_a_cosine_is_its_mass_on_both_sides_of_the_middle(mass, extent):
    for t in range(extent - 1):
        here, next_one = (math.cosh(mass * (time - extent / 2)) for time in (t, t + 1))
        assert hyperbolic_mass(here, next_one, t, extent) == pytest.approx(mass, rel=1e-8)


def test_logarithmic_mass_of_an_exponential_is_its_mass_and_that_of_a_cosine_is_less():
    assert logarithmic_mass(2 * math.exp(-0.3), 2 * math.exp(-0.6)) == pytest.approx(0.3, rel=1e-14)
    assert logarithmic_mass(math.cosh(0.3 * 2), math.cosh(0.3 * 1)) < 0.2


@pytest.mark.parametrize(("here", "next_one"), [(1.0, -0.5), (-1.0, 0.5), (1.0, 0.0), (1.0, 1.5)])
def test_noise_without_mass_is_nan(here, next_one):
    assert math.isnan(hyperbolic_mass(here, next_one, 2, 12))
    assert math.isnan(logarithmic_mass(here, next_one)) == (next_one <= 0 or here <= 0)


def test_plateau_of_effective_masses_is_the_mass_and_an_early_start_is_refuted():
    """C(t) of a periodic lattice with an excited state: the plateau begins where that has died out."""
    t, extent = np.arange(11.0), 20
    truth = np.cosh(0.25 * (t - 10)) / np.cosh(2.5) + 0.5 * np.exp(-2.5 * t)
    data = estimates_of(truth * (1 + 0.002 * correlated_noise(len(t), 400, 2, 6, between=0.9)), 2)
    masses = effective_masses(data, extent)
    late = plateau(masses, 5, 9, what="C")
    assert abs(late["plateau"].value - 0.25) < 3 * late["plateau"].error < 0.003
    assert late.p_value > 0.01
    assert plateau(masses, 0, 9, what="C").p_value < 1e-6
    assert masses[7].gamma_error == pytest.approx(masses[7].error, rel=0.2)
    logarithms = effective_masses(data)
    assert logarithms[8].value < masses[8].value - 10 * masses[8].error


def test_a_plateau_outside_of_the_masses_is_refused():
    masses = effective_masses(estimates_of(1 + 0.01 * correlated_noise(5, 100, 1, 1), 1))
    for first, last in ((-1, 2), (2, 1), (0, 4)):
        with pytest.raises(ConfigError, match=r"plateau from .* within 0 \.\. 3"):
            plateau(masses, first, last, what="C")
    with pytest.raises(ConfigError, match="at least 2"):
        effective_masses(estimates_of(1 + correlated_noise(1, 100, 1, 1), 1))
