"""Aligned memory."""

import numpy as np

CACHE_LINE = 64


def aligned_zeros(shape) -> np.ndarray:
    """float64 zeros whose first element starts a cache line."""
    size = int(np.prod(shape))
    raw = np.zeros(8 * size + CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    return raw[start : start + 8 * size].view(np.float64).reshape(shape)
