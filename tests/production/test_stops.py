"""A signal ends a job at the end of its trajectory with exit code 75; the same command then continues."""

import os
import signal
import subprocess
import time

import pytest
from house import BIN
from production.small import generate, write_small_spec


@pytest.fixture(scope="module")
def long_chain(gaugeflow, tmp_path_factory):
    """(spec, finished chunk) of a chain that takes about a second."""
    folder = tmp_path_factory.mktemp("long")
    spec = write_small_spec(gaugeflow, folder, extents=[[8, 8]], thermalisation=600, configs_per_chunk=2)
    return spec, generate(gaugeflow, spec, folder / "whole.h5")


def stopped(words: list[str], out, number: int) -> subprocess.CompletedProcess:
    """Start a command, send it a signal when it has begun, and wait."""
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (out.with_name(out.name + ".partial") / "identity.json").exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.1)
    process.send_signal(number)
    streams = process.communicate(timeout=60)
    return subprocess.CompletedProcess(words, process.returncode, *streams)


def assert_stopped_then_continued(gaugeflow, long_chain, out, number, *launcher, ranks=1):
    spec, whole = long_chain
    words = ["generate", str(spec), "--chunk", "0", "--out", str(out)]
    line = [*launcher, str(BIN / "gaugeflow"), "--quiet", *words, "--ranks", str(ranks)]
    done = stopped(line, out, number)
    assert done.returncode == 75, done.stderr
    messages = [text for text in done.stderr.splitlines() if text.startswith("gaugeflow")]
    assert len(messages) == 1
    assert "the same command continues" in messages[0]
    assert "Traceback" not in done.stderr
    assert not out.exists()
    continued = gaugeflow(*words)
    assert continued.returncode == 0, continued.stderr
    assert "continuing chunk 0 after trajectory" in continued.stderr
    assert out.read_bytes() == whole.read_bytes()
    assert os.listdir(out.parent) == [out.name]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT], ids=lambda number: number.name)
def test_told_to_stop_a_job_saves_its_state_and_continues(gaugeflow, long_chain, tmp_path, number):
    assert_stopped_then_continued(gaugeflow, long_chain, tmp_path / "c" / "0000.h5", number)


@pytest.mark.mpi
def test_told_to_stop_through_the_launcher_all_ranks_save_and_stop(gaugeflow, long_chain, tmp_path, monkeypatch):
    monkeypatch.setenv("GAUGEFLOW_OVERSUBSCRIBE", "1")  # on a machine of one core too
    launcher = (str(BIN / "mpiexec"), "-n", "2")
    assert_stopped_then_continued(gaugeflow, long_chain, tmp_path / "c" / "0000.h5", signal.SIGTERM, *launcher, ranks=2)
