"""A study with an improved action and an adaptive flow goes the whole way, on any ranks, with its numbers recorded."""

import json

import h5py
import numpy as np
import pytest
from house import run, study_content, write_study
from production.small import COMMIT, datasets, ensemble_id

from gaugeflow.cli.precompile import compile_all
from gaugeflow.config.load import load_study
from gaugeflow.kernels.devices.cpu import CpuDevice

IMPROVED = {"label": "e", "extents": [[4, 4]], "beta": 1.0, "thermalisation": 4, "save_every": 2, "action": "iwasaki"}
FLOW = {"times": [0.0, 0.07, 0.5], "step": 0.05, "kind": "zeuthen", "adaptive": {"tolerance": 1e-6}}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study with both."""
    changes = {f"ensembles.0.{key}": value for key, value in IMPROVED.items()}
    return write_study(tmp_path_factory.mktemp("improved") / "s", study_content(**changes, flow=FLOW))


@pytest.fixture(scope="module")
def alone(study, tmp_path_factory):
    """Files of one rank."""
    return produced(study, tmp_path_factory.mktemp("alone"), 1)


def produced(study, folder, ranks):
    """(spec, chunk, flow) of the study on so many ranks."""
    spec, chunk, flow = folder / "spec.json", folder / "0000.h5", folder / "flow.h5"
    launcher = ["mpiexec", "-n", str(ranks)] if ranks > 1 else []
    for line in (
        ["gaugeflow", "spec", study, "--ensemble", "e", "--out", spec],
        [*launcher, "gaugeflow", "generate", spec, "--chunk", "0", "--out", chunk, "--ranks", str(ranks)],
        [*launcher, "gaugeflow", "flow", chunk, "--study", study, "--out", flow, "--ranks", str(ranks)],
        ["gaugeflow", "check", chunk, flow],
    ):
        done = run(*line, **COMMIT)
        assert done.returncode == 0, done.stderr
    return spec, chunk, flow


def test_precompile_launches_every_kernel_of_improved_actions_and_flows(study, monkeypatch):
    seen, plain = set(), CpuDevice.run

    def noted(device, name, *rest, **values):
        seen.add(name)
        plain(device, name, *rest, **values)

    monkeypatch.setattr(CpuDevice, "run", noted)
    compile_all(load_study(study, "tiny"), 1)
    assert {"half_staples", "kick_plane", "kick_smoothed", "rectangle_sums", "link_distance"} <= seen


def test_coefficient_tolerance_and_norm_are_in_the_files(alone):
    spec, _, flow = alone
    assert json.loads(spec.read_text())["spec"]["action"] == {"kind": "rectangle", "beta": 1.0, "c1": -0.331}
    assert ensemble_id(spec).startswith("u1_2d_b1.0_4x4-")
    with h5py.File(flow) as file:
        settings = json.loads(file.attrs["settings"])
    assert settings["adaptive"] == {"norm": "frobenius/N^2", "tolerance": 1e-6}
    assert settings["kind"] == "zeuthen"


def test_the_flow_stops_at_the_asked_times_and_lowers_the_energy(alone):
    found = datasets(alone[2])
    assert found["flow_time"].tolist() == FLOW["times"]
    assert np.all(np.diff(found["energy_plaquette"], axis=-1) < 0)


@pytest.mark.mpi
def test_two_ranks_write_the_files_of_one(study, alone, tmp_path):
    assert [path.read_bytes() for path in produced(study, tmp_path, 2)] == [path.read_bytes() for path in alone]
