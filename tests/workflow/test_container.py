"""Laws of the container: its recipe names only what is there, and its stand-in sends commands to the right side."""

import os
import re
import shutil
import subprocess

import pytest
from house import REPOSITORY, run

from gaugeflow.cli.main import COMMANDS
from gaugeflow.ensembles.provenance import COMMIT_VARIABLE

FOLDER = REPOSITORY / "cluster" / "container"
RECIPE = (FOLDER / "gaugeflow.def").read_text()
SECTIONS = dict(re.findall(r"^%(\w+.*)\n((?:(?!%).*\n?)*)", RECIPE, re.MULTILINE))
HERE = ("submit", "status", "resume", "cancel", "collect")


def test_every_file_that_is_copied_exists_and_nothing_is_missing():
    copied = dict(line.split() for line in SECTIONS["files"].splitlines() if line.strip())
    for source, target in copied.items():
        assert (REPOSITORY / source).exists(), source
        assert target == f"/gaugeflow/{source}"
    needed = {".ci", "src", "workflow", "cluster", "Snakefile", "pyproject.toml", "requirements.lock"}
    needed |= {re.search(r'^readme = "(.*)"', (REPOSITORY / "pyproject.toml").read_text(), re.MULTILINE)[1]}
    assert needed <= set(copied)


def test_paths_and_commands_that_are_named_exist():
    for path in re.findall(r"(?<=\s)/gaugeflow/([\w./-]*[\w-])", RECIPE):
        assert path.startswith(".venv") or (REPOSITORY / path).exists(), path
    for path in re.findall(r"\b(cluster/[\w./-]*\w)", RECIPE):
        assert (REPOSITORY / path).exists(), path
    commands = set(re.findall(r"(?:sif|^ +)\s*gaugeflow ([a-z][a-z-]+)\b", RECIPE, re.MULTILINE))
    assert {"check-study", "submit", "generate", "doctor"} <= commands
    assert commands <= set(COMMANDS)
    assert 'exec gaugeflow "$@"' in SECTIONS["runscript"]
    assert 'exec snakemake "$@"' in SECTIONS["apprun snakemake"]


def test_the_environment_is_that_of_the_lock_with_one_switch_for_mpi_and_the_commit():
    setup = (REPOSITORY / ".ci" / "setup").read_text()
    assert "sh .ci/setup .venv" in SECTIONS["post"]
    assert "requirements.lock" in setup
    assert "$venv/uv" in setup
    assert re.search(r"^mpich==", (REPOSITORY / "requirements.lock").read_text(), re.MULTILINE)
    assert "pip uninstall --python .venv/bin/python mpich" in SECTIONS["post"]
    assert f"export {COMMIT_VARIABLE}=" in SECTIONS["post"]
    declared = set(re.findall(r"^ *(\w+)=", SECTIONS["arguments"], re.MULTILINE))
    assert declared == set(re.findall(r"\{\{ (\w+) \}\}", RECIPE))


def test_shell_parts_of_the_recipe_parse():
    for name in ("setup", "post", "environment", "test", "runscript", "apprun snakemake"):
        checked = subprocess.run(["sh", "-n"], input=SECTIONS[name], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr


@pytest.fixture
def stand_in(tmp_path):
    """The stand-in in a folder of its own, with an apptainer and a Python that print their words."""
    for name in ("apptainer", "python"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$@"\necho "library $APPTAINERENV_LD_LIBRARY_PATH"\n')
        (tmp_path / name).chmod(0o755)
    shutil.copy(FOLDER / "gaugeflow", tmp_path / "gaugeflow")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    def call(*words, **variables):
        environment = {"PATH": path, **variables}
        line = ["sh", tmp_path / "gaugeflow", *words]
        return subprocess.run(line, env=environment, capture_output=True, text=True)

    return call


@pytest.mark.parametrize("command", HERE)
def test_what_watches_runs_outside(stand_in, command):
    assert command in COMMANDS
    assert stand_in(command, "a b").stdout.splitlines()[0] == f"python -m gaugeflow {command} a b"


def test_what_computes_runs_in_the_image(stand_in):
    words = ("--attempts", "logs/a", "--asked", "runtime=1", "generate", "spec.json")
    done = stand_in(*words, GAUGEFLOW_IMAGE="x.sif", APPTAINER_OPTIONS="--nv --bind /scratch")
    assert done.stdout.splitlines()[0] == f"apptainer exec --nv --bind /scratch x.sif gaugeflow {' '.join(words)}"
    done = stand_in("doctor", GAUGEFLOW_IMAGE="x.sif", MPI_LIBRARY="/mpi/lib")
    assert done.stdout.splitlines() == [
        "apptainer exec --bind /mpi/lib x.sif gaugeflow doctor",
        "library /mpi/lib",
    ]


def test_without_an_image_that_is_said(stand_in):
    done = stand_in("doctor")
    assert done.returncode == 2
    assert "GAUGEFLOW_IMAGE is not set" in done.stderr


def test_the_stand_in_calls_the_package_as_it_can_be_called():
    assert run("python", "-m", "gaugeflow", "status", "--help").returncode == 0
