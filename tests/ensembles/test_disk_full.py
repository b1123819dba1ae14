"""A full disk is one clear error: no output, no temporary, no crash of HDF5, and what was saved before stays."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

WRITE = """
import resource, sys
from pathlib import Path
from ensembles.example import *
from gaugeflow.ensembles.checkpoint import Progress, State
from gaugeflow.errors import GaugeflowError

folder, limit, what = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
spec = make_spec("SU3", (4, 4, 4, 4), chains=1, n=8)
links = random_links(np.random.default_rng(1), "SU3", (4, 4, 4, 4), 1)

def attempt():
    if what == "chunk":
        write_example(folder / "0000.h5", spec=spec)
    else:
        with Progress(folder / "0000.h5", "spec", 0) as progress:
            progress.load()
            for i in range(8):
                progress.save_configuration(i, links, configuration(links).plaquettes)
                progress.save(State(links, i, make_history(0, i + 1, 1), i + 1))
                print("saved", i + 1, flush=True)
                if limit:  # the second state does not fit any more
                    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

if limit and what == "chunk":
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    attempt()
except GaugeflowError as error:
    sys.stderr.write(f"gaugeflow: error: {error}\\n")
    sys.exit(error.exit_code)
"""

LOAD = """
import sys
from gaugeflow.ensembles.checkpoint import Progress
with Progress(sys.argv[1], "spec", 0) as progress:
    print(progress.load().n_saved)
"""


def python(code, *arguments):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)


def assert_one_clear_error(done, folder):
    assert done.returncode == 3, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"gaugeflow: error: {folder}")
    assert "no room to write it" in lines[0]
    assert "run the same command again" in lines[0]


@contextmanager
def tiny_disk(folder, size):
    """A tmpfs of `size` bytes on `folder`; skips where it cannot be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"no tiny disk here: {error}")
    if done.returncode:
        pytest.skip(f"no tiny disk here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("limit", [1, 4096, 200_000, 1_000_000])
def test_chunk_beyond_the_file_size_limit_leaves_nothing(tmp_path, limit):
    done = python(WRITE, tmp_path, limit, "chunk")
    assert_one_clear_error(done, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [4096, 300_000, 1_100_000])
def test_chunk_beyond_the_disk_leaves_nothing(tmp_path, size):
    with tiny_disk(tmp_path / "disk", size) as folder:
        done = python(WRITE, folder, 0, "chunk")
        assert_one_clear_error(done, folder)
        assert list(folder.iterdir()) == []


def test_progress_beyond_the_file_size_limit_keeps_what_was_saved(tmp_path):
    done = python(WRITE, tmp_path, 100_000, "progress")
    assert done.stdout == "saved 1\n"
    assert_one_clear_error(done, tmp_path)
    assert python(LOAD, tmp_path / "0000.h5").stdout == "1\n"


def test_progress_beyond_the_disk_keeps_what_was_saved(tmp_path):
    with tiny_disk(tmp_path / "disk", 1_000_000) as folder:
        done = python(WRITE, folder, 0, "progress")
        assert_one_clear_error(done, folder)
        n_saved = done.stdout.count("saved")
        assert n_saved > 0
        assert not list((folder / "0000.h5.partial").glob(".*"))
        assert python(LOAD, folder / "0000.h5").stdout == f"{n_saved}\n"
