"""Counter-based random numbers: Philox4x32-10 keyed by the seed; no generator has a state.

Bit table of the 128-bit counter, lowest bits first. It is part of the file format: a change is a new format version.

    global site 40 | chain 24 | trajectory 32 | purpose 8 | direction 3 | draw 21

The site index is that of the whole lattice, x fastest, so neither decomposition nor packing shows. Numbers that belong
to a whole chain (accept or reject) use site 0. `draw` counts Philox calls; each gives four words: two uniforms of
53 bits or two Gaussians. This module is the reference in NumPy; kernels run the functions of
`kernels.algebra.random` in SIMD lanes.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from gaugeflow.errors import ConfigError

FIELD_BITS = {"site": 40, "chain": 24, "trajectory": 32, "purpose": 8, "direction": 3, "draw": 21, "seed": 64}

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
_MASK, _SHIFT = np.uint64(0xFFFFFFFF), np.uint64(32)


class Purpose(IntEnum):
    """Registry of streams: two purposes never share a number. Values are part of the file format."""

    START = 1
    MOMENTA = 2
    ACCEPT = 3
    PILOT_START = 4
    PILOT_MOMENTA = 5
    PILOT_ACCEPT = 6
    HEATBATH = 7
    WINDING = 8
    WINDING_ACCEPT = 9
    EXACT = 10
    VALIDATION = 11
    TRAINING_ORDER = 12
    AUGMENTATION = 13


def check_field(name: str, value: int) -> int:
    """Return `value` if it fits the field `name` of the counter; ConfigError otherwise."""
    if not 0 <= value < 1 << FIELD_BITS[name]:
        raise ConfigError(
            f"random numbers: {name} = {value} does not fit its {FIELD_BITS[name]} bits of the counter; "
            f"use 0 <= {name} < {1 << FIELD_BITS[name]}"
        )
    return value


def philox4x32(counter, key):
    """Ten rounds of Philox4x32 on four and two uint64 arrays (or scalars) of 32-bit words; the kernels' reference."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (p1 >> _SHIFT) ^ c1 ^ k0, p1 & _MASK, (p0 >> _SHIFT) ^ c3 ^ k1, p0 & _MASK
        k0, k1 = (k0 + _WEYL[0]) & _MASK, (k1 + _WEYL[1]) & _MASK
    return c0, c1, c2, c3


def to_uniform(high, low):
    """(v + 1/2) 2^-53 in (0, 1] from 53 of the 64 bits of two words (the largest v rounds to 1)."""
    bits = ((high << np.uint64(21)) ^ (low >> np.uint64(11))) & np.uint64(2**53 - 1)
    return bits.astype(np.float64) * 2.0**-53 + 2.0**-54


@dataclass(frozen=True)
class Stream:
    """Random numbers of one seed and purpose.

    seed      64 bits
    purpose   what the numbers are for
    """

    seed: int
    purpose: Purpose

    def __post_init__(self):
        check_field("seed", self.seed)

    def words(self, *, site=0, chain=0, trajectory=0, direction=0, draw=0) -> np.ndarray:
        """Four 32-bit words of every draw, (4, ...) uint64; the arguments broadcast against each other."""
        fields = {"site": site, "chain": chain, "trajectory": trajectory, "direction": direction, "draw": draw}
        for name, value in fields.items():
            check_field(name, int(np.min(value)))
            check_field(name, int(np.max(value)))
        f = dict(zip(fields, np.broadcast_arrays(*[np.asarray(v, np.uint64) for v in fields.values()]), strict=True))
        counter = (
            f["site"] & _MASK,
            (f["site"] >> np.uint64(32)) | (f["chain"] << np.uint64(8)),
            f["trajectory"],
            np.uint64(self.purpose) | (f["direction"] << np.uint64(8)) | (f["draw"] << np.uint64(11)),
        )
        return np.stack(philox4x32(counter, (np.uint64(self.seed & 0xFFFFFFFF), np.uint64(self.seed >> 32))))

    def uniform(self, **where) -> np.ndarray:
        """Uniforms in (0, 1] with 53 bits; keyword arguments as for `words`."""
        high, low, _, _ = self.words(**where)
        return to_uniform(high, low)
