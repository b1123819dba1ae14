"""A sum whose value does not depend on order, lanes, threads, ranks or device.

Every term is split into two integer-valued doubles x = (high + low / 2^28) / 2^20 to within 2^-49; these add exactly
while partial sums stay below 2^53, and as int64 after that.
"""

import numpy as np

HIGH_SCALE, LOW_SCALE = 2.0**20, 2.0**28
LARGEST = 2.0**62
"""Accumulators beyond it are no integers of 64 bits."""

TERMS = 1 << 25
"""Terms of magnitude up to 2^8 that one pair of float accumulators takes before an addition could round."""


def split(x):
    """(high, low) of one term; `x.rint()` rounds to the nearest integer."""
    scaled = x * HIGH_SCALE
    high = scaled.rint()
    return high, ((scaled - high) * LOW_SCALE).rint()


def totals(accumulators):
    """Integer sums (.., high, low, bad) over the first axis of accumulators (copies, .., 2); bad > 0 where one is not
    finite, or so large that it is no sum of terms that a lattice has."""
    usable = np.abs(accumulators) < LARGEST
    out = np.zeros((*accumulators.shape[1:-1], 3), np.int64)
    if not usable.all():
        out[..., 2] = (~usable).any((0, -1))
        accumulators = np.where(usable, accumulators, 0.0)
    np.add.reduce(accumulators.astype(np.int64), 0, out=out[..., :2])
    return out


def join(high, low):
    """Correctly rounded floats of exact sums from their integer totals, int64 arrays of equal shape."""
    high, low = np.asarray(high), np.asarray(low)
    carry = (low + int(LOW_SCALE) // 2) // int(LOW_SCALE)
    whole, rest = high + carry, low - carry * int(LOW_SCALE)
    out = np.asarray((whole + rest / LOW_SCALE) / HIGH_SCALE)  # exact terms below 2^53: only + rounds
    for where in map(tuple, np.argwhere(np.abs(whole) >= 1 << 53)):
        out[where] = (int(high[where]) * int(LOW_SCALE) + int(low[where])) / int(HIGH_SCALE * LOW_SCALE)
    return out[()]
