"""A float32 chain from study to checked files: resumed, measured, flowed, continued in float64."""

import os
import signal

import numpy as np
import pytest
from production.small import datasets, generate, write_small_spec, write_small_study

from gaugeflow.assembly import make_lattice, make_sampler
from gaugeflow.config.spec_file import read_spec
from gaugeflow.ensembles.production import ChunkRun
from gaugeflow.ensembles.reader import open_file
from gaugeflow.errors import TryAgain
from gaugeflow.lattice.communicator import Serial
from gaugeflow.samplers.guard import UNITARITY_LIMIT

STOPPED_AFTER = 7


@pytest.fixture(scope="module")
def single(gaugeflow, tmp_path_factory):
    """(folder with the study, spec, chunk 0) of a float32 chain."""
    folder = tmp_path_factory.mktemp("single")
    spec = write_small_spec(gaugeflow, folder, precision="float32", start="mixed")
    return folder, spec, generate(gaugeflow, spec, folder / "0000.h5")


def test_a_resumed_float32_chain_equals_the_uninterrupted_one(gaugeflow, single, tmp_path):
    _, path, whole = single
    spec, out = read_spec(path), tmp_path / "0000.h5"

    def stop(done):
        if done == STOPPED_AFTER:
            os.kill(os.getpid(), signal.SIGTERM)

    lattice = make_lattice(spec.spec, Serial(), precision=spec.spec.precision)
    run = ChunkRun(
        lattice, make_sampler(spec.spec), spec, 0, out, source=None, acceptance_band=(0.0, 1.0), advance=stop
    )
    with pytest.raises(TryAgain, match=f"trajectory {STOPPED_AFTER} of"):
        run.run()
    assert not out.exists()
    generate(gaugeflow, path, out)
    assert out.read_bytes() == whole.read_bytes()


def test_files_of_a_float32_chain_hold_its_numbers_and_pass_every_check(gaugeflow, single):
    folder, spec, chunk = single
    links = datasets(chunk)["links"].view(np.float64)
    assert np.array_equal(links, links.astype(np.float32))
    double = generate(gaugeflow, write_small_spec(gaugeflow, folder / "double", start="mixed"), folder / "double.h5")
    other = datasets(double)["links"].view(np.float64)
    assert not np.array_equal(other, other.astype(np.float32))
    assert read_spec(spec).spec.seed != read_spec(folder / "double" / "spec.json").spec.seed
    done = gaugeflow("check", chunk, double)
    assert done.returncode == 0, done.stdout


def test_a_flow_is_float64_unless_its_settings_say_float32(gaugeflow, single, tmp_path):
    _, _, chunk = single
    energies = {}
    for precision in ("float64", "float32"):
        study = write_small_study(tmp_path / precision)
        text = (study / "study.yaml").read_text().replace("flow:", f"flow:\n      precision: {precision}")
        (study / "study.yaml").write_text(text)
        done = gaugeflow("flow", chunk, "--study", study, "--out", tmp_path / f"{precision}.h5")
        assert done.returncode == 0, done.stderr
        energies[precision] = datasets(tmp_path / f"{precision}.h5")["energy_clover"]
    default = gaugeflow("flow", chunk, "--study", write_small_study(tmp_path / "s"), "--out", tmp_path / "default.h5")
    assert default.returncode == 0, default.stderr
    assert (tmp_path / "default.h5").read_bytes() == (tmp_path / "float64.h5").read_bytes()
    difference = abs(energies["float32"] - energies["float64"]).max()
    assert 1e-9 < difference < 1e-5 * abs(energies["float64"]).max()


def test_a_float64_chain_continues_from_float32_links_put_back_on_the_group(gaugeflow, single, tmp_path):
    folder, _, chunk = single
    with open_file(chunk, "configurations") as file:
        start, links = {"file": "0000.h5", "content_sha256": file.content_sha256}, file.links(file.n - 1)
    study = write_small_study(tmp_path, start=start, thermalisation=0, save_every=1)
    done = gaugeflow("spec", study, "--ensemble", "e", "--out", tmp_path / "next.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    out = generate(gaugeflow, tmp_path / "next.json", tmp_path / "next.h5", cwd=folder)
    assert datasets(out)["history/unitarity_defect"].max() < UNITARITY_LIMIT["float64"]
    lattice = make_lattice(read_spec(tmp_path / "next.json").spec, Serial())
    assert lattice.reunitarise(lattice.scatter(links)).max() > UNITARITY_LIMIT["float64"]


def test_the_oracle_refuses_float32(gaugeflow, single, tmp_path):
    _, spec, _ = single
    done = gaugeflow("generate", spec, "--chunk", 0, "--device", "oracle", "--out", tmp_path / "0000.h5")
    assert done.returncode == 2
    assert "device oracle: got precision float32, wanted float64" in done.stderr
    assert os.listdir(tmp_path) == []
