"""`gaugeflow doctor` says what is there, what is not, and what to do; it loads nothing heavy and names nobody."""

import json
import os
import platform
import stat
import sys
from pathlib import Path

import pytest
from architecture.test_imports import HEAVY, loaded_by
from house import BIN, run

from gaugeflow.cli import doctor, probes

SECTIONS = ["python", "processor", "memory", "mpi", "hdf5", "cuda", "kernel cache", "scheduler", "disk"]


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Function that puts a shell script of a name in front of the search path."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{BIN}")

    def add(name, text):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(stat.S_IRWXU)

    return add


def rows():
    """{(section, name): row}."""
    return {(row.section, row.name): row for row in doctor.examine()}


def test_every_section_is_there_and_nothing_names_this_user_or_host(tmp_path):
    done = run("gaugeflow", "doctor", "--json", GAUGEFLOW_CACHE_DIR=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["sound"] is True
    assert list(dict.fromkeys(row["section"] for row in content["rows"])) == SECTIONS
    assert {row["state"] for row in content["rows"]} <= {"ok", "missing", "warning"}
    assert all(row["advice"] for row in content["rows"] if row["state"] != "ok")
    for private in (platform.node(), str(Path.home()), sys.prefix, str(tmp_path)):
        assert private not in done.stdout
    assert not (tmp_path / "cache").exists()


def test_the_table_holds_what_the_object_holds():
    table = run("gaugeflow", "doctor").stdout
    for row in json.loads(run("gaugeflow", "doctor", "--json").stdout)["rows"]:
        assert row["name"] in table


def test_it_loads_nothing_heavy():
    call = "from gaugeflow.cli.main import main\nassert main(['doctor']) == 0"
    assert loaded_by(call, *HEAVY, "numpy") == []


def test_a_cache_that_cannot_be_written_is_broken(tmp_path):
    (tmp_path / "file").write_text("")
    done = run("gaugeflow", "doctor", "--json", GAUGEFLOW_CACHE_DIR=str(tmp_path / "file" / "cache"))
    assert done.returncode == 3
    content = json.loads(done.stdout)
    (row,) = [row for row in content["rows"] if row["state"] == "broken"]
    assert (content["sound"], row["section"]) == (False, "kernel cache")
    assert "GAUGEFLOW_CACHE_DIR" in row["advice"]


def test_a_missing_library_is_broken(monkeypatch):
    monkeypatch.setattr(probes, "version", lambda name: None if name == "numba" else "1.0")
    monkeypatch.setattr(probes, "IMPORTS", {})
    states = {row.name: row.state for row in doctor._packages({})}
    assert states["numba"] == "broken"
    assert states["numpy"] == "ok"


def test_a_library_that_does_not_load_is_broken(monkeypatch):
    monkeypatch.setattr(probes, "IMPORTS", {"numba": "raise ImportError('no LLVM')"})
    row = rows_of_packages()["numba"]
    assert row.state == "broken"
    assert "no LLVM" in row.found


def rows_of_packages():
    return {row.name: row for row in doctor._packages(probes.ask_all())}


def test_launchers_and_their_kinds_are_named(programs):
    programs("srun", "echo 'MPI plugin types are...' >&2; echo '  none' >&2; echo '  pmi2' >&2; echo '  pmix' >&2")
    programs("sbatch", "exit 0")
    found = rows()
    assert "srun" in found["mpi", "launchers"].found
    assert found["mpi", "srun kinds"].found == "pmi2 pmix"
    assert found["scheduler", "SLURM"].found == "sbatch, srun"


@pytest.mark.parametrize(
    ("script", "name", "state", "text"),
    [
        ("echo 'NVIDIA H100, 81559 MiB, 580.10'", "device 0", "ok", "NVIDIA H100, 81559 MiB, driver 580.10"),
        ("echo 'no devices were found' >&2; exit 6", "devices", "warning", "no devices were found"),
        ("exec sleep 30", "devices", "warning", "no answer in 0.3 s"),
    ],
)
def test_devices_are_what_the_driver_says(programs, monkeypatch, script, name, state, text):
    monkeypatch.setattr(probes, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(probes, "IMPORTS", {})
    programs("nvidia-smi", f"PATH={os.defpath}; {script}")
    row = {row.name: row for row in doctor._accelerators(probes.ask_all())}[name]
    assert (row.state, row.found.removeprefix("nvidia-smi: ")) == (state, text)


def test_without_a_driver_that_is_said(programs):
    row = {row.name: row for row in doctor._accelerators(probes.ask_all())}["devices"]
    assert (row.state, row.found) == ("missing", "no driver (nvidia-smi is absent)")


def test_texts_of_programs_lose_private_names():
    text = f"{sys.prefix}/lib, {Path.home()}/x on {platform.node()}"
    assert probes.anonymous(text) == "ENVIRONMENT/lib, ~/x on HOST"
