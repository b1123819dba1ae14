"""Where chains begin, and that finding their step size leaves no trace in them."""

import json

import numpy as np
import pytest
from production.small import datasets, ensemble_id, generate, write_small_spec, write_small_study

from gaugeflow.assembly import make_lattice, make_sampler
from gaugeflow.config.spec_file import read_spec
from gaugeflow.ensembles.reader import open_file
from gaugeflow.lattice.communicator import Serial
from gaugeflow.rng import Purpose, Stream
from gaugeflow.samplers import hmc
from gaugeflow.samplers.start import start_links
from gaugeflow.samplers.tuning import tune_steps

SAMPLER = {"kind": "hmc", "integrator": "omf2", "tau": 1.0}


def test_mixed_starts_are_cold_and_hot_chains_side_by_side(gaugeflow, tmp_path):
    links = {
        start: datasets(
            generate(
                gaugeflow,
                write_small_spec(gaugeflow, tmp_path / start, start=start, thermalisation=0),
                tmp_path / f"{start}.h5",
            )
        )["links"]
        for start in ("cold", "hot", "mixed")
    }
    np.testing.assert_array_equal(links["mixed"][:, ::2], links["cold"][:, ::2], strict=True)
    np.testing.assert_array_equal(links["mixed"][:, 1::2], links["hot"][:, 1::2], strict=True)
    assert not np.array_equal(links["cold"], links["hot"])


@pytest.fixture
def start_file(gaugeflow, tmp_path):
    """(path, content hash, last links) of a chunk at another coupling and with another seed."""
    path = generate(gaugeflow, write_small_spec(gaugeflow, tmp_path / "first", beta=2.0, seed=3), tmp_path / "first.h5")
    with open_file(path, "configurations") as file:
        return path, file.content_sha256, file.links(file.n - 1)


def test_a_file_start_continues_from_the_last_links_of_the_file(gaugeflow, tmp_path, start_file):
    _, content, links = start_file
    start = {"file": "first.h5", "content_sha256": content}
    study = write_small_study(tmp_path / "next", start=start, thermalisation=0, save_every=1)
    done = gaugeflow("spec", study, "--ensemble", "e", "--out", "next.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    out = generate(gaugeflow, "next.json", tmp_path / "next.h5", cwd=tmp_path)
    spec = read_spec(tmp_path / "next.json").spec
    lattice = make_lattice(spec, Serial())
    expected, _ = make_sampler(spec).step(lattice, lattice.scatter(links), lattice.new_momenta(), 0)
    with open_file(out, "configurations") as file:
        np.testing.assert_array_equal(file.links(0), lattice.gather(expected), strict=True)
        assert file.provenance["inputs"] == {"start": content}


@pytest.mark.parametrize("fault", ["hash", "shape", "missing"])
def test_a_file_start_that_is_not_the_named_one_is_refused(gaugeflow, tmp_path, start_file, fault):
    path, content, _ = start_file
    start = {"file": "first.h5", "content_sha256": content}
    study = write_small_study(tmp_path / "next", start=start, extents=[[4, 4 if fault != "shape" else 6]])
    done = gaugeflow("spec", study, "--ensemble", "e", "--out", "next.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    if fault == "hash":
        generate(gaugeflow, write_small_spec(gaugeflow, tmp_path / "other", seed=4), tmp_path / "other.h5")
        (tmp_path / "other.h5").replace(path)
    if fault == "missing":
        path.unlink()
    done = gaugeflow("--quiet", "generate", "next.json", "--chunk", 0, "--out", "new/0000.h5", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert done.stderr.startswith("gaugeflow: error: first.h5: ")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "new").exists()
    again = gaugeflow("--quiet", "spec", study, "--ensemble", "e", "--out", "again.json", cwd=tmp_path)
    assert again.returncode == (0 if fault == "shape" else 3)


def tuned(gaugeflow, folder, pilot_trajectories):
    """(content of tuning.json, spec, links) of an ensemble that asks for 80 % acceptance."""
    request = {"target_acceptance": 0.8, "pilot_trajectories": pilot_trajectories}
    study = write_small_study(folder, sampler={**SAMPLER, "n_steps": request}, beta=3.0, extents=[[8, 8]])
    for words in (("tune", study), ("spec", study, "--tuning", folder / "tuning.json")):
        out = folder / ("tuning.json" if words[0] == "tune" else "spec.json")
        done = gaugeflow(*words, "--ensemble", "e", "--out", out)
        assert done.returncode == 0, done.stderr
    out = generate(gaugeflow, folder / "spec.json", folder / "0000.h5")
    return json.loads((folder / "tuning.json").read_text()), folder / "spec.json", datasets(out)["links"]


def test_a_tuned_chain_is_the_chain_of_the_same_steps_given_by_hand(gaugeflow, tmp_path):
    tuning, spec, links = tuned(gaugeflow, tmp_path / "tuned", 20)
    sampler = {**SAMPLER, "n_steps": tuning["n_steps"]}
    by_hand = write_small_spec(gaugeflow, tmp_path / "hand", sampler=sampler, beta=3.0, extents=[[8, 8]])
    out = generate(gaugeflow, by_hand, tmp_path / "hand.h5")
    assert ensemble_id(by_hand) != ensemble_id(spec)
    np.testing.assert_array_equal(datasets(out)["links"], links, strict=True)


def test_a_longer_pilot_with_the_same_result_gives_the_same_chain(gaugeflow, tmp_path):
    short, _, links = tuned(gaugeflow, tmp_path / "short", 20)
    long, _, same = tuned(gaugeflow, tmp_path / "long", 60)
    assert short["n_steps"] == long["n_steps"] > 1
    assert short["rounds"] != long["rounds"]
    np.testing.assert_array_equal(same, links, strict=True)
    assert gaugeflow("tune", tmp_path / "short", "--ensemble", "e", "--out", tmp_path / "again.json").returncode == 0
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "short" / "tuning.json").read_bytes()


def test_pilot_and_production_share_no_random_stream(gaugeflow, tmp_path, monkeypatch):
    spec = read_spec(write_small_spec(gaugeflow, tmp_path)).spec
    lattice, sampler, used = make_lattice(spec, Serial()), make_sampler(spec), set()
    for name in ("hot", "refresh"):
        original = getattr(lattice, name)
        monkeypatch.setattr(
            lattice, name, lambda *words, original=original: (used.update(purposes(words)), original(*words))[1]
        )
    monkeypatch.setattr(hmc, "Stream", lambda seed, purpose: (used.add(purpose), Stream(seed, purpose))[1])
    tune_steps(lattice, sampler, "hot", 0.8, 2, 10)
    pilot = used.copy()
    used.clear()
    sampler.step(lattice, start_links(lattice, "hot", spec.seed), lattice.new_momenta(), 0)
    assert len(pilot) == len(used) == 3
    assert not pilot & used


def purposes(words) -> set[Purpose]:
    """The purposes among the arguments of a call."""
    return {word for word in words if isinstance(word, Purpose)}
