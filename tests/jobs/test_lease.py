"""A folder has one owner, whatever dies, halts or runs at the same time, with flock and without."""

import dataclasses
import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from gaugeflow.errors import ConfigError, FileError, LeaseLost
from gaugeflow.jobs import lease, owner
from gaugeflow.jobs.lease import Lease, is_held, owner_of

HOLDER = Path(__file__).with_name("holder.py")
BEAT = 0.05


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Short heartbeats, and no job of a scheduler around the tests."""
    monkeypatch.setenv("GAUGEFLOW_HEARTBEAT_SECONDS", str(BEAT))
    monkeypatch.setattr(lease, "EXTRA_SECONDS", 0.3)
    for name in ("SLURM_JOB_ID", "SLURM_CLUSTER_NAME", "SLURM_RESTART_COUNT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def no_flock(monkeypatch):
    """A file system that tells nobody of locks."""
    monkeypatch.setattr(fcntl, "flock", lambda descriptor, operation: None)


@contextmanager
def holder(folder, *words):
    """A process that holds the lease of a folder."""
    line = [sys.executable, str(HOLDER), str(folder), *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    streams = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    with subprocess.Popen(line, text=True, env=environment, **streams) as process:
        try:
            assert process.stdout.readline() == "held\n", process.stderr.read()
            yield process
        finally:
            process.kill()


def killed(folder, *words):
    """What a process that was killed leaves."""
    with holder(folder, *words) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return owner_of(folder)


def rewrite(folder, **changes):
    """Change the record of an owner."""
    path = folder / "owner"
    head, text = path.read_bytes().split(b"\n", 1)
    path.write_bytes(head + b"\n" + json.dumps({**json.loads(text), **changes}).encode())


def elsewhere(folder, **changes):
    """A killed owner whose record is of another machine."""
    killed(folder, "hold")
    rewrite(folder, machine="another", host="node7", **changes)


@pytest.mark.parametrize("words", [(), ("--no-flock",)], ids=["flock", "without"])
def test_a_living_owner_is_named_and_refuses_others(tmp_path, words, request):
    if words:
        request.getfixturevalue("no_flock")
    with holder(tmp_path, *words, "hold") as process:
        with pytest.raises(ConfigError, match=f"process {process.pid} on ") as caught, Lease(tmp_path):
            pass
        assert "wait for it, or stop it" in str(caught.value)
        assert is_held(tmp_path) is True
        assert owner_of(tmp_path).pid == process.pid
        assert process.communicate("\n")[0] == "checked\n"
    assert is_held(tmp_path) is False
    assert owner_of(tmp_path) is None


def test_one_process_does_not_own_a_folder_twice(tmp_path, no_flock):
    with Lease(tmp_path, what="coordinator of a study"), pytest.raises(ConfigError, match="is coordinator of a study"):
        Lease(tmp_path, what="coordinator of a study").acquire()


def test_the_next_owner_follows_at_once_whether_the_last_one_left_or_died(tmp_path, no_flock):
    began = time.monotonic()
    for _ in range(3):
        with Lease(tmp_path):
            assert is_held(tmp_path)
    assert time.monotonic() - began < 0.3
    assert killed(tmp_path, "hold").alive_here() is False
    assert is_held(tmp_path) is False
    began = time.monotonic()
    with Lease(tmp_path) as found:
        found.check()
    assert time.monotonic() - began < 0.3
    assert sorted(os.listdir(tmp_path)) == ["lock", "owner"]


def test_a_reused_process_id_is_no_sign_of_life(tmp_path):
    killed(tmp_path, "hold")
    rewrite(tmp_path, pid=os.getpid())
    assert owner_of(tmp_path).alive_here() is False
    with Lease(tmp_path):
        pass


def test_an_unknown_owner_elsewhere_is_replaced_after_its_heartbeats_stayed_away(tmp_path, caplog):
    elsewhere(tmp_path)
    assert is_held(tmp_path) is None
    began = time.monotonic()
    with Lease(tmp_path) as found:
        found.check()
    assert time.monotonic() - began >= 3 * BEAT + 0.3
    assert "on node7 has died" in caplog.text


def test_an_owner_elsewhere_whose_heart_beats_is_not_disturbed(tmp_path, no_flock):
    with holder(tmp_path, "--machine", "node8", "--no-flock", "hold") as process:
        with pytest.raises(ConfigError, match=f"process {process.pid} on node8"):
            Lease(tmp_path).acquire()
        assert process.communicate("\n")[0] == "checked\n"


def test_a_halted_owner_may_not_publish_once_another_has_taken_over(tmp_path, no_flock):
    with holder(tmp_path, "--machine", "node8", "--no-flock", "hold") as process:
        process.send_signal(signal.SIGSTOP)
        with Lease(tmp_path) as found:
            process.send_signal(signal.SIGCONT)
            out, error = process.communicate("\n")
            assert out == "LeaseLost\n"
            assert f"now belongs to process {os.getpid()}" in error
            found.check()
            assert owner_of(tmp_path).pid == os.getpid()


@pytest.mark.parametrize("content", [b"", b"\0" * 300, b"00000000000000000001 held\n{}", b"x\n[1]", b'x\n{"token": 3}'])
def test_a_damaged_record_is_replaced_after_waiting(tmp_path, content):
    (tmp_path / "owner").write_bytes(content)
    with Lease(tmp_path) as found:
        found.check()
    assert sorted(os.listdir(tmp_path)) == ["lock", "owner"]


def test_a_lease_is_lost_with_its_folder_and_its_end_is_quiet(tmp_path):
    with Lease(tmp_path / "a") as found:
        (tmp_path / "a").rename(tmp_path / "b")
        with pytest.raises(LeaseLost, match="is gone"):
            found.check()
    assert not (tmp_path / "a").exists()


def test_the_heartbeat_notices_a_lost_lease(tmp_path, caplog):
    with Lease(tmp_path):
        rewrite(tmp_path, token="f" * 32)
        end = time.monotonic() + 10
        while "now belongs to" not in caplog.text and time.monotonic() < end:
            time.sleep(0.01)
    assert "now belongs to" in caplog.text


def test_a_heartbeat_that_cannot_be_written_is_logged_once_and_harmless(tmp_path, monkeypatch, caplog):
    with Lease(tmp_path) as found:

        def full(*arguments):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "pwritev", full)
        time.sleep(6 * BEAT)
        found.check()
    assert caplog.text.count("heartbeat cannot be written: [Errno 28]") == 1


def test_eight_contenders_for_a_dead_owners_folder_follow_each_other(tmp_path):
    folder, log = tmp_path / "folder", tmp_path / "log"
    elsewhere(folder)
    line = [sys.executable, str(HOLDER), str(folder), "--no-flock", "contend", str(log)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, errors
    assert sorted(map(int, log.read_text().split())) == sorted(process.pid for process in processes)
    assert sorted(os.listdir(folder)) == ["lock", "owner"]


def test_a_contender_who_looked_too_early_does_not_become_a_second_owner(tmp_path, no_flock, monkeypatch):
    """It judges a dead owner, and before it acts another one takes over, leaves its record in front, and lives."""
    elsewhere(tmp_path)
    first, late = Lease(tmp_path), Lease(tmp_path)
    judge = Lease._is_dead

    def slow(self, record):
        dead = judge(self, record)
        if self is late and first._owner is None:
            first.acquire()
        return dead

    monkeypatch.setattr(Lease, "_is_dead", slow)
    with pytest.raises(ConfigError, match="another process works on this chunk"):
        late.acquire()
    first.check()
    assert sorted(os.listdir(tmp_path)) == ["lock", "owner"]
    first.release()


def test_files_of_a_lease_obey_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        with Lease(tmp_path / "folder"):
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "folder").iterdir()}
    finally:
        os.umask(before)
    assert modes == {"lock": 0o640, "owner": 0o640}


def test_a_file_system_without_flock_and_one_without_links(tmp_path, monkeypatch):
    def unknown(descriptor, operation):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unknown)
    with Lease(tmp_path / "a") as found:
        found.check()
    monkeypatch.setattr(os, "link", unknown)
    with pytest.raises(FileError, match="no hard links"):
        Lease(tmp_path / "b").acquire()
    assert not (tmp_path / "b").exists()


def test_owners_are_compared_only_on_one_machine(tmp_path):
    with Lease(tmp_path):
        mine = owner_of(tmp_path)
    assert mine.alive_here() is True
    assert dataclasses.replace(mine, machine="another").alive_here() is None
    assert dataclasses.replace(mine, started="1").alive_here() is False
    assert owner.process_start(mine.pid) == mine.started
