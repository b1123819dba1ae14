"""Logs of real jobs: killed, stopped, continued, on several ranks; and from a log alone the same bits again."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import h5py
import pytest
from house import run, surroundings, words
from production.fork_server import ForkServer
from production.small import COMMIT, generate, write_small_spec

from gaugeflow.jobs import attempts

THERMALISATION = 600


@pytest.fixture(scope="module")
def gaugeflow():
    """gaugeflow(*words, cwd=): a command in a fork of one process that has its imports and kernels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAUGEFLOW_COMMIT", COMMIT["GAUGEFLOW_COMMIT"])
        server = ForkServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def spec(gaugeflow, tmp_path_factory):
    """spec.json of a chain that takes a second."""
    folder = tmp_path_factory.mktemp("chain")
    made = write_small_spec(gaugeflow, folder, extents=[[8, 8]], thermalisation=THERMALISATION, configs_per_chunk=2)
    generate(gaugeflow, made, folder / "0000.h5", fork=False)
    return made


def ended(line: list[str], log: Path, number: int, cwd: Path) -> int:
    """Send a signal to a command once its log knows of the first saved trajectories; its exit code."""
    process = subprocess.Popen(words(*line), cwd=cwd, env=surroundings(**COMMIT), stderr=subprocess.PIPE)
    state, deadline = cwd / "0000.h5.partial" / "state.h5", time.monotonic() + 60
    while not (log.exists() and b'"progress"' in log.read_bytes() and state.exists()):
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.03)
    process.send_signal(number)
    process.communicate(timeout=60)
    return process.returncode


def test_attempts_tell_a_chain_s_story_and_the_log_alone_lets_one_rerun(gaugeflow, spec, tmp_path):
    shutil.copy(spec, tmp_path / "spec.json")
    line = ["gaugeflow", "--attempts", "log", "--asked", "runtime=3,mem_mb=900", "generate", "spec.json"]
    line += ["--chunk", "0", "--checkpoint-seconds", "0.02", "--out", "0000.h5"]
    log = tmp_path / "log"
    assert ended(line, log / "1.jsonl", signal.SIGKILL, tmp_path) == -signal.SIGKILL
    assert ended(line, log / "2.jsonl", signal.SIGTERM, tmp_path) == 75
    done = gaugeflow(*line[1:], cwd=tmp_path)
    assert done.returncode == 0, done.stderr

    killed, stopped, last = attempts.all_attempts(log)
    assert [attempt.outcome for attempt in (killed, stopped, last)] == ["no end", "stopped", "done"]
    assert killed.seconds > 0
    assert "the same command continues" in stopped.end["reason"]
    first = killed.chunks[0]
    assert first["continued_after"] is None
    assert first["trajectories"] == THERMALISATION + 4
    begin, end = stopped.chunks[0]["continued_after"], last.chunks[0]["continued_after"]
    assert stopped.end["trajectories"] == end - begin > 0
    assert last.end["trajectories"] == THERMALISATION + 3 - end
    assert 0 < last.end["io_seconds"] < last.end["seconds"]
    assert last.end["mpi_seconds"] == 0.0
    assert last.end["cpu_seconds"] > 0.1
    assert 50 < last.end["max_rss_mb"] < 2000
    assert killed.asked == {"runtime": 3, "mem_mb": 900}

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "spec.json").write_text(json.dumps(first["spec"]))
    again = gaugeflow(*killed.begin["argv"][1:], cwd=elsewhere)
    assert again.returncode == 0, again.stderr
    digests = [h5py.File(folder / "0000.h5").attrs["content_sha256"] for folder in (tmp_path, elsewhere)]
    assert digests[0] == digests[1]
    assert attempts.read(elsewhere / "log" / "1.jsonl").chunks[0] | {"time": 0} == first | {"time": 0}

    complete = gaugeflow(*line[1:], cwd=tmp_path)
    assert "already complete" in complete.stdout
    assert attempts.all_attempts(log)[-1].end["trajectories"] == 0


@pytest.mark.mpi
def test_several_ranks_write_one_log(spec, tmp_path):
    short = json.loads(spec.read_text())
    line = ["gaugeflow", "--attempts", tmp_path / "log", "generate", spec, "--chunk", "0", "--ranks", "2"]
    done = run("mpiexec", "-n", "2", *words(*line), "--out", tmp_path / "0000.h5", **COMMIT)
    assert done.returncode == 0, done.stderr
    (attempt,) = attempts.all_attempts(tmp_path / "log")
    assert attempt.exit_code == 0
    assert attempt.chunks[0]["ensemble_id"] == short["ensemble_id"]
    assert 0 < attempt.end["mpi_seconds"] < attempt.end["seconds"]
    assert attempt.end["trajectories"] == THERMALISATION + 4


def test_measurements_count_configurations(gaugeflow, spec, tmp_path):
    line = ["--attempts", tmp_path / "log", "measure", spec.parent / "0000.h5", "--study", spec.parent]
    done = gaugeflow(*line, "--out", tmp_path / "m.h5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (attempt,) = attempts.all_attempts(tmp_path / "log")
    assert (attempt.end["configurations"], attempt.end["trajectories"]) == (2, 0)
    assert (attempt.chunks[0]["chunk"], attempt.chunks[0]["configurations"]) == (0, 2)
    assert attempt.progress["done"] == attempt.progress["total"] == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a read-only file system needs root")
def test_in_a_read_only_folder_the_job_goes_on(spec, tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    mount = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o ro none "$0" && exec "$@"', str(log)]
    probe = subprocess.run([*mount, "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("this machine mounts nothing")
    line = words("gaugeflow", "--attempts", log / "deeper", "spec", spec.parent, "--ensemble", "e")
    done = subprocess.run(
        [*mount, *line, "--out", str(tmp_path / "spec.json")], capture_output=True, text=True, env=surroundings()
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("the job goes on") == 1
    assert (tmp_path / "spec.json").read_bytes() == spec.read_bytes()
