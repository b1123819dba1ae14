"""The kernel cache: every kernel is compiled once, whoever starts when and whoever dies; nothing damaged is loaded."""

import errno
import fcntl
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from house import run

from gaugeflow.kernels.cache_folder import kernel_files
from gaugeflow.kernels.targets import cache, file_lock
from gaugeflow.kernels.targets.cache import cached_jit, watching
from gaugeflow.kernels.targets.file_lock import FileLock

PROGRAM = Path(__file__).with_name("cold_start.py")
KERNELS = {"share_program", "random_links", "gaussian_momenta", "drift"}


def start(folder, *words):
    """The program in a process of its own, with its cache in `folder`."""
    environment = {**os.environ, "GAUGEFLOW_CACHE_DIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, PROGRAM, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def counts(processes):
    """Kernels that every process compiled; all must succeed."""
    out = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), out
    return [int(text) for text, _ in out]


def names(folder):
    """Kernels that lie in a cache."""
    return [path.name.split("-")[0] for path in kernel_files(folder)]


def test_four_processes_at_once_compile_what_one_does_and_a_later_one_nothing(tmp_path):
    assert sum(counts([start(tmp_path) for _ in range(4)])) == len(KERNELS)
    assert sorted(names(tmp_path)) == sorted(KERNELS)
    assert counts([start(tmp_path)]) == [0]


def test_a_killed_compiler_blocks_nobody_and_leaves_nothing_half(tmp_path):
    first = start(tmp_path, "die", "random_links")
    while not list(tmp_path.glob("*/random_links-*.lock")) and first.poll() is None:
        time.sleep(0.005)
    others = counts([start(tmp_path) for _ in range(3)])
    assert first.wait(60) == -signal.SIGKILL
    first.communicate()
    assert sum(others) == len(KERNELS) - 1  # the killed process had finished share_program
    assert sorted(names(tmp_path)) == sorted(KERNELS)


def test_another_processor_gets_entries_of_its_own(tmp_path):
    for processor in ("generic", "generic", "x86-64-v3"):
        done = run("python", PROGRAM, "function", GAUGEFLOW_CACHE_DIR=str(tmp_path), NUMBA_CPU_NAME=processor)
        assert done.returncode == 0, done.stderr
    assert names(tmp_path) == ["twice", "twice"]


def thrice(x):
    """A function to compile."""
    return 3 * x


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache of this process, cold."""
    monkeypatch.setattr(cache, "cache_dir", lambda: tmp_path)
    return tmp_path


def compilations(call):
    """Number of compilations while `call` runs."""
    found = []
    with watching(lambda *event: found.append(event)):
        call()
    return len(found)


def use():
    assert cached_jit(thrice)(2.0) == 6.0


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"", lambda b: b[:60] + b"x" + b[61:]])
def test_a_damaged_entry_is_compiled_anew(folder, caplog, damage):
    assert compilations(use) == 1
    (path,) = kernel_files(folder)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    with caplog.at_level(logging.WARNING):
        assert compilations(use) == 1
    assert "is damaged" in caplog.text
    assert compilations(use) == 0


def test_a_full_disk_costs_the_entry_and_not_the_run(folder, caplog, monkeypatch):
    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert compilations(use) == 1
    assert "cannot be kept" in caplog.text
    assert kernel_files(folder) == {}


def test_without_locks_everybody_compiles_and_says_so(folder, caplog, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert compilations(use) == 1
    assert "has no locks" in caplog.text
    assert compilations(use) == 0


def test_waiting_for_a_lock_is_said_and_ends(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(file_lock, "NOTICE_SECONDS", 0.02)
    holder, waiting = FileLock(tmp_path / "a.lock"), FileLock(tmp_path / "a.lock", timeout=0.2)
    assert holder.acquire("holding")
    with caplog.at_level(logging.INFO):
        assert not waiting.acquire("waiting")
    assert "waiting for another process" in caplog.text
    assert "going on without" in caplog.text
    holder.release()
    assert waiting.acquire("waiting")
    waiting.release()


def test_what_a_killed_process_left_is_removed(folder):
    use()
    (path,) = kernel_files(folder)
    path.unlink()
    left = path.with_suffix(".123.tmp")
    left.write_bytes(b"half")
    use()
    assert not left.exists()
