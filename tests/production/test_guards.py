"""A chain that leaves physics stops with exit code 4 and its state saved; nothing is published."""

import numpy as np
import pytest
from production.small import datasets, generate, write_small_spec

HMC = {"kind": "hmc", "integrator": "leapfrog", "tau": 1.0, "n_steps": 1}
SHORT = {**HMC, "n_steps": 4}


def assert_stopped(done, folder, text):
    assert done.returncode == 4, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert text in lines[0]
    assert not (folder / "c" / "0000.h5").exists()
    assert (folder / "c" / "0000.h5.partial" / "state.h5").exists()


def stops_at(done) -> int:
    """The trajectory that a message names."""
    return int(done.stderr.split("trajectory ")[1].split(":")[0])


@pytest.mark.parametrize("changes", [{"sampler": {**HMC, "tau": 1e200}}, {"beta": 1e200, "start": "hot"}])
def test_a_number_that_is_not_finite_stops_the_chain(gaugeflow, tmp_path, changes):
    spec = write_small_spec(gaugeflow, tmp_path, **changes)
    done = gaugeflow("--quiet", "generate", spec, "--chunk", 0, "--out", tmp_path / "c" / "0000.h5")
    assert_stopped(done, tmp_path, "is not finite")
    assert stops_at(done) == 0


def test_acceptance_out_of_its_band_stops_the_chain_and_stays_stopped(gaugeflow, tmp_path):
    spec = write_small_spec(
        gaugeflow, tmp_path, beta=3.0, extents=[[8, 8]], sampler=SHORT, thermalisation=7, warmup=7, configs_per_chunk=40
    )
    line = (
        "--quiet",
        "generate",
        spec,
        "--chunk",
        0,
        "--out",
        tmp_path / "c" / "0000.h5",
        "--acceptance-band",
        "0.99,1",
    )
    done = gaugeflow(*line)
    assert_stopped(done, tmp_path, "outside [0.99, 1.0]")
    assert stops_at(done) == 7 + 50 - 1
    state = datasets(tmp_path / "c" / "0000.h5.partial" / "state.h5")
    np.testing.assert_array_equal(state["history/trajectory"], np.arange(7 + 50 - 1))
    assert gaugeflow(*line).stderr == done.stderr
    wider = generate(gaugeflow, spec, tmp_path / "c" / "0000.h5", "--acceptance-band", "0,1")
    assert len(datasets(wider)["history/trajectory"]) == 7 + 80


def test_a_chain_that_stands_still_stops_the_job_whatever_the_band(gaugeflow, tmp_path):
    sampler = {**HMC, "tau": 3.0}
    spec = write_small_spec(
        gaugeflow, tmp_path, beta=3.0, extents=[[8, 8]], sampler=sampler, thermalisation=7, configs_per_chunk=40
    )
    done = gaugeflow("--quiet", "generate", spec, "--chunk", 0, "--out", tmp_path / "c" / "0000.h5")
    assert_stopped(done, tmp_path, "accepted nothing in 50 trajectories; give a warmup")


def test_warmup_accepts_whatever_dh_is_and_production_does_not(gaugeflow, tmp_path):
    sampler = {**HMC, "tau": 3.0}
    spec = write_small_spec(
        gaugeflow, tmp_path, beta=3.0, extents=[[8, 8]], sampler=sampler, thermalisation=9, warmup=9
    )
    accepted = datasets(generate(gaugeflow, spec, tmp_path / "0000.h5"))["history/accepted"]
    assert accepted[:9].all()
    assert not accepted[9:].all()


def test_thermalisation_is_not_judged(gaugeflow, tmp_path):
    spec = write_small_spec(gaugeflow, tmp_path, beta=3.0, sampler={**HMC, "tau": 3.0}, thermalisation=100)
    generate(gaugeflow, spec, tmp_path / "0000.h5", "--acceptance-band", "0.99,1.0")


def test_the_acceptance_window_reaches_over_many_short_chunks(gaugeflow, tmp_path):
    sampler = {**HMC, "tau": 3.0}
    spec = write_small_spec(
        gaugeflow, tmp_path, beta=3.0, extents=[[8, 8]], sampler=sampler, thermalisation=60, configs_per_chunk=10
    )
    previous = []
    for chunk in range(2):
        out = generate(gaugeflow, spec, tmp_path / f"{chunk}.h5", *previous, "--acceptance-band", "0.5,1", chunk=chunk)
        previous = ["--previous", out]
    done = gaugeflow(
        "--quiet", "generate", spec, "--chunk", 2, *previous, "--acceptance-band", "0.5,1", "--out", tmp_path / "2.h5"
    )
    assert done.returncode == 4, done.stderr
    assert stops_at(done) == 60 + 50 - 1
    assert len(datasets(out)["history/accepted_before"]) == 20
