"""The virtual environment with a parallel HDF5: built once by install.sh, kept in the user's cache folder."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from house import REPOSITORY

INSTALL = Path(__file__).with_name("install.sh")
MISSING = 77


def parallel_environment() -> Path:
    """Folder of the environment; skips with the reason where something that its build needs is missing."""
    versions = INSTALL.read_bytes() + (REPOSITORY / "requirements.lock").read_bytes() + sys.version.encode()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "gaugeflow-tests" / f"parallel-hdf5-{hashlib.sha256(versions).hexdigest()[:12]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["PYTHON"] = str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}")
    done = subprocess.run(["sh", INSTALL, folder], capture_output=True, text=True, env=environment, timeout=1200)
    if done.returncode == MISSING:
        pytest.skip(f"no parallel HDF5: {done.stdout.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder
