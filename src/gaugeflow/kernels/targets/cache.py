"""Compiled kernels on disk, shared by all processes that want them: one compiles, the others wait and load.

Numba's cache does not look at module globals and its index file loses entries of processes that save at once. Here
every (function, argument types, processor) is a file of its own, which appears whole or not at all, in a folder whose
name carries a hash of sources and versions (`kernels.cache_folder`). A file that is cut or damaged is compiled anew.
"""

import contextlib
import functools
import hashlib
import logging
import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import numba
from numba.core.caching import FunctionCache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from gaugeflow.errors import FileError
from gaugeflow.kernels.cache_folder import SUFFIX, cache_dir, keep, sources_hash
from gaugeflow.kernels.targets.file_lock import FileLock

__all__ = ["JIT", "Compiled", "cache_dir", "cached_jit", "numba_cache", "shared_jit", "sources_hash", "watching"]

JIT = {"error_model": "numpy", "boundscheck": False, "nogil": True}
HEAD = b"gaugeflow kernel 1\n"

logger = logging.getLogger(__name__)

Compiled = Callable[[str, str, float], None]
"""Called with (configuration, function, seconds) after every compilation."""

_watchers: list[Compiled] = []
_folder: list[Path] = []


@contextlib.contextmanager
def watching(watcher: Compiled):
    """Context in which `watcher` hears of every compilation of this process."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


class _KernelFiles:
    """The files of one function; takes the place of Numba's index and data files."""

    def __init__(self, folder: Path, name: str):
        self._folder, self._name = folder, name

    def path(self, key) -> Path:
        """File of one (argument types, processor, bytecode)."""
        return self._folder / f"{self._name}-{hashlib.sha256(str(key).encode()).hexdigest()[:16]}{SUFFIX}"

    def load(self, key):
        """What was saved, None if there is nothing or if it is damaged."""
        try:
            content = self.path(key).read_bytes()
        except FileNotFoundError:
            return None
        head, digest, body = content[: len(HEAD)], content[len(HEAD) : len(HEAD) + 32], content[len(HEAD) + 32 :]
        if head != HEAD or digest != hashlib.sha256(body).digest():
            logger.warning("%s is damaged and is compiled anew", self.path(key))
            return None
        return pickle.loads(body)  # noqa: S301  written by this program, checksum verified

    def save(self, key, data) -> None:
        """Write the function's file, see `cache_folder.keep`."""
        body = dumps(data)
        keep(self.path(key), HEAD + hashlib.sha256(body).digest() + body)

    def flush(self) -> None:
        """Files are keyed by all that they depend on: nothing is ever out of date."""


class SharedCache(FunctionCache):
    """Numba's cache of one function in our files. On a miss the function's lock is held until `release`."""

    def __init__(self, function, folder: Path):
        # Not the base class's: it would look for a folder beside the sources.
        self._py_func, self._cache_path, self._name = function, str(folder), function.__name__
        self._folder, self._cache_file = folder, _KernelFiles(folder, function.__name__)
        self._lock: FileLock | None = None
        self.missed = False

    def load_overload(self, sig, target_context):
        """The compiled function from disk, or None: then the caller compiles, and saves."""
        target_context.refresh()
        key = self._index_key(sig, target_context.codegen())
        content = self._cache_file.load(key)
        if content is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._cache_file.path(key)
            self._lock = FileLock(path.with_suffix(".lock"))
            if self._lock.acquire(f"compiling {path.name}"):
                self._tidy(path)
            content = self._cache_file.load(key)
        self.missed = content is None
        return None if self.missed else CompileResult._rebuild(target_context, *content)

    def save_overload(self, sig, data):
        """Keep a fresh compilation; FileError for code that holds addresses of this process."""
        if data.lifted or data.library.has_dynamic_globals:
            raise FileError(f"kernel {self._name} cannot be kept on disk: it refers to objects of this process")
        self._cache_file.save(self._index_key(sig, data.codegen), data._reduce())

    def release(self) -> None:
        """Let waiting processes go on."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _tidy(self, path: Path) -> None:
        """Remove what a killed holder of this lock left; listing the folder also shows files new on other nodes."""
        for name in os.listdir(self._folder):
            if name.startswith(f"{path.stem}.") and name.endswith(".tmp"):
                (self._folder / name).unlink(missing_ok=True)


@contextlib.contextmanager
def numba_cache(name: str):
    """Functions declared by `shared_jit` inside keep their compiled code in the folder `name` of the cache."""
    _folder.append(cache_dir() / name)
    try:
        yield
    finally:
        _folder.pop()


def shared_jit(function):
    """numba.njit with our options; compiled code goes to the folder of the surrounding `numba_cache`."""
    dispatcher = numba.njit(**JIT)(function)
    dispatcher._cache = cache = SharedCache(function, _folder[-1])
    compile_now = dispatcher.compile

    @functools.wraps(compile_now)
    def compile_once(sig):
        began, cache.missed = time.perf_counter(), False
        try:
            entry = compile_now(sig)
        finally:
            cache.release()
        if cache.missed:
            seconds = time.perf_counter() - began
            logger.debug("compiled %s of %s in %.2f s", function.__name__, cache._folder.name, seconds)
            for watcher in _watchers:
                watcher(cache._folder.name, function.__name__, seconds)
        return entry

    dispatcher.compile = compile_once
    return dispatcher


def cached_jit(function):
    """`shared_jit` in the folder of the functions that serve all groups."""
    with numba_cache(f"schedule_{sources_hash()}"):
        return shared_jit(function)
