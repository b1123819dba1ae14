"""The real generation, killed anywhere, loses nothing that was saved and ends in the bytes of an uninterrupted run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from house import run
from production.small import generate, write_small_spec

HERE = Path(__file__).parent
SEED = "1"
EXACT = {"write", "fsync", "rename", "close", "remove"}


@pytest.fixture(scope="module")
def uninterrupted(gaugeflow, tmp_path_factory):
    """(spec, finished chunk) of an SU(2) chain of 64 trajectories that was left in peace."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    spec = write_small_spec(gaugeflow, folder, group="SU2", extents=[[4, 3]], chains=2, configs_per_chunk=30)
    return spec, generate(gaugeflow, spec, folder / "configs" / "0000.h5")


@pytest.mark.parametrize("saving", [(), ("asynchronous",)], ids=["at once", "beside computing"])
def test_generation_killed_more_than_twenty_times_equals_the_uninterrupted_one(uninterrupted, tmp_path, saving):
    spec, whole = uninterrupted
    killed = tmp_path / "killed" / "0000.h5"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    driver = [sys.executable, str(HERE / "kill_generate.py"), str(spec), str(killed), SEED, *saving]
    done = subprocess.run(driver, capture_output=True, text=True, env=environment, timeout=200)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    places = [(place, moment) for place, moment, _ in outcome["kills"]]
    assert outcome["problems"] == []
    assert len(places) >= 20
    assert sum(place in EXACT for place, _ in places) >= 15
    assert {place for place, _ in places} >= EXACT
    assert whole.read_bytes() == killed.read_bytes()
    assert os.listdir(killed.parent) == ["0000.h5"]


@pytest.mark.mpi
@pytest.mark.parametrize(("rank", "place"), [(0, "write"), (1, "trajectory")])
def test_chain_with_one_killed_rank_continues_on_any_number_of_ranks(uninterrupted, tmp_path, rank, place):
    spec, whole = uninterrupted
    killed = tmp_path / "killed" / "0000.h5"
    line = ("generate", spec, "--chunk", "0", "--checkpoint-seconds", "0", "--ranks")
    done = run(
        "mpiexec", "-n", "2", sys.executable, HERE / "kill_rank.py", rank, place, *line, "2", "--out", killed,
        PYTHONPATH=os.pathsep.join(sys.path),
    )  # fmt: skip
    assert done.returncode != 0
    assert not killed.exists()
    assert (tmp_path / "killed" / "0000.h5.partial" / "state.h5").exists()
    shutil.copytree(killed.parent, tmp_path / "copy")
    resumed = run("mpiexec", "-n", "2", "gaugeflow", *line, "2", "--out", killed)
    assert resumed.returncode == 0, resumed.stderr
    assert "continuing chunk 0 after trajectory" in resumed.stderr
    alone = run("gaugeflow", *line, "1", "--out", tmp_path / "copy" / "0000.h5")
    assert alone.returncode == 0, alone.stderr
    assert "continuing chunk 0 after trajectory" in alone.stderr
    assert killed.read_bytes() == whole.read_bytes() == (tmp_path / "copy" / "0000.h5").read_bytes()
    assert os.listdir(killed.parent) == os.listdir(tmp_path / "copy") == ["0000.h5"]
