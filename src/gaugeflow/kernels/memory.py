"""Aligned memory and the movement of halo lanes."""

import numpy as np

from gaugeflow.kernels.targets.cache import cached_jit

CACHE_LINE = 64


def aligned_zeros(shape, dtype=np.float64) -> np.ndarray:
    """Zeros whose first element starts a cache line."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    return raw[start : start + size].view(dtype).reshape(shape)


@cached_jit
def pack_lanes(field, positions, buffer):
    """buffer[batch, i, :] = field[batch, block, :, lane] for positions[i] = block W + lane."""
    width = field.shape[3]
    for batch in range(field.shape[0]):
        for i in range(positions.shape[0]):
            block, lane = positions[i] // width, positions[i] % width
            for k in range(field.shape[2]):
                buffer[batch, i, k] = field[batch, block, k, lane]


@cached_jit
def unpack_lanes(field, positions, buffer):
    """field[batch, block, :, lane] = buffer[batch, i, :] for positions[i] = block W + lane."""
    width = field.shape[3]
    for batch in range(field.shape[0]):
        for i in range(positions.shape[0]):
            block, lane = positions[i] // width, positions[i] % width
            for k in range(field.shape[2]):
                field[batch, block, k, lane] = buffer[batch, i, k]
