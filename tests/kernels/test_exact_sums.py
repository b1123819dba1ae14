"""Totals of exact sums are rounded once, whatever their size."""

from fractions import Fraction

import numpy as np
import pytest

from gaugeflow.kernels.algebra.exact import HIGH_SCALE, LOW_SCALE, join


@pytest.mark.parametrize("bits", [10, 40, 52, 53, 54, 60])
def test_totals_are_the_nearest_floats_of_the_exact_value(bits):
    random = np.random.default_rng(bits)
    high = random.integers(-(2**bits), 2**bits, (200, 3))
    low = random.integers(-(2**55), 2**55, (200, 3))
    scale = int(HIGH_SCALE * LOW_SCALE)
    exact = [
        [float(Fraction(int(h) * int(LOW_SCALE) + int(x), scale)) for h, x in zip(*row, strict=True)]
        for row in zip(high, low, strict=True)
    ]
    assert np.array_equal(join(high, low), exact)
