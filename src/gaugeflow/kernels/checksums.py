"""CRC-32 of many rows of bytes, the one of zlib, PNG and SciDAC (reflected, polynomial 0xEDB88320).

A row is a polynomial over bits, its checksum the remainder after division. Processors that multiply without carries
fold 64 bytes at a time onto the next 64 (Gopal et al., "Fast CRC computation for generic polynomials using PCLMULQDQ
instruction", Intel 2009): what stands T bits ahead is multiplied by x^T modulo the polynomial. The last 16 bytes, rows
too short to fold, and other processors go through tables, 16 bytes at a time (Kounavis and Berry, IEEE ISCC 2005).
"""

import functools

import numba
import numpy as np

from gaugeflow.kernels.memory import address
from gaugeflow.kernels.targets.cache import JIT, cached_jit
from gaugeflow.kernels.targets.words import (
    HAS_CARRYLESS,
    exclusive_or,
    first_word,
    fold,
    load_byte,
    load_pair,
    load_u64,
    make_pair,
    second_word,
)

__all__ = ["HAS_CARRYLESS", "by_folding", "by_tables", "crc_of_rows", "tables"]

POLYNOMIAL = 0xEDB88320
START = np.uint64(0xFFFFFFFF)
"""What a remainder starts with and is combined with at the end."""

STEP = 16
FOLDED = 64
"""Bytes folded at a time: four registers."""


def _times_x(value: int, power: int) -> int:
    for _ in range(power):
        value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
    return value


@functools.cache
def tables() -> np.ndarray:
    """Row k: remainder of a byte that k zero bytes follow, (16, 256) uint32."""
    rows = [np.array([_times_x(byte, 8) for byte in range(256)], np.uint32)]
    for _ in range(1, STEP):
        rows.append(rows[0][rows[-1] & 255] ^ rows[-1] >> 8)
    return np.array(rows)


def _factors(bits: int) -> tuple[np.uint64, np.uint64]:
    """x^(bits + 32) and x^(bits - 32) modulo the polynomial: the factors of the two words of a register."""
    one = 1 << 31  # x^0, reflected
    return tuple(np.uint64(_times_x(one, bits + d) << 1) for d in (32, -32))


FAR = _factors(8 * FOLDED)
NEAR = _factors(8 * STEP)
inline = numba.njit(inline="always", **JIT)


@inline
def _sixteen(first, second, table):
    """Remainder of 16 bytes that start with zero."""
    crc = np.uint64(0)
    for k in range(8):
        shift = np.uint64(8 * k)
        crc ^= np.uint64(table[15 - k, first >> shift & np.uint64(255)])
        crc ^= np.uint64(table[7 - k, second >> shift & np.uint64(255)])
    return crc


@inline
def _chunk(crc, place, table):
    """Remainder after the 16 bytes at `place`."""
    return _sixteen(load_u64(place) ^ crc, load_u64(place + 8), table)


@inline
def _bytewise(crc, place, stop, table):
    """Remainder after the bytes from `place` to `stop`."""
    while place + STEP <= stop:
        crc = _chunk(crc, place, table)
        place += STEP
    while place < stop:
        crc = np.uint64(table[0, (crc ^ load_byte(place)) & np.uint64(255)]) ^ crc >> np.uint64(8)
        place += 1
    return crc


@cached_jit
def by_tables(place, length, table, out):
    """out[i] = CRC-32 of row i; rows of `length` bytes lie one after the other from the address `place`.

    Two rows at a time: a row's next table entries depend on its last ones, so one alone waits for the cache.
    """
    pairs = len(out) // 2 * 2
    for i in range(0, pairs, 2):
        at = place + i * length
        stop = at + length
        a = b = START
        while at + STEP <= stop:
            a = _chunk(a, at, table)
            b = _chunk(b, at + length, table)
            at += STEP
        out[i] = _bytewise(a, at, stop, table) ^ START
        out[i + 1] = _bytewise(b, at + length, stop + length, table) ^ START
    if pairs < len(out):
        start = place + pairs * length
        out[pairs] = _bytewise(START, start, start + length, table) ^ START


@cached_jit
def by_folding(place, length, table, out):
    """The same for processors that multiply without carries."""
    far, near = make_pair(FAR[0], FAR[1]), make_pair(NEAR[0], NEAR[1])
    for i in range(len(out)):
        at = place + i * length
        stop = at + length
        crc = START
        if length >= FOLDED:
            a = exclusive_or(load_pair(at), make_pair(START, np.uint64(0)))
            b, c, d = load_pair(at + 16), load_pair(at + 32), load_pair(at + 48)
            at += FOLDED
            while at + FOLDED <= stop:
                a = fold(a, far, load_pair(at))
                b = fold(b, far, load_pair(at + 16))
                c = fold(c, far, load_pair(at + 32))
                d = fold(d, far, load_pair(at + 48))
                at += FOLDED
            d = fold(fold(fold(a, near, b), near, c), near, d)
            while at + STEP <= stop:
                d = fold(d, near, load_pair(at))
                at += STEP
            crc = _sixteen(first_word(d), second_word(d), table)
        out[i] = _bytewise(crc, at, stop, table) ^ START


def crc_of_rows(rows: np.ndarray) -> np.ndarray:
    """CRC-32 of every row of contiguous bytes (rows, length), uint32."""
    out = np.empty(len(rows), np.uint32)
    compute = by_folding if HAS_CARRYLESS else by_tables
    compute(address(rows), rows.shape[1], tables(), out)
    return out
