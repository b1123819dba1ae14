"""A chain is a function of (spec, seed): of no grid, no number of ranks or threads, and no length of its files."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from house import run
from production.small import datasets, ensemble_id, generate, write_small_spec, write_small_study

MANY = Path(__file__).with_name("many.py")

GRIDS = {
    1: [None],
    2: [None, "2,1,1", "1,2,1", "1,1,2"],
    3: [None, "3,1,1", "1,3,1"],
    4: [None, "2,2,1", "2,1,2", "1,2,2", "1,1,4"],
}
"""Process grids (chains, t, x) of a study with 6 chains of extents (4, 6); None is the automatic one."""


@pytest.fixture(scope="module")
def reference(gaugeflow, tmp_path_factory):
    """Folder with study, spec and the files of chunk 0: configurations, measurements and flow on one rank."""
    folder = tmp_path_factory.mktemp("reference")
    write_small_spec(gaugeflow, folder, extents=[[4, 6]], chains=6, start="mixed")
    for command in commands(folder, folder, "reference"):
        done = gaugeflow(*command)
        assert done.returncode == 0, done.stderr
    return folder


def commands(reference, folder, name, *options):
    """generate, measure and flow of the reference study into `folder`; the series are made from the reference chunk."""
    chunk = reference / "reference.generate"
    return [
        ["generate", str(reference / "spec.json"), "--chunk", "0", *options, "--out", str(folder / f"{name}.generate")],
        *(
            [stage, str(chunk), "--study", str(reference), *options, "--out", str(folder / f"{name}.{stage}")]
            for stage in ("measure", "flow")
        ),
    ]


def assert_equal_bytes(reference, folder, name):
    for stage in ("generate", "measure", "flow"):
        assert (folder / f"{name}.{stage}").read_bytes() == (reference / f"reference.{stage}").read_bytes(), stage


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", GRIDS)
def test_files_are_the_same_on_every_number_of_ranks_and_every_grid(reference, tmp_path, ranks):
    lines = []
    for i, grid in enumerate(GRIDS[ranks]):
        options = ["--ranks", str(ranks), *(["--grid", grid] if grid else [])]
        lines += commands(reference, tmp_path, str(i), *options)
    done = run("mpiexec", "-n", str(ranks), sys.executable, MANY, json.dumps(lines))
    assert done.returncode == 0, done.stderr
    for i in range(len(GRIDS[ranks])):
        assert_equal_bytes(reference, tmp_path, str(i))


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core")
def test_files_are_the_same_with_two_threads(gaugeflow, reference, tmp_path):
    for command in commands(reference, tmp_path, "threads", "--threads", "2"):
        done = gaugeflow(*command)
        assert done.returncode == 0, done.stderr
    assert_equal_bytes(reference, tmp_path, "threads")


def test_more_chunks_leave_the_first_untouched(gaugeflow, tmp_path):
    specs = [write_small_spec(gaugeflow, tmp_path / str(n), chunks=n) for n in (1, 2)]
    assert specs[0].read_bytes() == specs[1].read_bytes()
    first = generate(gaugeflow, specs[0], tmp_path / "0000.h5")
    before = first.read_bytes()
    second = generate(gaugeflow, specs[1], tmp_path / "0001.h5", "--previous", first, chunk=1)
    again = gaugeflow("generate", specs[1], "--chunk", 0, "--out", first)
    assert again.returncode == 0
    assert "already complete" in again.stdout
    assert first.read_bytes() == before
    assert datasets(second)["trajectory"][0] == datasets(first)["trajectory"][-1] + 2


def test_the_length_of_chunks_does_not_move_the_chain(gaugeflow, tmp_path):
    short = write_small_spec(gaugeflow, tmp_path / "short", configs_per_chunk=2)
    long = write_small_spec(gaugeflow, tmp_path / "long", configs_per_chunk=4)
    assert ensemble_id(short) != ensemble_id(long)
    whole = datasets(generate(gaugeflow, long, tmp_path / "whole.h5"))
    first = generate(gaugeflow, short, tmp_path / "0000.h5")
    second = generate(gaugeflow, short, tmp_path / "0001.h5", "--previous", first, chunk=1)
    parts = datasets(first), datasets(second)
    for name in ("links", "trajectory", "plaquette", "history/delta_h", "history/accepted", "history/plaquette"):
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), whole[name], strict=True)


def test_two_studies_with_the_same_physics_share_files(gaugeflow, tmp_path):
    one = write_small_spec(gaugeflow, tmp_path / "one")
    other = write_small_study(tmp_path / "other", chunks=7, ranks=2, acceptance_band=[0.1, 0.9], label="another")
    done = gaugeflow("spec", other, "--ensemble", ensemble_id(one), "--out", tmp_path / "spec.json")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "spec.json").read_bytes() == one.read_bytes()
    chunk = generate(gaugeflow, one, tmp_path / "0000.h5")
    assert "already complete" in gaugeflow("generate", tmp_path / "spec.json", "--chunk", 0, "--out", chunk).stdout


def test_another_seed_is_another_chain(gaugeflow, tmp_path):
    chunks = [
        generate(gaugeflow, write_small_spec(gaugeflow, tmp_path / str(seed), seed=seed), tmp_path / f"{seed}.h5")
        for seed in (1, 2)
    ]
    assert not np.array_equal(*(datasets(chunk)["links"] for chunk in chunks))
