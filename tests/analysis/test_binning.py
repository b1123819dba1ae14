"""One bin size per ensemble: what the slowest observable wants."""

import math

import numpy as np
import pytest
from autoregressive import ar1
from synthetic import made_study
from toy_ensemble import ensemble

from gaugeflow.analysis.loading import load_study_data
from gaugeflow.errors import ConfigError
from gaugeflow.stats.estimate import derive


def test_the_slowest_component_of_the_slowest_observable_decides():
    fast, slow = ar1(0.0, 2000, 4, seed=1), ar1(0.9, 2000, 4, seed=2)
    loops = np.stack([fast, fast**2, slow + 1, fast], axis=-1).reshape(2000, 4, 2, 2)
    data = ensemble({"plaquette": fast, "loops": loops})
    assert data.bins.decided_by == "loops"
    tau_int = data.bins.tau_int["loops"]
    assert tau_int == pytest.approx(9.5, abs=3 * 9.5 * math.sqrt(4 * 40 / 8000))  # window 40
    assert 10 * tau_int <= data.bin_size <= 13 * tau_int + 1
    assert ensemble({"plaquette": fast}).bin_size < 20
    estimate = data.estimate(data.series("plaquette"))
    assert estimate.bin_size == data.bin_size


def test_squares_of_charges_and_flowed_data_count():
    sign, size = np.sign(ar1(0.0, 3000, 4, seed=3)), 2 + 0.5 * ar1(0.9, 3000, 4, seed=4)
    fast = ar1(0.0, 3000, 4, seed=5)
    charged = ensemble({"plaquette": fast, "charge": sign * size})
    assert charged.bins.decided_by == "charge^2"
    flow = np.stack([fast, ar1(0.8, 3000, 4, seed=6)], axis=-1)
    flowed = ensemble({"plaquette": fast}, {"energy_clover": flow, "flow_time": np.array([0.1, 0.2])})
    assert flowed.bins.decided_by == "flowed energy_clover"
    assert flowed.bin_size > 30


def test_a_bin_size_of_the_study_wins_and_is_recorded_as_such():
    data = ensemble({"plaquette": ar1(0.9, 200, 4, seed=1)}, bin_size=7)
    assert (data.bin_size, data.bins.decided_by) == (7, "analysis: bin_size of the study")


def test_constants_and_numbers_of_trajectories_do_not_decide():
    data = ensemble({"plaquette": np.full((100, 4), 0.5), "trajectory": np.arange(100)})
    assert data.bins.tau_int == {"plaquette": 0.5}


def test_results_say_which_observable_chose_the_bins():
    made = made_study()
    loaded = load_study_data(made.study, made.files)
    for entry, data in zip(made.results["ensembles"], loaded, strict=True):
        assert entry["bins"]["bin_size"] == data.bin_size
        assert entry["bins"]["decided_by"] in entry["bins"]["tau_int"]


def test_all_observables_of_an_ensemble_combine():
    made = made_study()
    data = load_study_data(made.study, made.files)["b2.0_6x8"]
    names = ("plaquette", "charge", "loops", "polyakov")
    parts = [data.estimate(np.abs(data.series(name)).reshape(40, 32, -1)[:, :, 0]) for name in names]
    assert np.isfinite(derive(lambda *values: sum(values), *parts).error)
    with pytest.raises(ConfigError, match="only"):
        data.series("nothing")
