"""The virtual environment with a parallel HDF5: built once by install.sh, kept in the user's cache folder."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from house import REPOSITORY

INSTALL = Path(__file__).with_name("install.sh")
MISSING = 77


_building: list[subprocess.Popen] = []


def _folder() -> Path:
    versions = INSTALL.read_bytes() + (REPOSITORY / "requirements.lock").read_bytes() + sys.version.encode()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "gaugeflow-tests" / f"parallel-hdf5-{hashlib.sha256(versions).hexdigest()[:12]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder


def begin() -> None:
    """Start the build, a minute's work the first time, beside whatever tests come before."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["PYTHON"] = str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    _building.append(subprocess.Popen(["sh", INSTALL, _folder()], env=environment, start_new_session=True, **pipes))


def end() -> None:
    """Leave no build behind that nobody waited for."""
    for process in _building:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def parallel_environment() -> Path:
    """Folder of the environment; skips with the reason where something that its build needs is missing."""
    if not _building:
        begin()
    out, errors = _building[0].communicate(timeout=1200)
    if _building[0].returncode == MISSING:
        pytest.skip(f"no parallel HDF5: {out.strip().splitlines()[-1]}")
    assert _building[0].returncode == 0, errors[-3000:]
    return _folder()
