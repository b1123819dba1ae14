"""Aligned memory."""

import numpy as np

CACHE_LINE = 64


def aligned_zeros(shape, dtype=np.float64) -> np.ndarray:
    """Zeros whose first element starts a cache line."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    return raw[start : start + size].view(dtype).reshape(shape)
