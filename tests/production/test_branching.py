"""Laws of growing chains: a branch starts where it says, with random numbers of its own; a longer chain goes on."""

import re

import h5py
import numpy as np
import pytest
import yaml
from house import study_content, write_study
from production.small import datasets, ensemble_id, generate, write_small_spec

from gaugeflow.assembly import make_lattice, make_sampler
from gaugeflow.config.ensemble import EnsembleSpec
from gaugeflow.config.ensemble import ensemble_id as identity
from gaugeflow.config.spec_file import read_spec
from gaugeflow.ensembles.reader import open_file
from gaugeflow.lattice.communicator import Serial

SEED = 7
"""Seed of the old chain, as house.SCALE has it."""


@pytest.fixture(scope="module")
def old(gaugeflow, tmp_path_factory):
    """Folder with spec.json and a finished chunk configs/0000.h5 of five configurations."""
    folder = tmp_path_factory.mktemp("old")
    spec = write_small_spec(gaugeflow, folder)
    generate(gaugeflow, spec, folder / "configs" / "0000.h5")
    return folder


def branched(gaugeflow, old, *words):
    return gaugeflow("branch", "configs/0000.h5", *words, cwd=old)


def spec_of_entry(gaugeflow, old, folder, text):
    """spec.json of a study whose only ensemble is the printed entry."""
    content = study_content()
    for scale in content["scales"].values():
        scale["ensembles"] = yaml.safe_load(text)
    label = f"b1.0_4x4_seed{content['scales']['full']['ensembles'][0]['seed']}"
    write_study(folder, content)
    done = gaugeflow("spec", folder, "--ensemble", label, "--out", folder / "spec.json", cwd=old)
    assert done.returncode == 0, done.stderr
    return folder / "spec.json"


@pytest.mark.parametrize("configuration", [2, None])
def test_a_branch_starts_from_the_named_configuration_with_random_numbers_of_its_own(
    gaugeflow, old, tmp_path, configuration
):
    words = () if configuration is None else ("--config", configuration)
    done = branched(gaugeflow, old, "--seed", 11, "--thermalisation", 0, *words)
    assert done.returncode == 0, done.stderr
    path = spec_of_entry(gaugeflow, old, tmp_path / "new", done.stdout)
    spec = read_spec(path)
    assert f"this is ensemble {spec.ensemble_id}" in done.stdout
    assert spec.spec.seed != read_spec(old / "spec.json").spec.seed
    out = generate(gaugeflow, path, tmp_path / "0000.h5", cwd=old)
    with open_file(old / "configs" / "0000.h5") as file:
        number = file.n - 1 if configuration is None else configuration
        links, content = file.links(number), file.content_sha256
    lattice = make_lattice(spec.spec, Serial())
    expected, momenta = lattice.scatter(links), lattice.new_momenta()
    for trajectory in range(spec.spec.save_every):
        expected, _ = make_sampler(spec.spec).step(lattice, expected, momenta, trajectory)
    with open_file(out, "configurations") as file:
        np.testing.assert_array_equal(file.links(0), lattice.gather(expected), strict=True)
        assert file.provenance["inputs"] == {"start": content}
        assert file.spec["spec"]["start"].get("configuration") == configuration


def test_branches_from_two_configurations_are_two_ensembles(gaugeflow, old, tmp_path):
    texts = [branched(gaugeflow, old, "--seed", 11, "--config", i).stdout for i in (1, 2)]
    specs = [spec_of_entry(gaugeflow, old, tmp_path / str(i), text) for i, text in enumerate(texts)]
    assert ensemble_id(specs[0]) != ensemble_id(specs[1])


def test_a_start_without_a_number_keeps_its_identity():
    """The id that a spec with a file start had before configurations could be named."""
    start = {"file": "a/0000.h5", "content_sha256": "ab" * 32}
    request = {"version": 1, "group": "U1", "extents": (4, 4), "action": {"kind": "wilson", "beta": 1.0}}
    request |= {"sampler": {"kind": "hmc", "integrator": "omf2", "tau": 1.0, "n_steps": 4}, "chains": 2, "seed": 1}
    request |= {"start": start, "thermalisation": 3, "save_every": 1, "configs_per_chunk": 2}
    assert identity(EnsembleSpec.model_validate(request)) == "u1_2d_b1.0_4x4-94e55dd793"
    numbered = {**request, "start": {**start, "configuration": 1}}
    assert identity(EnsembleSpec.model_validate(numbered)) != "u1_2d_b1.0_4x4-94e55dd793"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--seed", SEED), 2, "the seed of the old chain"),
        (("--seed", 8, "--config", 5), 3, "entry 5 of links was asked for, there are 5"),
        (("--seed", 8, "--config", -1), 2, "configuration"),
        (("--seed", 8, "--label", "a b"), 2, "label"),
    ],
)
def test_a_branch_that_cannot_be_is_refused(gaugeflow, old, words, code, message):
    done = branched(gaugeflow, old, *words)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert done.stdout == ""


def test_a_configuration_that_is_not_in_the_start_file_is_refused_before_the_spec_is_written(gaugeflow, old, tmp_path):
    text = branched(gaugeflow, old, "--seed", 8, "--config", 4).stdout
    content = study_content()
    for scale in content["scales"].values():
        scale["ensembles"] = yaml.safe_load(text.replace("configuration: 4", "configuration: 9"))
    write_study(tmp_path / "s", content)
    done = gaugeflow("spec", tmp_path / "s", "--ensemble", "b1.0_4x4_seed8", "--out", tmp_path / "x", cwd=old)
    assert done.returncode == 3
    assert "entry 9 of links was asked for" in done.stderr
    assert not (tmp_path / "x").exists()


def test_an_extended_chain_is_the_chain_that_was_long_from_the_start(gaugeflow, tmp_path):
    """Two chunks of five equal one chunk of ten: the seam leaves no trace in links, histories and numbers."""
    short = write_small_spec(gaugeflow, tmp_path / "short")
    long = write_small_spec(gaugeflow, tmp_path / "long", configs_per_chunk=10)
    first = generate(gaugeflow, short, tmp_path / "0000.h5")
    before = first.read_bytes()
    second = generate(gaugeflow, short, tmp_path / "0001.h5", "--previous", first, chunk=1)
    assert first.read_bytes() == before
    whole, parts = datasets(generate(gaugeflow, long, tmp_path / "whole.h5")), [datasets(first), datasets(second)]
    for name in ("links", "trajectory", "plaquette", "history/trajectory", "history/delta_h", "history/accepted"):
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), whole[name], strict=True)


@pytest.mark.parametrize("number", [2, 10_000])
def test_a_chunk_beyond_the_next_one_is_refused(gaugeflow, old, tmp_path, number):
    previous = old / "configs" / "0000.h5"
    words = ("--previous", previous, "--out", tmp_path / "new" / "0002.h5")
    done = gaugeflow("generate", old / "spec.json", "--chunk", number, *words)
    assert done.returncode == 3
    assert re.search(rf"got chunk 0 of \S+, wanted chunk {number - 1} of", done.stderr)
    assert not (tmp_path / "new").exists()


def test_an_archived_chunk_is_complete_but_cannot_be_continued(gaugeflow, tmp_path):
    spec = write_small_spec(gaugeflow, tmp_path)
    first = generate(gaugeflow, spec, tmp_path / "e" / "configs" / "0000.h5")
    study = tmp_path / "study.yaml"
    done = gaugeflow("measure", first, "--study", study, "--out", tmp_path / "e" / "measure_00000000" / "0000.h5")
    assert done.returncode == 0, done.stderr
    done = gaugeflow("archive", first, "--to", tmp_path / "far", "--final")
    assert done.returncode == 0, done.stderr
    done = gaugeflow("generate", spec, "--chunk", 0, "--out", first)
    assert (done.returncode, "already complete" in done.stdout) == (0, True)
    line = ("generate", spec, "--chunk", 1, "--previous", first, "--out", first.with_name("0001.h5"))
    done = gaugeflow(*line)
    assert done.returncode == 3
    assert "gaugeflow archive --restore brings them back" in done.stderr
    assert gaugeflow("branch", first, "--seed", 9).returncode == 3
    assert gaugeflow("archive", first, "--restore").returncode == 0
    assert gaugeflow(*line).returncode == 0
    with h5py.File(first.with_name("0001.h5")) as file:
        assert file["history/trajectory"][0] == 14
