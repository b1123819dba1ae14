"""Exponentials of anti-hermitian matrices.

SU(N): Cayley-Hamilton, X^N as a combination of lower powers with real coefficients, and the Taylor series to
`series_terms` by a Horner scheme in those coefficients: no trigonometry, no special cases, no branches. For a
Frobenius norm |X| <= 1 the neglected terms are below 1e-17 (|X|^19 / 19!), in float32 below 3e-9 (|X|^12 / 12!), a
twentieth of its rounding error. `by_squaring` covers |X| <= 2^SQUARINGS
with a rounding error of about 2^SQUARINGS times epsilon; kernels use it only in lanes where the series does not reach.
U(1): sine and cosine after Cody-Waite reduction, for angles up to 1e5.
"""

from math import factorial

from gaugeflow.kernels.algebra.elementary import sincos
from gaugeflow.kernels.algebra.matrix import algebra_product, fma, fnma, full_matrix, index, multiply

SERIES_NORM_SQUARED = 1.0
"""The series is used while -tr X^2 is at most this."""

SQUARINGS = 8
"""Halvings and squarings of the slow path: exact to rounding for -tr X^2 up to 4^SQUARINGS."""


SERIES_TERMS = {"float64": 18, "float32": 11}
"""Highest power of the Taylor series up to N = 3."""


def series_terms(n, precision="float64"):
    """Highest power kept in the Taylor series."""
    return SERIES_TERMS[precision] + 2 * max(0, n - 3)


def exponential(n, p, one, zero, precision="float64"):
    """exp(X) of a compact algebra element with -tr X^2 <= SERIES_NORM_SQUARED (any angle for N = 1)."""
    if n == 1:
        sine, cosine = sincos(p[0])
        return [cosine, sine]
    return {2: _series_su2, 3: _series_su3}[n](p, one, zero, series_terms(n, precision))


def by_squaring(n, p, one, zero):
    """exp(X) = (exp(X / 2^s))^(2^s), s = SQUARINGS."""
    result = exponential(n, [x * 0.5**SQUARINGS for x in p], one, zero)
    for _ in range(SQUARINGS):
        result = multiply(n, result, result)
    return result


def _series_su2(p, one, zero, terms):
    """X^2 = -r with r = -tr X^2 / 2: exp X = c(r) + s(r) X, c = cos sqrt r, s = sin sqrt r / sqrt r as series in r."""
    r = algebra_product(2, p, p) * 0.5
    top = terms // 2
    c, s = one * ((-1) ** top / factorial(2 * top)), one * ((-1) ** top / factorial(2 * top + 1))
    for k in range(top - 1, -1, -1):
        c = fma(c, r, one * ((-1) ** k / factorial(2 * k)))
        s = fma(s, r, one * ((-1) ** k / factorial(2 * k + 1)))
    x = full_matrix(2, p, zero)
    out = [s * y for y in x]
    for i in range(2):
        out[index(2, i, i)] = c
    return out


def _determinant_su3(p):
    """Real d with det X = i d, for X = i H: d = -det H."""
    h0, h1, h2 = p[0], p[1], p[2]
    r01, m01, r02, m02, r12, m12 = p[3:9]
    re, im = fnma(r01, r12, m01 * m12), -fma(r01, m12, m01 * r12)
    cross = fma(re, m02, -(im * r02))
    minor0 = fnma(m12, m12, h1 * h2) - r12 * r12
    det = h0 * minor0 - h1 * fma(m02, m02, r02 * r02) - h2 * fma(m01, m01, r01 * r01) + cross * 2.0
    return -det


def _square_su3(p):
    """X^2 of an anti-hermitian X, which is hermitian: its real diagonal, then (re, im) of (0, 1), (0, 2), (1, 2)."""
    h0, h1, h2 = p[0], p[1], p[2]
    r01, m01, r02, m02, r12, m12 = p[3:9]
    n01, n02, n12 = fma(r01, r01, m01 * m01), fma(r02, r02, m02 * m02), fma(r12, r12, m12 * m12)
    diagonal = [fnma(h0, h0, -(n01 + n02)), fnma(h1, h1, -(n01 + n12)), fnma(h2, h2, -(n02 + n12))]
    s01, s02, s12 = h0 + h1, h0 + h2, h1 + h2
    return (
        diagonal,
        (fnma(s01, m01, fnma(r02, r12, -(m02 * m12))), fma(s01, r01, fnma(m02, r12, r02 * m12))),
        (fnma(s02, m02, fnma(m01, m12, r01 * r12)), fma(s02, r02, fma(r01, m12, m01 * r12))),
        (fnma(s12, m12, fnma(r01, r02, -(m01 * m02))), fma(s12, r12, fnma(r01, m02, m01 * r02))),
    )


def _series_su3(p, one, zero, top):
    """X^3 = t X + i d with t = tr X^2 / 2 <= 0, det X = i d; exp X = q0 + q1 X + q2 X^2 by Horner."""
    t = algebra_product(3, p, p) * (-0.5)
    d = _determinant_su3(p)
    q0r, q0i, q1r, q1i, q2r, q2i = one * (1.0 / factorial(top)), zero, zero, zero, zero, zero
    for k in range(top - 1, -1, -1):
        n0r, n0i = fnma(d, q2i, one * (1.0 / factorial(k))), d * q2r
        n1r, n1i = fma(t, q2r, q0r), fma(t, q2i, q0i)
        q0r, q0i, q1r, q1i, q2r, q2i = n0r, n0i, n1r, n1i, q1r, q1i
    diagonal, *upper = _square_su3(p)
    out = [None] * 18
    for i in range(3):
        k = index(3, i, i)
        out[k], out[k + 1] = q0r + fnma(q1i, p[i], q2r * diagonal[i]), q0i + fma(q1r, p[i], q2i * diagonal[i])
    for (i, j), r, m, (a, b) in zip(((0, 1), (0, 2), (1, 2)), p[3::2], p[4::2], upper, strict=True):
        # X_ij = r + i m, X_ji = -r + i m, (X^2)_ij = a + i b, (X^2)_ji = a - i b
        k, transposed = index(3, i, j), index(3, j, i)
        even, odd = fnma(q1i, m, q2r * a), fnma(q2i, b, q1r * r)
        out[k], out[transposed] = even + odd, even - odd
        even, odd = fma(q1r, m, q2i * a), fma(q1i, r, q2r * b)
        out[k + 1], out[transposed + 1] = even + odd, even - odd
    return out
