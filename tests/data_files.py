"""Readers for the files of other codes in tests/data."""

import struct
from pathlib import Path

import numpy as np

DATA = Path(__file__).with_name("data")
VERSION_5, OLD_VERSION = 20103, 59354


def read_milc(path) -> np.ndarray:
    """Links [1, t, z, y, x, mu, a, b] complex128 of a MILC file, version 5 or 1 to 4, of either byte order."""
    raw = (DATA / path).read_bytes()
    order = next(o for o in "<>" if struct.unpack(f"{o}i", raw[:4])[0] in (VERSION_5, OLD_VERSION))
    magic, x, y, z, t = struct.unpack(f"{order}5i", raw[:20])
    start = {VERSION_5: 96, OLD_VERSION: 28}[magic]
    numbers = np.frombuffer(raw, f"{order}f4", offset=start).astype(np.float64)
    return numbers.view(np.complex128).reshape(1, t, z, y, x, 4, 3, 3)
