"""Checksum of each chain of a configuration."""

import zlib

import numpy as np


def chain_checksums(links: np.ndarray) -> list[int]:
    """crc32 of the little-endian bytes of links[c] for every chain c of one configuration (chains, ...)."""
    return [zlib.crc32(np.ascontiguousarray(chain)) for chain in links]
