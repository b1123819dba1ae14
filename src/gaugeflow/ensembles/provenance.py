"""Where a file comes from: code, libraries and inputs; no user, host or date, so that equal work gives equal bytes."""

import os
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

import h5py

import gaugeflow

LIBRARIES = ("h5py", "mpi4py", "numba", "numpy")
"""Distributions whose version may move the last bit of a number or of a file."""

COMMIT_VARIABLE = "GAUGEFLOW_COMMIT"
"""Environment variable that names the commit where the package runs without its repository (containers)."""


def provenance(inputs: Mapping[str, str]) -> dict:
    """Content of the attribute `provenance`.

    inputs    name -> content_sha256 of every file that was read
    """
    return {
        "commit": commit(),
        "gaugeflow": gaugeflow.__version__,
        "inputs": dict(inputs),
        "libraries": {**{name: _version(name) for name in LIBRARIES}, "hdf5": h5py.version.hdf5_version},
        "python": platform.python_version(),
    }


def commit() -> str:
    """Commit of the running code: 40 hex digits, then "-dirty" if the package differs; "unknown" outside git."""
    return os.environ.get(COMMIT_VARIABLE) or _commit_of_repository()


@cache
def _commit_of_repository() -> str:
    package = Path(gaugeflow.__file__).resolve().parent
    if package.parent.name != "src":  # installed somewhere: a repository around it is not ours
        return "unknown"
    head = _git(package, "rev-parse", "HEAD")
    if head is None:
        return "unknown"
    changes = _git(package, "status", "--porcelain", "--", ".")
    return head if changes == "" else f"{head}-dirty"


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
