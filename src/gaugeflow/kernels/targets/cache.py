"""Compiled kernels on disk: one folder per configuration, its name keyed by everything it depends on.

Numba's cache does not look at module globals, so the folder's name carries a hash of the kernel sources, the Numba
version and the configuration. `GAUGEFLOW_CACHE_DIR` chooses the folder (default ~/.cache/gaugeflow).
"""

import contextlib
import functools
import hashlib
import os
import pathlib
import tempfile

import numba

from gaugeflow.errors import FileError

JIT = {"error_model": "numpy", "boundscheck": False, "nogil": True, "cache": True}


@functools.cache
def cache_dir() -> pathlib.Path:
    """Folder of compiled kernels, made and checked to be writable; FileError otherwise (Numba would say nothing)."""
    chosen = os.environ.get("GAUGEFLOW_CACHE_DIR")
    folder = pathlib.Path(chosen) if chosen else pathlib.Path.home() / ".cache" / "gaugeflow"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise FileError(
            f"kernel cache {folder} is not writable ({error}); set GAUGEFLOW_CACHE_DIR to a folder that is"
        ) from error
    return folder


@functools.cache
def sources_hash() -> str:
    """Hash of every source file of the kernels package and of the Numba version."""
    digest = hashlib.sha256(numba.__version__.encode())
    root = pathlib.Path(__file__).resolve().parent.parent
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def numba_cache(name: str):
    """Numba caches functions that are declared inside in a folder of their own: it names entries by source file."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(cache_dir() / name)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


def cached_jit(function):
    """numba.njit with our options and our cache folder."""
    with numba_cache(f"schedule_{sources_hash()}"):
        return numba.njit(**JIT)(function)
