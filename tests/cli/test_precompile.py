"""`gaugeflow precompile`: afterwards the commands of a study compile nothing."""

import pytest
from house import run, study_content, write_study

from gaugeflow.config.load import load_study
from gaugeflow.kernels.cache_folder import kernel_files

ENSEMBLE = {
    "label": "e",
    "extents": [[256, 256]],  # beyond the second-level cache: plans with prefetch are made
    "beta": 1.0,
    "chains": 1,
    "thermalisation": 0,
    "save_every": 1,
    "configs_per_chunk": 2,
}
FLOW = {"times": [0.05], "step": 0.05}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """(study, its cache, what precompile said)."""
    folder = tmp_path_factory.mktemp("precompile")
    changes = {f"ensembles.0.{key}": value for key, value in ENSEMBLE.items()}
    write_study(folder / "s", study_content(**changes, flow=FLOW))
    done = run("gaugeflow", "precompile", folder / "s", GAUGEFLOW_CACHE_DIR=str(folder / "cache"))
    assert done.returncode == 0, done.stderr
    return folder / "s", folder / "cache", done


def test_every_compiled_kernel_is_named_and_in_the_cache(study):
    _, cache, done = study
    compiled = {path.name.split("-")[0] for path in kernel_files(cache)}
    assert {"kick", "drift", "plaquette_sums", "clover_sums", "loop_sums", "misses", "pack_lanes"} <= compiled
    assert {line.split()[1] for line in done.stdout.splitlines()[:-1]} == compiled
    assert f"s: {len(compiled)} kernels compiled in" in done.stdout
    assert "compiled kick of u1_2d_w" in done.stderr


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


def test_ensembles_that_share_kernels_are_compiled_once():
    from gaugeflow.cli.precompile import stand_in

    ensembles = load_study("u1_2d", "full").ensembles
    assert len(ensembles) > 1
    assert len({stand_in(ensemble.spec) for ensemble in ensembles}) == 1


def test_another_device_is_refused(tmp_path):
    done = run("gaugeflow", "precompile", "u1_2d", "--device", "oracle")
    assert done.returncode == 2
    assert "--device: got 'oracle', wanted cpu" in done.stderr
