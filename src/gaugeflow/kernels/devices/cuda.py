"""CUDA by CuPy: memory, streams and launches of the kernels' C++ text (`targets.c_source`), compiled by NVRTC.

One stream runs kernels, a second one halo buffers and copies of saved configurations. The text is compiled without
contraction, so that a card rounds as the CPU does wherever both round correctly.
"""

import numpy as np

from gaugeflow.errors import ConfigError

BLOCK_THREADS = 128
"""Threads of a block: two blocks of kernels with 255 registers fit a multiprocessor."""

OPTIONS = ("-std=c++17", "-fmad=false")


def count_devices() -> int:
    """Number of cards that CUDA shows to this process; 0 without CuPy or a driver."""
    return _probe()[0]


def why_not() -> str:
    """Why there is no card: one sentence for error messages and logs."""
    return _probe()[1]


def _probe():
    """(number of cards, why there is none)."""
    try:
        import cupy
    except ImportError:
        return 0, "CuPy is not installed (pip install 'gaugeflow[cuda]')"
    try:
        count = int(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return 0, f"CUDA finds no device ({error})"
    return count, "CUDA shows no device to this process (see CUDA_VISIBLE_DEVICES)"


class CudaDriver:
    """One card.

    text     C++ source of the kernels;  width  lanes of a register in it
    index    which of the cards that this process sees
    direct   MPI reads and writes the card's memory itself; otherwise messages pass through pinned memory
    Raises   ConfigError if there is no card of this index
    """

    name, asynchronous = "cuda", True

    def __init__(self, text: str, width: int, index: int = 0, direct: bool = False):
        if index >= count_devices():
            raise ConfigError(f"device cuda: card {index} was asked for: {why_not()}; use --device cpu")
        import cupy
        import cupyx

        self._cupy, self._pinned = cupy, cupyx.empty_pinned
        self._width, self._direct = width, direct
        cupy.cuda.Device(index).use()
        self._stream, self._side = cupy.cuda.Stream(non_blocking=True), cupy.cuda.Stream(non_blocking=True)
        self._stream.use()
        self._current = self._stream
        self._module = cupy.RawModule(code=text, options=OPTIONS, backend="nvrtc")
        self._kernels: dict = {}
        self.cache_bytes = int(cupy.cuda.Device(index).attributes["L2CacheSize"])

    # ---- memory

    def zeros(self, shape, dtype):
        """Zeros on the card."""
        return self._cupy.zeros(shape, dtype)

    def empty(self, shape, dtype):
        """Memory of any content on the card."""
        return self._cupy.empty(shape, dtype)

    def to_device(self, array: np.ndarray):
        """Host -> card."""
        return self._cupy.asarray(array)

    def to_host(self, field) -> np.ndarray:
        """Card -> host; waits for the kernels before."""
        return field.get(stream=self._stream)

    def address(self, field) -> int:
        """First byte on the card."""
        return field.data.ptr

    def snapshot(self, field):
        """Start a copy into pinned memory beside the kernels; call the result for the array, which waits for it."""
        still = field.copy()  # kernels may change the field at once
        kept = self._pinned(field.shape, field.dtype)
        self._side.wait_event(self._stream.record())
        still.get(stream=self._side, out=kept, blocking=False)
        done = self._side.record()

        def ready(still=still):  # holds the card's memory until the copy is done
            done.synchronize()
            return kept

        return ready

    def copy_where(self, mask: np.ndarray, target, source) -> None:
        """target <- source where `mask`, broadcast."""
        self._cupy.copyto(target, source, where=self._cupy.asarray(mask))

    def fill_lanes(self, field, blocks, lanes, value) -> None:
        """field[:, block, ..., lane] <- value for every pair of a block and a lane."""
        field[:, blocks, ..., lanes] = self._cupy.asarray(value, field.dtype)

    # ---- kernels

    def launch(self, name: str, batches: int, items: int, pieces: int, arguments: list) -> None:
        """One thread per lane of every item, batch and piece, on the stream in use."""
        if items == 0:
            return
        if name not in self._kernels:
            self._kernels[name] = self._module.get_function(name)
        grid = (-(-items * self._width // BLOCK_THREADS), batches, pieces)
        with self._current:
            self._kernels[name](grid, (BLOCK_THREADS,), tuple(arguments))

    def seconds(self, call) -> float:
        """Time of what `call` launches, by the card's clock."""
        began = self._stream.record(self._cupy.cuda.Event())
        call()
        ended = self._stream.record(self._cupy.cuda.Event())
        ended.synchronize()
        return self._cupy.cuda.get_elapsed_time(began, ended) * 1e-3

    # ---- beside the kernels

    def fork(self) -> None:
        """Work from here to `join` goes to the second stream, after all kernels so far."""
        self._side.wait_event(self._stream.record())
        self._current = self._side

    def join(self) -> None:
        """Kernels from here on come after the second stream's work so far."""
        self._stream.wait_event(self._side.record())
        self._current = self._stream

    def settle(self) -> None:
        """Wait for the second stream."""
        self._side.synchronize()

    def buffer(self, shape, dtype):
        """(card, what MPI is given)."""
        card = self._cupy.empty(shape, dtype)
        return card, card if self._direct else self._pinned(shape, dtype)

    def view(self, field):
        """(part of a field, what MPI is given)."""
        return field, field if self._direct else self._pinned(field.shape, field.dtype)

    def send(self, buffer) -> None:
        """Card -> what MPI is given, beside the kernels."""
        card, host = buffer
        if card is not host:
            card.get(stream=self._side, out=host, blocking=False)

    def receive(self, buffer) -> None:
        """What MPI was given -> card, beside the kernels."""
        card, host = buffer
        if card is not host:
            card.set(host, stream=self._side)
