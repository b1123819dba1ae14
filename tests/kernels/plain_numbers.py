"""NumPy arrays with the methods of traced numbers: the algebra of kernels runs on them."""

import numpy as np


class PlainNumbers(np.ndarray):
    """Arrays with the methods that traced numbers have, but for fused multiply-adds."""

    def rint(self):
        return np.rint(self)

    def sqrt(self):
        return np.sqrt(self)

    def reciprocal(self):
        return 1 / self

    def maximum(self, other):
        return np.maximum(self, other)

    def at_least(self, other, yes, no):
        return np.where(self >= other, yes, no).view(PlainNumbers)

    def power_of_two(self):
        return np.exp2(self)

    def mantissa_exponent(self):
        mantissa, exponent = np.frexp(np.asarray(self))
        return numbers(2 * mantissa), numbers(exponent - 1.0)


class Words(np.ndarray):
    """Integers with the methods that traced ones have."""

    def to_real(self):
        return numbers(self)


def numbers(values):
    return np.array(values, float).view(PlainNumbers)
