"""Chains of samplers without an integrator: the same on every grid, resumed, judged and reported as what they are."""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from house import REPOSITORY, run, study_content, write_study
from production.small import datasets, generate, write_small_spec, write_small_study

from gaugeflow.assembly import make_lattice, make_sampler
from gaugeflow.config.spec_file import read_spec
from gaugeflow.ensembles.production import ChunkRun
from gaugeflow.errors import TryAgain
from gaugeflow.lattice.communicator import Serial
from gaugeflow.report.chain_figures import delta_h_figure

MANY = Path(__file__).with_name("many.py")
SAMPLERS = {
    "langevin": {"kind": "langevin", "step": 0.05},
    "mala": {"kind": "mala", "step": 0.1},
    "force_gradient": {"kind": "hmc", "integrator": "force_gradient", "tau": 1.0, "n_steps": 2},
}


@pytest.fixture(scope="module")
def chains(gaugeflow, tmp_path_factory):
    """Name -> (spec, finished chunk) of small chains of 6 x 4 sites and 4 copies."""
    changes, made = {"extents": [[6, 4]], "chains": 4, "start": "hot", "thermalisation": 6}, {}
    for name, sampler in SAMPLERS.items():
        folder = tmp_path_factory.mktemp(name)
        spec = write_small_spec(gaugeflow, folder, sampler=sampler, **changes)
        made[name] = spec, generate(gaugeflow, spec, folder / "whole.h5")
    return made


@pytest.mark.mpi
def test_chains_are_the_same_on_two_ranks(chains, tmp_path):
    wanted, lines = {}, []
    for name, (spec, whole) in chains.items():
        for grid in ("2,1,1", "1,2,1"):
            out = tmp_path / f"{name}_{grid}.h5"
            wanted[out] = whole
            lines.append(["generate", str(spec), "--chunk", "0", "--ranks", "2", "--grid", grid, "--out", str(out)])
    done = run("mpiexec", "-n", "2", sys.executable, MANY, json.dumps(lines))
    assert done.returncode == 0, done.stderr
    for out, whole in wanted.items():
        assert out.read_bytes() == whole.read_bytes(), out


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_resumed_chain_equals_the_uninterrupted_one(gaugeflow, chains, name, tmp_path):
    path, whole = chains[name]
    spec, out = read_spec(path), tmp_path / "0000.h5"

    def stop(done):
        if done == 8:
            os.kill(os.getpid(), signal.SIGTERM)

    options = {"source": None, "acceptance_band": (0.0, 1.0), "advance": stop}
    chunk = ChunkRun(make_lattice(spec.spec, Serial()), make_sampler(spec.spec), spec, 0, out, **options)
    with pytest.raises(TryAgain, match="trajectory 8 of"):
        chunk.run()
    generate(gaugeflow, path, out)
    assert out.read_bytes() == whole.read_bytes()


def test_the_history_says_whether_something_was_rejected(gaugeflow, chains):
    history = {name: datasets(whole) for name, (_, whole) in chains.items()}
    assert (history["langevin"]["history/delta_h"] == 0).all()
    assert (history["langevin"]["history/accepted"] == 1).all()
    assert (history["mala"]["history/delta_h"] != 0).all()
    assert 0 < history["mala"]["history/accepted"].mean() < 1
    assert gaugeflow("check", *(whole for _, whole in chains.values())).returncode == 0


@pytest.mark.parametrize("name", ["langevin", "mala"])
def test_the_acceptance_band_binds_samplers_that_reject_only(gaugeflow, tmp_path, name):
    spec = write_small_spec(gaugeflow, tmp_path, sampler=SAMPLERS[name], configs_per_chunk=30)
    line = ("--quiet", "generate", spec, "--chunk", 0, "--acceptance-band", "0,0.001", "--out", tmp_path / "0000.h5")
    done = gaugeflow(*line)
    assert done.returncode == (4 if name == "mala" else 0), done.stderr
    if name == "mala":
        assert "outside [0.0, 0.001]; use larger steps" in done.stderr


def test_links_that_are_not_finite_stop_a_chain_that_rejects_nothing(gaugeflow, tmp_path):
    spec = write_small_spec(gaugeflow, tmp_path, sampler={"kind": "langevin", "step": 1e300})
    done = gaugeflow("--quiet", "generate", spec, "--chunk", 0, "--out", tmp_path / "0000.h5")
    assert done.returncode == 4
    assert "trajectory 0: dH or plaquette" in done.stderr
    assert "is not finite" in done.stderr


def test_only_a_number_of_steps_can_be_tuned(gaugeflow, tmp_path):
    write_small_study(tmp_path, sampler=SAMPLERS["langevin"])
    done = gaugeflow("--quiet", "tune", tmp_path, "--ensemble", "e", "--out", tmp_path / "tuning.json")
    assert done.returncode == 2
    assert done.stderr.strip().endswith("e: sampler is Langevin, step 0.05: nothing to tune")


def test_a_study_of_several_samplers_ends_in_a_report(gaugeflow, tmp_path):
    """Estimates, diagnostics and page of a chain that rejects nothing beside one that does."""
    content = study_content(**{"ensembles.0.beta": 1.0, "ensembles.0.extents": [4, 4], "ensembles.0.chunks": 1})
    for scale in content["scales"].values():
        first = scale["ensembles"][0]
        first |= {"label": "langevin", "sampler": SAMPLERS["langevin"], "acceptance_band": [0.0, 1.0]}
        scale["ensembles"].append({**first, "label": "mala", "sampler": SAMPLERS["mala"]})
        scale["flow"] = None
    study = write_study(tmp_path / "several", content)
    shutil.copy(REPOSITORY / "workflow/studies/_template/analysis.py", study)
    for name in ("reference.csv", "reference_tiny.csv"):
        (study / name).write_text("name,value,error,max_error,kind,source\n")
    files = []
    for label in ("langevin", "mala"):
        spec = tmp_path / f"{label}.json"
        assert gaugeflow("spec", study, "--ensemble", label, "--out", spec).returncode == 0
        chunk = generate(gaugeflow, spec, tmp_path / f"{label}.h5")
        series = tmp_path / f"{label}.measure.h5"
        assert gaugeflow("measure", chunk, "--study", study, "--out", series).returncode == 0
        files += [chunk, series]
    results = tmp_path / "results.json"
    done = gaugeflow("analyse", study, *files, "--scale", "full", "--out", results)
    assert done.returncode == 0, done.stderr
    made = json.loads(results.read_text())
    names = {name for name in made["estimates"] if name.split("/")[1] in ("exp(-dH)", "acceptance")}
    assert names == {"mala/exp(-dH)", "mala/acceptance"}
    assert [entry["acceptance"] is None for entry in made["ensembles"]] == [True, False]
    assert [label for label, part in made["diagnostics"].items() if "delta_h" in part] == ["mala"]
    page = tmp_path / "report.html"
    done = gaugeflow("report", results, "--study", study, "--out", page)
    assert done.returncode == 0, done.stderr
    assert "Langevin, ε = 0.05" in page.read_text().replace("\u00a0", " ")
    assert (tmp_path / "figures" / "several" / "delta_h.svg").exists()
    alone = {**made, "diagnostics": {"langevin": made["diagnostics"]["langevin"]}}
    assert delta_h_figure(alone) is None
    assert np.isfinite(made["estimates"]["langevin/plaquette"]["error"])
