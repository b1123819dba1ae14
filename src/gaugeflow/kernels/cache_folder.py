"""Where compiled kernels lie and what their names say; loads no compiler.

    <cache>/<configuration>_<hash>/<function>-<key>.kernel      one compiled function
    <cache>/<configuration>_<hash>/<function>-<key>.lock        held by the process that compiles it

<hash> is of the sources and versions, <key> of the argument types and the processor (name and features).
`GAUGEFLOW_CACHE_DIR` chooses the folder (default ~/.cache/gaugeflow); it may be shared by ranks, jobs and nodes.
"""

import functools
import hashlib
import logging
import os
import pathlib
import platform
import tempfile
from importlib import metadata

from gaugeflow.errors import FileError

logger = logging.getLogger(__name__)

VARIABLE = "GAUGEFLOW_CACHE_DIR"
SUFFIX = ".kernel"
COMPILERS = ("numba", "llvmlite", "numpy")
"""Distributions whose version decides what compiled code looks like."""


def chosen_folder() -> pathlib.Path:
    """Folder of compiled kernels, which may not exist yet."""
    chosen = os.environ.get(VARIABLE)
    return pathlib.Path(chosen) if chosen else pathlib.Path.home() / ".cache" / "gaugeflow"


@functools.cache
def cache_dir() -> pathlib.Path:
    """Folder of compiled kernels, made and checked to be writable; FileError otherwise (Numba would say nothing)."""
    folder = chosen_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise FileError(
            f"kernel cache {folder} is not writable ({error}); set {VARIABLE} to a folder that is"
        ) from error
    return folder


@functools.cache
def sources_hash() -> str:
    """Hash of every source file of the kernels package and of the versions of Python and the compiler."""
    versions = [platform.python_version(), *(metadata.version(name) for name in COMPILERS)]
    digest = hashlib.sha256(" ".join(versions).encode())
    root = pathlib.Path(__file__).resolve().parent
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def keep(path: pathlib.Path, content: bytes) -> None:
    """Write a file that appears whole or not at all; a full disk costs the file, not the run, and is logged."""
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        logger.warning("%s cannot be kept: %s", path, error)
        temporary.unlink(missing_ok=True)


def kernel_files(folder: pathlib.Path) -> dict[pathlib.Path, int]:
    """Every compiled function below a cache folder with its size in bytes."""
    return {path: path.stat().st_size for path in folder.glob(f"*/*{SUFFIX}")}
