"""A process that waits for a lost rank ends, so that the next attempt can go on; nobody else does."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest
from house import BIN, surroundings

from gaugeflow.errors import ConfigError
from gaugeflow.jobs.stopping import StopRequest
from gaugeflow.jobs.watchdog import VARIABLE, Watchdog

LIMIT = "0.4"

WAITING = """
import sys, time
from pathlib import Path
from gaugeflow.ensembles.provenance import provenance
from gaugeflow.jobs import attempts
from gaugeflow.jobs.stopping import StopRequest
from gaugeflow.jobs.watchdog import Watchdog
attempts.begin(Path(sys.argv[1]), ["waiting"], {}, provenance({}))
first, later = float(sys.argv[2]), float(sys.argv[3])
with StopRequest() as stop, Watchdog(stop, True):
    time.sleep(first)
    stop.step()
    print("a step", flush=True)
    time.sleep(later)
print("the end", flush=True)
"""


def waiting(folder, first, later, **more):
    line = [sys.executable, "-c", WAITING, str(folder), str(first), str(later)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(line, env=surroundings(**{VARIABLE: LIMIT}, **more), **pipes)


def test_a_process_whose_step_never_ends_is_ended_with_exit_code_75_and_a_reason(tmp_path):
    with waiting(tmp_path, 0, 60) as process:
        out, error = process.communicate(timeout=30)
    assert process.returncode == 75
    assert out == "a step\n"
    assert "another rank is lost" in error
    assert VARIABLE in error
    assert '"exit_code": 75' in (tmp_path / "1.jsonl").read_text().splitlines()[-1]


def test_a_first_step_may_take_long_and_later_ones_twenty_times_the_longest(tmp_path):
    with waiting(tmp_path, 1.0, 3.0) as process:
        out, error = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "a step\nthe end\n"), error


def test_a_suspended_process_is_not_taken_for_one_that_waits(tmp_path):
    with waiting(tmp_path, 0.1, 1.4) as process:
        assert process.stdout.readline() == "a step\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(3.0)
        process.send_signal(signal.SIGCONT)
        out, error = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "the end\n"), error


def test_a_world_of_one_is_not_watched_and_nothing_is_after_the_work(monkeypatch):
    monkeypatch.setenv(VARIABLE, LIMIT)
    with StopRequest() as stop, Watchdog(stop, False):
        assert "watchdog" not in [thread.name for thread in threading.enumerate()]
    with StopRequest() as stop, Watchdog(stop, True):
        assert "watchdog" in [thread.name for thread in threading.enumerate()]
    assert "watchdog" not in [thread.name for thread in threading.enumerate()]


def test_a_time_that_is_none_is_refused(monkeypatch):
    monkeypatch.setenv(VARIABLE, "never")
    with pytest.raises(ConfigError, match=f"{VARIABLE}=never"):
        Watchdog(StopRequest(), True)


@pytest.mark.mpi
def test_a_lost_rank_ends_the_job_and_the_next_attempt_gives_the_uninterrupted_chunk(gaugeflow, long_chain, tmp_path):
    spec, whole = long_chain
    out = tmp_path / "c" / "0000.h5"
    generate = ["generate", spec, "--chunk", "0", "--out", out, "--checkpoint-seconds", "0.05"]
    line = [BIN / "mpiexec", "-n", "2", BIN / "gaugeflow", "--quiet", *generate, "--ranks", "2"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": surroundings(**{VARIABLE: "1"})}
    with subprocess.Popen([str(word) for word in line], **pipes) as launcher:
        while not (out.with_name("0000.h5.partial") / "state.h5").exists():
            assert launcher.poll() is None, launcher.stderr.read()
            time.sleep(0.01)
        ranks = [p for p in psutil.Process(launcher.pid).children(recursive=True) if "generate" in p.cmdline()]
        lost = max((p for p in ranks if p.environ().get("PMI_RANK") == "1"), key=lambda p: p.pid)
        lost.suspend()
        error = launcher.communicate(timeout=60)[1]
    assert launcher.returncode != 0
    assert "another rank is lost" in error
    assert not out.exists()
    done = gaugeflow(*[str(word) for word in generate])
    assert done.returncode == 0, done.stderr
    assert "continuing chunk 0 after trajectory" in done.stderr
    assert out.read_bytes() == whole.read_bytes()
    assert os.listdir(out.parent) == [out.name]
