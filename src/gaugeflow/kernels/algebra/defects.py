"""How far a matrix is from the group: squares of the largest element of u^dagger u - 1 and of the determinant's error.

A matrix that holds NaN, infinity or numbers beyond 2^12 has no distance worth a name, and a NaN would be lost in the
search for the largest one: it counts as NOT_FINITE, beyond every true defect.
"""

import sys

import numpy as np

from gaugeflow.kernels.algebra.matrix import fma, fnma, index
from gaugeflow.kernels.algebra.projection import determinant

NOT_FINITE = sys.float_info.max
"""Square of a defect that has no value; the largest number, because it has to win every comparison."""

LARGEST_NORM = 2.0**24
"""Largest tr u^dagger u that is measured: below, no power of it that occurs overflows in float32."""


def _column_norm(n, u, a):
    total = None
    for k in range(n):
        re, im = u[index(n, k, a)], u[index(n, k, a) + 1]
        total = re * re if total is None else fma(re, re, total)
        total = fma(im, im, total)
    return total


def _squared_product(n, u, a, b):
    """|sum_k conj(u_ka) u_kb|^2."""
    re = im = None
    for k in range(n):
        p, q = index(n, k, a), index(n, k, b)
        re = u[p] * u[q] if re is None else fma(u[p], u[q], re)
        re = fma(u[p + 1], u[q + 1], re)
        im = u[p] * u[q + 1] if im is None else fma(u[p], u[q + 1], im)
        im = fnma(u[p + 1], u[q], im)
    return fma(im, im, re * re)


def _norms(n, u):
    return [_column_norm(n, u, a) for a in range(n)]


def _measurable(norms, square):
    """`square` as float64, NOT_FINITE where the matrix is beyond measure (a comparison with NaN is false)."""
    return (-sum(norms[1:], norms[0])).widen().at_least(-LARGEST_NORM, square.widen(), NOT_FINITE)


def unitarity_defect_squared(n, u):
    """max_ab |(u^dagger u - 1)_ab|^2."""
    norms = _norms(n, u)
    worst = None
    for a in range(n):
        defect = norms[a] - 1.0
        squares = [defect * defect] + [_squared_product(n, u, a, b) for b in range(a + 1, n)]
        for square in squares:
            worst = square if worst is None else worst.maximum(square)
    return _measurable(norms, worst)


def determinant_defect_squared(n, special, u):
    """|det u - 1|^2 for SU(N), (|det u| - 1)^2 for U(N)."""
    re, im = determinant(n, u)
    if special:
        re = re - 1.0
        return _measurable(_norms(n, u), fma(im, im, re * re))
    modulus = fma(im, im, re * re).sqrt() - 1.0
    return _measurable(_norms(n, u), modulus * modulus)


def true_defects(squares: np.ndarray) -> np.ndarray:
    """Defects from their largest squares; NaN where some matrix was beyond measure."""
    return np.sqrt(np.where(squares >= NOT_FINITE, np.nan, squares))
