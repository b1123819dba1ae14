"""Configurations written by all ranks through MPI-IO hold the bits that rank 0 writes when it gathers them."""

import os
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
from house import REPOSITORY, run
from parallel_hdf5.environment import parallel_environment
from production.small import COMMIT, datasets, write_small_spec

HERE = Path(__file__).parent
KILL_RANK = REPOSITORY / "tests" / "production" / "kill_rank.py"
RANKS = 2
WAYS = {
    "gather": ("1,1,2", "gather"),
    "space": ("1,1,2", "parallel"),
    "chains": ("2,1,1", "parallel"),
}
"""Process grid (chains, t, x) of two ranks and way of writing; slabs hold two of the six chains, so that some slabs
belong to one rank and others to both."""

pytestmark = [pytest.mark.mpi, pytest.mark.slow]


@pytest.fixture(scope="module")
def parallel():
    """started(words, ok=): a Python program in a world of two ranks of the environment with parallel HDF5."""
    folder = parallel_environment()

    def started(*words, ok: bool = True):
        # Without the variables of the outer MPI and its library, which the program would load instead of its own.
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PMI", "MPI", "HYDRA"))}
        environment |= {**COMMIT, "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "src"), str(REPOSITORY / "tests")])}
        line = [folder / "run", "mpiexec", "-n", RANKS, "python", *words]
        done = subprocess.run(list(map(str, line)), capture_output=True, text=True, env=environment, timeout=300)
        assert (done.returncode == 0) == ok, done.stderr
        return done

    return started


def command(spec: Path, out: Path, grid: str, mode: str, seconds: int = 30) -> list:
    return ["generate", spec, "--chunk", 0, "--checkpoint-seconds", seconds, "--ranks", RANKS, "--grid", grid,
            "--output-mode", mode, "--out", out]  # fmt: skip


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    """Spec of a chain of 28 trajectories."""

    def here(*words, cwd):
        return run("gaugeflow", *words, cwd=cwd)

    options = {"extents": [[32, 32]], "chains": 6, "start": "hot", "configs_per_chunk": 12}
    return write_small_spec(here, tmp_path_factory.mktemp("spec"), **options)


@pytest.fixture(scope="module")
def files(parallel, spec, tmp_path_factory):
    """File of every way."""
    folder = tmp_path_factory.mktemp("files")
    for name, (grid, mode) in WAYS.items():
        done = parallel(HERE / "small_pieces.py", *command(spec, folder / name, grid, mode))
        way = "written by all ranks together" if mode == "parallel" else "gathered and written by rank 0"
        assert done.stderr.count(f"configurations are {way} (as asked)") == 1, done.stderr
    assert sorted(os.listdir(folder)) == sorted(WAYS)
    return {name: folder / name for name in WAYS}


@pytest.mark.parametrize("name", ["space", "chains"])
def test_data_written_together_are_those_written_by_rank_0(files, name):
    gathered, together = files["gather"], files[name]
    wanted, found = datasets(gathered), datasets(together)
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_array_equal(found[name], values, strict=True)
    with h5py.File(gathered) as one, h5py.File(together) as other:
        assert one.attrs["content_sha256"] == other.attrs["content_sha256"]
        assert one["links"].chunks == other["links"].chunks
        assert one["links"].fletcher32 == other["links"].fletcher32


def test_a_chunk_written_together_and_killed_continues_either_way(parallel, spec, files, tmp_path):
    for mode in ("parallel", "gather"):
        out = tmp_path / mode / "0000.h5"
        parallel(KILL_RANK, 1, "trajectory", *command(spec, out, "2,1,1", "parallel", 0), ok=False)
        assert (out.parent / "0000.h5.partial" / "config_0000.h5").exists()
        done = parallel(HERE / "small_pieces.py", *command(spec, out, "1,1,2", mode))
        assert "continuing chunk 0 after trajectory" in done.stderr
        assert os.listdir(out.parent) == ["0000.h5"]
        with h5py.File(out) as found, h5py.File(files["gather"]) as wanted:
            assert found.attrs["content_sha256"] == wanted.attrs["content_sha256"]


def test_auto_writes_small_configurations_by_rank_0(parallel, spec, tmp_path):
    done = parallel(HERE / "small_pieces.py", *command(spec, tmp_path / "0000.h5", "1,1,2", "auto"))
    assert "gathered and written by rank 0 (h5py has MPI, a configuration has 196608 bytes" in done.stderr
