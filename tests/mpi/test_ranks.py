"""The same bits on 1, 2, 3 and 4 ranks and on every process grid: fields, HMC, flow, measurement."""

import json
import os
import shutil
from pathlib import Path

import pytest
from house import REPOSITORY, run

PROGRAM = Path(__file__).with_name("every_grid.py")
WORLDS = (2, 3, 4)


@pytest.fixture(scope="module")
def alone():
    done = run("python", PROGRAM, "1")
    assert done.returncode == 0, done.stderr
    return {name: next(iter(grids.values())) for name, grids in json.loads(done.stdout).items()}


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", WORLDS)
def test_every_process_grid_gives_the_bits_of_one_rank(ranks, alone):
    done = run("mpiexec", "-n", str(ranks), "python", PROGRAM, str(ranks))
    assert done.returncode == 0, done.stderr
    cuts = set()
    for name, grids in json.loads(done.stdout).items():
        for grid, result in grids.items():
            assert result == alone[name], (name, grid)
            parts = grid.split("x")
            cuts |= {(len(parts), axis) for axis, count in enumerate(parts) if count != "1"}
    if ranks == 2:  # every axis of every dimension was cut: chains, t, (z, (y,)) x
        assert cuts >= {(3, 0), (3, 1), (3, 2), (4, 1), (4, 2), (4, 3), (5, 0), (5, 1), (5, 2), (5, 3), (5, 4)}


@pytest.mark.mpi
@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
def test_ranks_on_the_cuda_source_give_the_bits_of_one_cpu_rank(alone, tmp_path):
    environment = {"PYTHONPATH": os.pathsep.join([str(REPOSITORY / "tests"), os.environ.get("PYTHONPATH", "")])}
    done = run("mpiexec", "-n", "2", "python", PROGRAM, "2", tmp_path, **environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == 4
    for name, grids in found.items():
        for grid, result in grids.items():
            assert result == alone[name], (name, grid)


@pytest.mark.mpi
@pytest.mark.parametrize(("started", "told"), [(2, 1), (2, 4), (1, 2)])
def test_a_world_of_another_size_than_asked_is_refused(started, told):
    line = ["python", "-c", f"from gaugeflow.lattice.communicator import world; world({told})"]
    done = run(*(["mpiexec", "-n", str(started)] if started > 1 else []), *line)
    assert done.returncode != 0
    assert f"asked for {told} ranks, this world has {started}" in done.stderr
