"""What the settings of a flow ask for is in its file, named and described, and the settings say how it was made."""

import json

import h5py
import numpy as np
import pytest
import yaml
from house import run
from production.small import datasets, generate, write_small_spec

from gaugeflow.config.charges import CHARGE_DEFINITIONS

ALL = {"charges": list(CHARGE_DEFINITIONS), "time_slices": True, "field_strength": "with_trace"}
DEFAULT = {"trajectory", "flow_time", "energy_plaquette", "energy_clover"}
PLANES = {"energy_clover_space", "energy_clover_time"}
CHARGES = {"charge", "charge_improved", "charge_5li", "charge_plaquette"}
SLICES = {"energy_slices", *(f"{name}_slices" for name in CHARGES)}


@pytest.fixture(scope="module")
def chunk(gaugeflow, tmp_path_factory):
    """A chunk of a 4D chain of SU(2)."""
    folder = tmp_path_factory.mktemp("four")
    ensemble = {"group": "SU2", "extents": [[4, 3, 4, 4]], "beta": 2.0, "chains": 2, "start": "hot"}
    return generate(gaugeflow, write_small_spec(gaugeflow, folder, **ensemble), folder / "0000.h5")


def study_with(chunk, folder, **flow):
    """The study of a chunk with other flow settings."""
    folder.mkdir(exist_ok=True)
    content = yaml.safe_load((chunk.parent / "study.yaml").read_text())
    for scale in content["scales"].values():
        scale["flow"] = {"times": [0.0, 0.1], "step": 0.05, **flow}
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    return folder


def flowed(gaugeflow, chunk, folder, **flow):
    out = folder / "flow.h5"
    done = gaugeflow("flow", chunk, "--study", study_with(chunk, folder, **flow), "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def test_everything_asked_for_is_there_with_units_and_passes_every_check(gaugeflow, chunk, tmp_path):
    out = flowed(gaugeflow, chunk, tmp_path, **ALL)
    found, (n, chains, times) = datasets(out), (5, 2, 2)
    assert found.keys() == DEFAULT | PLANES | CHARGES | SLICES
    assert all(found[name].shape == (n, chains, times, 4) for name in SLICES)
    assert all(found[name].shape == (n, chains, times) for name in CHARGES | PLANES)
    for name in CHARGES:
        assert np.allclose(found[f"{name}_slices"].sum(-1), found[name], rtol=0, atol=1e-14)
    assert np.allclose(found["energy_slices"].sum(-1), 192 * found["energy_clover"], rtol=1e-14)
    with h5py.File(out) as file:
        assert json.loads(file.attrs["settings"]) == {"times": [0.0, 0.1], "step": 0.05, **ALL}
        for name in CHARGES | SLICES | PLANES:
            assert file[name].attrs["units"] in (b"1", b"a^-4")
            assert len(file[name].attrs["description"]) > 20
    done = gaugeflow("check", out)
    assert done.returncode == 0, done.stdout


def test_the_default_measures_the_clover_and_keeps_its_text(gaugeflow, chunk, tmp_path):
    out = flowed(gaugeflow, chunk, tmp_path)
    found, everything = datasets(out), datasets(flowed(gaugeflow, chunk, tmp_path / "all", **ALL))
    assert found.keys() == DEFAULT | PLANES | {"charge"}
    with h5py.File(out) as file:
        assert json.loads(file.attrs["settings"]) == {"times": [0.0, 0.1], "step": 0.05}
    for name in found:  # SU(2): the trace choice is none
        assert np.allclose(found[name], everything[name], rtol=0, atol=1e-13)


@pytest.mark.mpi
def test_two_ranks_write_the_same_file(gaugeflow, chunk, tmp_path):
    alone = flowed(gaugeflow, chunk, tmp_path / "alone", **ALL)
    study, out = study_with(chunk, tmp_path / "two", **ALL), tmp_path / "two.h5"
    words = ("flow", chunk, "--study", study, "--ranks", "2", "--grid", "1,2,1,1,1", "--oversubscribe", "--out", out)
    done = run("mpiexec", "-n", "2", "gaugeflow", *words)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == alone.read_bytes()


def test_a_definition_that_the_lattice_does_not_have_is_refused_before_any_work(gaugeflow, chunk, tmp_path):
    content = yaml.safe_load((chunk.parent / "study.yaml").read_text())
    for scale in content["scales"].values():
        scale["ensembles"][0]["extents"] = [[4, 4]]
        scale["flow"] = {"times": [0.1], "charges": ["improved"]}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(content))
    done = gaugeflow("flow", chunk, "--study", tmp_path / "study.yaml", "--out", tmp_path / "flow.h5")
    assert done.returncode == 2
    assert "flow.charges: got ['improved']" in done.stderr
    assert not (tmp_path / "flow.h5").exists()
