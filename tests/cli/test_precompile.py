"""`gaugeflow precompile`: afterwards the commands of a study compile nothing, and start quickly."""

import resource
import sys

import pytest
from house import run, study_content, write_study

from gaugeflow.config.load import load_study
from gaugeflow.kernels.cache_folder import kernel_files

ENSEMBLE = {
    "label": "e",
    "group": "SU3",
    "extents": [[8, 8, 8, 8]],  # beyond the second-level cache: plans with prefetch are made
    "beta": 6.0,
    "chains": 1,
    "thermalisation": 0,
    "save_every": 1,
    "configs_per_chunk": 2,
}
FLOW = {"times": [0.05], "step": 0.05}

COLD_SECONDS, WARM_SECONDS, HELP_SECONDS = 30.0, 1.5, 0.3
"""Goals in CPU time: everything that SU(3) in 4D needs; a process whose first kernel is in the cache; --help."""

FIRST_KERNEL = """
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.rng import Purpose
PackedLattice("SU3", (4, 4, 4, 4), 1).hot(1, Purpose.START)
"""


def cpu_seconds(*words, **environment) -> float:
    """CPU time of a program that succeeds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run(*words, **environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """(study, its cache, what precompile said)."""
    folder = tmp_path_factory.mktemp("precompile")
    changes = {f"ensembles.0.{key}": value for key, value in ENSEMBLE.items()}
    write_study(folder / "s", study_content(**changes, flow=FLOW))
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = run("gaugeflow", "precompile", folder / "s", GAUGEFLOW_CACHE_DIR=str(folder / "cache"))
    done.seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    assert done.returncode == 0, done.stderr
    return folder / "s", folder / "cache", done


def test_every_compiled_kernel_is_named_and_in_the_cache(study):
    _, cache, done = study
    compiled = {path.name.split("-")[0] for path in kernel_files(cache)}
    assert {"kick", "drift", "plaquette_sums", "clover_sums", "loop_sums", "misses", "pack_lanes"} <= compiled
    assert {line.split()[1] for line in done.stdout.splitlines()[:-1]} == compiled
    assert f"s: {len(compiled)} kernels compiled in" in done.stdout
    assert "compiled kick of su3_4d_w" in done.stderr
    assert done.seconds < COLD_SECONDS


def test_a_second_call_has_nothing_to_do(study):
    folder, cache, _ = study
    done = run("gaugeflow", "precompile", folder, GAUGEFLOW_CACHE_DIR=str(cache))
    assert done.stdout.startswith("s: nothing to compile")


@pytest.mark.parametrize("ranks", [1, pytest.param(2, marks=pytest.mark.mpi)])
def test_after_precompile_generate_measure_and_flow_compile_nothing(study, tmp_path, ranks):
    folder, cache, _ = study
    before = set(kernel_files(cache))
    spec, chunk = tmp_path / "spec.json", tmp_path / "0000.h5"
    launcher = ["mpiexec", "-n", str(ranks)] if ranks > 1 else []
    tail = ["--ranks", str(ranks)]
    lines = [
        ["gaugeflow", "spec", folder, "--ensemble", "e", "--out", spec],
        [*launcher, "gaugeflow", "generate", spec, "--chunk", "0", "--out", chunk, *tail],
        [*launcher, "gaugeflow", "measure", chunk, "--study", folder, "--out", tmp_path / "m.h5", *tail],
        [*launcher, "gaugeflow", "flow", chunk, "--study", folder, "--out", tmp_path / "f.h5", *tail],
    ]
    for line in lines:
        done = run(*line, GAUGEFLOW_CACHE_DIR=str(cache))
        assert done.returncode == 0, done.stderr
    assert set(kernel_files(cache)) == before


def test_warm_starts_are_quick(study):
    _, cache, _ = study
    first = [cpu_seconds(sys.executable, "-c", FIRST_KERNEL, GAUGEFLOW_CACHE_DIR=str(cache)) for _ in range(3)]
    assert min(first) < WARM_SECONDS
    assert min(cpu_seconds("gaugeflow", "--help") for _ in range(3)) < HELP_SECONDS


def test_ensembles_that_share_kernels_are_compiled_once():
    from gaugeflow.cli.precompile import stand_in

    ensembles = load_study("u1_2d", "full").ensembles
    assert len(ensembles) > 1
    assert len({stand_in(ensemble.spec) for ensemble in ensembles}) == 1


def test_another_device_is_refused(tmp_path):
    done = run("gaugeflow", "precompile", "u1_2d", "--device", "oracle")
    assert done.returncode == 2
    assert "--device: got 'oracle', wanted cpu" in done.stderr


def test_tiles_of_lattices_beyond_the_cache_are_timed_ahead(monkeypatch):
    from gaugeflow.cli.precompile import time_tiles
    from gaugeflow.kernels import tuning

    asked = []
    monkeypatch.setattr(tuning, "choose_pace", lambda kernels, ndim, sites: asked.append((kernels.group, ndim, sites)))
    time_tiles(load_study("u1_2d", "full"))
    assert asked == [("U1", 2, 64), ("U1", 2, 256)]
