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

KILL_RANK = REPOSITORY / "tests" / "production" / "kill_rank.py"
MAIN = "from gaugeflow.cli.main import entry_point; entry_point()"
WAYS = [(2, "1,1,2", "gather"), (2, "1,1,2", "parallel"), (3, "1,3,1", "parallel"), (4, "2,1,2", "parallel")]
"""Ranks, process grid (chains, t, x) of 6 chains of extents (4, 6), and the way of writing."""

pytestmark = [pytest.mark.mpi, pytest.mark.slow]


@pytest.fixture(scope="module")
def parallel():
    """started(words, ranks=, ok=): a Python program in a world of the environment with parallel HDF5."""
    folder = parallel_environment()

    def started(*words, ranks: int, ok: bool = True):
        # Without the variables of the outer MPI and its library, which the program would load instead of its own.
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PMI", "MPI", "HYDRA"))}
        environment |= {**COMMIT, "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "src"), str(REPOSITORY / "tests")])}
        line = [folder / "run", "mpiexec", "-n", ranks, "python", *words]
        done = subprocess.run(list(map(str, line)), capture_output=True, text=True, env=environment, timeout=300)
        assert (done.returncode == 0) == ok, done.stderr
        return done

    return started


def command(spec: Path, out: Path, ranks: int, grid: str, mode: str) -> list:
    return ["generate", spec, "--chunk", 0, "--checkpoint-seconds", 0, "--ranks", ranks, "--grid", grid,
            "--output-mode", mode, "--out", out]  # fmt: skip


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    """Spec of a chain of 28 trajectories."""

    def here(*words, cwd):
        return run("gaugeflow", *words, cwd=cwd)

    options = {"extents": [[4, 6]], "chains": 6, "start": "hot", "configs_per_chunk": 12}
    return write_small_spec(here, tmp_path_factory.mktemp("spec"), **options)


@pytest.fixture(scope="module")
def files(parallel, spec, tmp_path_factory):
    """File of every way."""
    folder = tmp_path_factory.mktemp("files")
    out = {}
    for i, (ranks, grid, mode) in enumerate(WAYS):
        out[ranks, mode] = folder / f"{i}.h5"
        done = parallel("-c", MAIN, *command(spec, folder / f"{i}.h5", ranks, grid, mode), ranks=ranks)
        way = "written by all ranks together" if mode == "parallel" else "gathered and written by rank 0"
        assert done.stderr.count(f"configurations are {way} (as asked)") == 1, done.stderr
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in out.values())
    return out


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_data_written_together_are_those_written_by_rank_0(files, ranks):
    gathered, together = files[2, "gather"], files[ranks, "parallel"]
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
        words = command(spec, out, 2, "1,1,2", "parallel")
        parallel(KILL_RANK, 1, "trajectory", *words, ranks=2, ok=False)
        assert (out.parent / "0000.h5.partial" / "config_0000.h5").exists()
        done = parallel("-c", MAIN, *command(spec, out, 2, "1,1,2", mode), ranks=2)
        assert "continuing chunk 0 after trajectory" in done.stderr
        assert os.listdir(out.parent) == ["0000.h5"]
        with h5py.File(out) as found, h5py.File(files[2, "gather"]) as wanted:
            assert found.attrs["content_sha256"] == wanted.attrs["content_sha256"]


def test_auto_writes_small_configurations_by_rank_0(parallel, spec, tmp_path):
    done = parallel("-c", MAIN, *command(spec, tmp_path / "0000.h5", 2, "1,1,2", "auto"), ranks=2)
    assert "gathered and written by rank 0 (h5py has MPI, a configuration has 4608 bytes" in done.stderr
