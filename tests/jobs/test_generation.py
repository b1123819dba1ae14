"""Generation keeps the contract: it stops before its deadline, and on two machines at once only one of it publishes."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from house import BIN
from production.small import tree, write_small_spec

from gaugeflow.assembly import make_lattice, make_sampler
from gaugeflow.config.cost import chunk_bytes, links_bytes
from gaugeflow.config.spec_file import read_spec
from gaugeflow.ensembles import room
from gaugeflow.ensembles.production import ChunkRun
from gaugeflow.errors import FileError, TryAgain
from gaugeflow.jobs import disk
from gaugeflow.jobs.deadline import Deadline
from gaugeflow.lattice.communicator import Serial

OTHER_NODE = Path(__file__).with_name("other_node.py")
BEAT = "0.1"


def command(spec, out):
    return ["generate", str(spec), "--chunk", "0", "--out", str(out)]


def test_it_stops_before_its_deadline_and_continues_to_the_same_bytes(gaugeflow, long_chain, tmp_path):
    spec, whole = long_chain
    out = tmp_path / "c" / "0000.h5"
    stops = []
    for seconds in (1.0, 1.5, *range(2, 20)):
        began = time.monotonic()
        done = gaugeflow(*command(spec, out), environment={"GAUGEFLOW_DEADLINE_SECONDS": str(seconds)})
        if done.returncode == 0:
            break
        assert done.returncode == 75, done.stderr
        assert not out.exists()
        assert "told to stop (deadline" in done.stderr
        if "is saved, the same command continues" in done.stderr:
            assert time.monotonic() - began < seconds
            stops.append(seconds)
    assert stops
    assert "continuing chunk 0 after trajectory" in done.stderr
    assert out.read_bytes() == whole.read_bytes()
    assert os.listdir(out.parent) == [out.name]


def test_without_time_for_one_trajectory_nothing_is_left_behind(gaugeflow, long_chain, tmp_path):
    out = tmp_path / "c" / "0000.h5"
    done = gaugeflow(*command(long_chain[0], out), environment={"GAUGEFLOW_DEADLINE_SECONDS": "0.001"})
    assert done.returncode == 75
    assert "told to stop (deadline has passed) before the first trajectory" in done.stderr
    assert os.listdir(out.parent) == []


@contextmanager
def on_another_node(spec, out):
    """The command at work on another machine, with a state saved; killed in the end."""
    environment = {**os.environ, "GAUGEFLOW_HEARTBEAT_SECONDS": BEAT, "PYTHONPATH": os.pathsep.join(sys.path)}
    line = [sys.executable, str(OTHER_NODE), "--quiet", *command(spec, out), "--checkpoint-seconds", "0.05"]
    with subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            while not (out.with_name("0000.h5.partial") / "state.h5").exists():
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.01)
            yield process
        finally:
            process.kill()


def test_a_halted_job_on_another_node_publishes_nothing_after_it_was_replaced(gaugeflow, long_chain, tmp_path):
    """While it works another is refused; while it is halted another takes over; then it finds its lease lost."""
    spec, whole = long_chain
    out = tmp_path / "c" / "0000.h5"
    with on_another_node(spec, out) as first:
        second = gaugeflow(*command(spec, out), environment={"GAUGEFLOW_HEARTBEAT_SECONDS": BEAT})
        assert second.returncode == 2
        assert f"another process works on this chunk (process {first.pid} on node8)" in second.stderr
        first.send_signal(signal.SIGSTOP)
        second = gaugeflow(*command(spec, out), environment={"GAUGEFLOW_HEARTBEAT_SECONDS": BEAT})
        assert second.returncode == 0, second.stderr
        assert f"process {first.pid} on node8 has died" in second.stderr
        assert "continuing chunk 0 after trajectory" in second.stderr
        before = out.stat()
        first.send_signal(signal.SIGCONT)
        error = first.communicate(timeout=60)[1]
    assert first.returncode == 3, error
    assert "0000.h5.partial: is gone; this process was halted" in error
    assert out.stat() == before
    assert out.read_bytes() == whole.read_bytes()
    assert os.listdir(out.parent) == [out.name]


def test_a_halted_job_does_not_put_its_state_in_the_place_of_a_later_one(gaugeflow, long_chain, tmp_path):
    spec, whole = long_chain
    out = tmp_path / "c" / "0000.h5"
    with on_another_node(spec, out) as first:
        first.send_signal(signal.SIGSTOP)
        environment = {"GAUGEFLOW_HEARTBEAT_SECONDS": BEAT, "GAUGEFLOW_DEADLINE_SECONDS": "3"}
        second = gaugeflow(*command(spec, out), environment=environment)
        assert second.returncode == 75, second.stderr
        before = tree(tmp_path)
        first.send_signal(signal.SIGCONT)
        error = first.communicate(timeout=60)[1]
    assert first.returncode == 3, error
    assert "0000.h5.partial: now belongs to process" in error
    assert tree(tmp_path) == before
    assert gaugeflow(*command(spec, out)).returncode == 0
    assert out.read_bytes() == whole.read_bytes()


class SlowSampler:
    """A sampler whose steps take half a second."""

    def __init__(self, sampler):
        self._sampler = sampler

    def __getattr__(self, name):
        return getattr(self._sampler, name)

    def step(self, *arguments, **named):
        time.sleep(0.5)
        return self._sampler.step(*arguments, **named)


def test_a_step_that_would_end_after_the_deadline_is_not_begun(long_chain, tmp_path):
    spec = read_spec(long_chain[0])
    deadline = Deadline(time.monotonic() + 4)
    options = {"source": None, "acceptance_band": (0.0, 1.0), "deadline": deadline}
    lattice = make_lattice(spec.spec, Serial())
    run = ChunkRun(lattice, SlowSampler(make_sampler(spec.spec)), spec, 0, tmp_path / "0000.h5", **options)
    with pytest.raises(TryAgain, match=r"told to stop \(deadline in [01] s\); trajectory \d+ of 4003 is saved"):
        run.run()
    assert deadline.left() > 0


def test_a_chunk_that_cannot_fit_is_refused_before_work(gaugeflow, tmp_path):
    spec = write_small_spec(gaugeflow, tmp_path, configs_per_chunk=10**8, extents=[[256, 256]])
    done = gaugeflow(*command(spec, tmp_path / "c" / "0000.h5"))
    assert done.returncode == 3
    assert "c/0000.h5: chunk 0 needs 3.4 PB more" in done.stderr.replace(str(tmp_path) + "/", "")
    assert not (tmp_path / "c").exists()


def test_what_an_earlier_attempt_saved_needs_no_room_again(gaugeflow, tmp_path, monkeypatch):
    spec = read_spec(write_small_spec(gaugeflow, tmp_path)).spec
    scratch, size = tmp_path / "0000.h5.partial", links_bytes(spec)
    assert chunk_bytes(spec) == (5 + 2 + 5) * size
    monkeypatch.setattr(disk, "free_bytes", lambda path: (3 + 2 + 5) * size)
    with pytest.raises(FileError, match="nothing was started"):
        room.require_room(tmp_path / "0000.h5", spec, 0)
    scratch.mkdir()
    (scratch / "config_0000.h5").write_bytes(bytes(2 * size + 100))
    room.require_room(tmp_path / "0000.h5", spec, 0)


WRONG_CLOCK = """
import sys, time
from gaugeflow.cli.main import main
true = time.time
time.time = lambda: true() + 3600
spec, chunk, study, out = sys.argv[1:]
print(main(["generate", spec, "--chunk", "0", "--out", out]))
print(main(["measure", chunk, "--study", study, "--out", out]))
print(main(["flow", chunk, "--study", study, "--out", out]))
"""


def test_every_stage_on_a_node_with_a_wrong_clock_is_refused(long_chain, tmp_path):
    spec, chunk = long_chain
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    line = [sys.executable, "-c", WRONG_CLOCK, spec, chunk, spec.parent, tmp_path / "c" / "0000.h5"]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["3", "3", "3"], done.stderr
    assert done.stderr.count("3600 s apart") == 3
    assert os.listdir(tmp_path) == []


@pytest.mark.mpi
def test_all_ranks_stop_by_the_deadline_of_one(gaugeflow, long_chain, tmp_path):
    spec, whole = long_chain
    out = tmp_path / "c" / "0000.h5"
    environment = {**os.environ, "GAUGEFLOW_OVERSUBSCRIBE": "1", "GAUGEFLOW_DEADLINE_MARGIN_SECONDS": "0.1"}
    line = [str(BIN / "mpiexec"), "-n", "2", str(BIN / "gaugeflow"), "--quiet", *command(spec, out), "--ranks", "2"]
    stopped: list[bool] = []
    for seconds in (2, 3, 4, 6, 9):
        environment["GAUGEFLOW_DEADLINE_SECONDS"] = str(seconds)
        done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120)
        if done.returncode == 0:
            break
        assert done.returncode == 75, done.stderr
        assert len([text for text in done.stderr.splitlines() if text.startswith("gaugeflow")]) == 1
        stopped.append("is saved" in done.stderr)
        if stopped[-1]:
            break
    assert any(stopped), done.stderr
    assert gaugeflow(*command(spec, out)).returncode == 0
    assert out.read_bytes() == whole.read_bytes()
