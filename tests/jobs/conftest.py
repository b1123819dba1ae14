"""Jobs without a scheduler around them, and a scheduler that says what a test wants."""

import os

import pytest
from production.fork_server import ForkServer
from production.small import generate, write_small_spec

VARIABLES = (
    "SLURM_JOB_ID",
    "SLURM_JOB_END_TIME",
    "SLURM_CLUSTER_NAME",
    "SLURM_RESTART_COUNT",
    "GAUGEFLOW_DEADLINE_SECONDS",
    "GAUGEFLOW_DEADLINE_MARGIN_SECONDS",
    "GAUGEFLOW_HEARTBEAT_SECONDS",
    "GAUGEFLOW_STALL_SECONDS",
    "GAUGEFLOW_ALLOW_CLOCK_SKEW",
)


@pytest.fixture(autouse=True)
def no_scheduler(monkeypatch):
    """Nothing of the surroundings reaches a test."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """squeue(script) puts a program of this name before all others; its arguments are written to a file."""

    def install(script: str):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "squeue"
        program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder / "asked"

    return install


@pytest.fixture(scope="module")
def gaugeflow():
    """gaugeflow(*words, cwd=): commands of one warm process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAUGEFLOW_COMMIT", "0" * 40)
        server = ForkServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def long_chain(gaugeflow, tmp_path_factory):
    """(spec, finished chunk) of a chain that takes seconds."""
    folder = tmp_path_factory.mktemp("long")
    spec = write_small_spec(gaugeflow, folder, extents=[[8, 8]], thermalisation=4000, configs_per_chunk=2)
    return spec, generate(gaugeflow, spec, folder / "whole.h5", fork=False)
