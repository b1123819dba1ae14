"""Saving beside computing: the same files, one job at a time in order, no failure lost."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from production.small import generate, write_small_spec
from production.test_stops import stopped

from gaugeflow.ensembles.saving import BackgroundSaver
from gaugeflow.errors import FileError

ASYNCHRONOUS = Path(__file__).with_name("asynchronous.py")


def asynchronous(*words, file_size: int | None = None) -> subprocess.CompletedProcess:
    """A command whose lattice says `asynchronous`."""

    def limit():
        if file_size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "NO_COLOR": "1"}
    line = [sys.executable, ASYNCHRONOUS, *words]
    return subprocess.run(
        list(map(str, line)), capture_output=True, text=True, env=environment, preexec_fn=limit, timeout=120
    )


@pytest.fixture(scope="module")
def chain(gaugeflow, tmp_path_factory):
    """(spec, chunk saved at once)."""
    folder = tmp_path_factory.mktemp("chain")
    spec = write_small_spec(gaugeflow, folder, configs_per_chunk=20)
    return spec, generate(gaugeflow, spec, folder / "0000.h5")


@pytest.mark.parametrize("seconds", ["0", "30"])
def test_saving_beside_computing_gives_the_same_file(chain, tmp_path, seconds):
    spec, whole = chain
    out = tmp_path / "c" / "0000.h5"
    done = asynchronous("generate", spec, "--chunk", 0, "--checkpoint-seconds", seconds, "--out", out)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == whole.read_bytes()
    assert os.listdir(out.parent) == [out.name]


def test_a_full_disk_ends_the_run_as_it_does_when_saving_at_once(gaugeflow, chain, tmp_path):
    spec, _ = chain
    out = tmp_path / "0000.h5"
    words = ("--quiet", "generate", spec, "--chunk", 0, "--checkpoint-seconds", 0, "--out", out)
    at_once = gaugeflow(*words, file_size=6000)
    left = sorted(path.name for path in tmp_path.rglob("*"))
    beside = asynchronous(*words, file_size=6000)
    assert at_once.returncode == beside.returncode == 3
    assert "no room to write it" in at_once.stderr
    assert at_once.stderr == beside.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == left


def test_told_to_stop_it_saves_first(gaugeflow, tmp_path):
    spec = write_small_spec(gaugeflow, tmp_path, extents=[[8, 8]], thermalisation=600, configs_per_chunk=2)
    whole = generate(gaugeflow, spec, tmp_path / "whole.h5")
    out = tmp_path / "c" / "0000.h5"
    words = ["--quiet", "generate", str(spec), "--chunk", "0", "--out", str(out)]
    done = stopped([sys.executable, str(ASYNCHRONOUS), *words], out, signal.SIGTERM)
    assert done.returncode == 75, done.stderr
    assert (out.parent / "0000.h5.partial" / "state.h5").exists()
    continued = gaugeflow("generate", spec, "--chunk", 0, "--out", out)
    assert "continuing chunk 0 after trajectory" in continued.stderr
    assert out.read_bytes() == whole.read_bytes()


def test_jobs_run_one_at_a_time_in_order_in_another_thread():
    seen, running = [], []

    def job(number):
        running.append(number)
        assert len(running) == 1
        time.sleep(0.01)
        seen.append((number, threading.current_thread() is threading.main_thread()))
        running.remove(number)

    with BackgroundSaver() as saver:
        for number in range(5):
            saver.submit(lambda number=number: job(number))
    assert seen == [(number, False) for number in range(5)]


@pytest.mark.parametrize("how", ["check", "submit", "wait"])
def test_a_failed_job_is_raised_once_and_no_other_is_started(how):
    ran = []

    def fail():
        raise FileError("disk")

    with BackgroundSaver() as saver:
        saver.submit(fail)
        calls = {"check": saver.check, "submit": lambda: saver.submit(lambda: ran.append(1)), "wait": saver.wait}
        deadline = time.monotonic() + 10

        def raised():
            while time.monotonic() < deadline:
                calls[how]()

        with pytest.raises(FileError, match="disk"):
            raised()
        saver.wait()
    assert ran == []


def test_leaving_waits_and_raises_what_is_left():
    def fail():
        time.sleep(0.05)
        raise FileError("late")

    with pytest.raises(FileError, match="late"), BackgroundSaver() as saver:
        saver.submit(fail)


def test_an_error_on_its_way_is_not_replaced_by_a_failed_job(caplog):
    def fail():
        raise FileError("late")

    def both():
        with BackgroundSaver() as saver:
            saver.submit(fail)
            raise KeyError("first")

    with pytest.raises(KeyError, match="first"):
        both()
    assert "saving failed too: late" in caplog.text
