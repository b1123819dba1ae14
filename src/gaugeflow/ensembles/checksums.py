"""Checksum of each chain of a configuration."""

import zlib

import numpy as np


class ChainChecksums:
    """crc32 of the little-endian bytes of links[c] for every chain c of one configuration, from slabs in C order."""

    def __init__(self, chains: int) -> None:
        self.values = [0] * chains

    def update(self, chains: slice, links: np.ndarray) -> None:
        """Add the next slab: links (chains, times, ...)."""
        for c, values in zip(range(chains.start, chains.stop), links, strict=True):
            self.values[c] = zlib.crc32(np.ascontiguousarray(values), self.values[c])
