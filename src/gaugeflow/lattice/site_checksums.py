"""CRC-32 of the bytes of every site, as SciDAC's checksums are made of."""

import numpy as np

from gaugeflow.errors import GeometryError
from gaugeflow.kernels.dispatch import crc_of_rows


def crc_of_sites(raw: np.ndarray) -> np.ndarray:
    """zlib.crc32 of every row of `raw` (sites, bytes of a site), uint8; uint32 (sites,). Compiled.

    Raises    GeometryError if `raw` is no such array
    """
    if raw.ndim != 2 or raw.dtype != np.uint8:
        raise GeometryError(f"bytes of sites: got {raw.dtype} {raw.shape}, wanted uint8 (sites, bytes of a site)")
    return crc_of_rows(np.ascontiguousarray(raw))
