"""The CUDA source compiled for the host, and a driver that launches it: every thread runs, one after the other.

With this driver all of `kernels.devices.gpu` and of the exchange of halos runs where no card is.
"""

import ctypes
import hashlib
import subprocess
import time
from functools import cache
from pathlib import Path

import numpy as np

from gaugeflow.kernels.devices.gpu import GpuDevice
from gaugeflow.kernels.memory import aligned_zeros

WARNINGS = ("-Wall", "-Werror", "-Wno-unused-variable", "-Wno-unused-function", "-Wno-unused-but-set-variable")
FLAGS = ("-std=c++17", "-O1", "-mfma", "-ffp-contract=off", "-fno-strict-aliasing", *WARNINGS, "-shared", "-fPIC")


@cache
def library(folder: Path, text: str) -> ctypes.CDLL:
    """g++'s build of the kernels."""
    path = folder / f"kernels_{hashlib.sha256(text.encode()).hexdigest()[:16]}.so"
    source = path.with_suffix(".cpp")
    source.write_text(text)
    subprocess.run(["g++", *FLAGS, str(source), "-o", str(path)], check=True, capture_output=True, text=True)
    return ctypes.CDLL(str(path))


class HostDriver:
    """What `kernels.devices.cuda.CudaDriver` offers, in this process's memory; what runs beside waits to be settled."""

    name, asynchronous, cache_bytes = "host build", True, 1 << 16

    def __init__(self, folder: Path, text: str):
        self._library = library(folder, text)
        self._beside, self._waiting = False, []

    def zeros(self, shape, dtype):
        return aligned_zeros(shape).astype(dtype)

    def empty(self, shape, dtype):
        return np.full(shape, np.nan, dtype)

    def to_device(self, array):
        return np.array(array)

    def to_host(self, field):
        return field.copy()

    def address(self, field):
        return field.ctypes.data

    def snapshot(self, field):
        kept = field.copy()
        return lambda: kept

    def copy_where(self, mask, target, source):
        np.copyto(target, source, where=mask)

    def fill_lanes(self, field, blocks, lanes, value):
        field[:, blocks, ..., lanes] = value

    def launch(self, name, batches, items, pieces, arguments):
        function = getattr(self._library, f"all_{name}")
        function.restype = None
        sizes = [ctypes.c_int64(x) for x in (batches, items, pieces)]
        passed = [ctypes.c_double(a) if isinstance(a, np.float64) else ctypes.c_int64(int(a)) for a in arguments]
        self._do(lambda: function(*sizes, *passed))

    def _do(self, work):
        if self._beside:
            self._waiting.append(work)
        else:
            work()

    def seconds(self, call):
        started = time.perf_counter()
        call()
        return time.perf_counter() - started

    def fork(self):
        self._beside = True

    def join(self):
        """The kernels' stream waits for the other: here messages have been received, so that work is done now."""
        self._beside = False
        if self._received:
            self.settle()

    _received = False

    def settle(self):
        for work in self._waiting:
            work()
        self._waiting, self._received = [], False

    def buffer(self, shape, dtype):
        return np.full(shape, np.nan, dtype), np.full(shape, np.nan, dtype)

    def view(self, field):
        return field, np.full(field.shape, np.nan, field.dtype)

    def send(self, buffer):
        self._do(lambda: np.copyto(buffer[1], buffer[0]))

    def receive(self, buffer):
        self._received = True
        self._do(lambda: np.copyto(buffer[0], buffer[1]))


def host_device(folder: Path, chunks: int = 1):
    """For `PackedLattice(device=..)`."""
    return lambda kernels, layout, batches, chain, pace: GpuDevice(
        HostDriver(folder, kernels.text), kernels, layout, batches, chain, chunks
    )
