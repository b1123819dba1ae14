"""Exponentials of anti-hermitian matrices.

SU(N): Cayley-Hamilton, X^N as a combination of lower powers with real coefficients, and the Taylor series to
`series_terms` by a Horner scheme in those coefficients: no trigonometry, no special cases, no branches. SU(2) and
SU(3) are written out, N >= 4 is `cayley_hamilton`. `by_squaring` covers |X| <= 2^SQUARINGS with a rounding error of
about 2^SQUARINGS times epsilon; kernels use it only in lanes where the series does not reach.
U(N): X = i phi + traceless part, phi = -i tr X / N; sine and cosine of phi after Cody-Waite reduction, for angles up
to 1e5, times the exponential of the traceless part, which alone decides whether the series reaches.
"""

from math import factorial

from gaugeflow.kernels.algebra import cayley_hamilton
from gaugeflow.kernels.algebra.elementary import sincos_of_any
from gaugeflow.kernels.algebra.matrix import (
    algebra_product,
    fma,
    fnma,
    full_matrix,
    index,
    multiply,
    times_phase,
    traceless,
)

SERIES_NORM_SQUARED = 1.0
"""The series is used while -tr X^2 of the traceless part is at most this."""

SQUARINGS = 8
"""Halvings and squarings of the slow path: exact to rounding for -tr X^2 up to 4^SQUARINGS."""


def series_terms(n, precision="float64"):
    """Highest power kept in the Taylor series, for every N.

    What is left out is in norm below sum_{k > T} r^k / k! < 1.06 r^(T+1) / (T+1)!, r the largest |eigenvalue|. For a
    traceless X r^2 <= (1 - 1/N) (-tr X^2) < 1: 9e-18 for T = 18, a twentieth of the last place of 1; 2e-9 for T = 11, a
    fiftieth of it in float32. Reduction by the characteristic polynomial is exact and adds rounding only.
    """
    return {"float64": 18, "float32": 11}[precision]


def series_norm_squared(n, special, p):
    """-tr X^2 of the traceless part, to be compared with SERIES_NORM_SQUARED; the series always reaches for N = 1."""
    x = p if special else traceless(n, p, True)
    return algebra_product(n, x, x)


def exponential(n, special, p, one, zero, precision="float64"):
    """exp(X) of a compact algebra element whose `series_norm_squared` is at most SERIES_NORM_SQUARED.

    precision   of the numbers, which decides how many terms the series has
    """
    if n == 1:
        sine, cosine = sincos_of_any(p[0])
        return [cosine, sine]
    x = p if special else traceless(n, p, True)
    return _with_phase(n, special, p, _series(n, x, one, zero, series_terms(n, precision)))


def by_squaring(n, special, p, one, zero, choose):
    """exp(X), as (exp(X / 2^s))^(2^s), s = SQUARINGS, where the series does not reach; N >= 2.

    choose(a, b)   a where the argument is beyond the series, b elsewhere, for numbers a and b
    """
    x = p if special else traceless(n, p, True)
    short = _series(n, [choose(y * 0.5**SQUARINGS, y) for y in x], one, zero, series_terms(n))
    long = short
    for _ in range(SQUARINGS):
        long = multiply(n, long, long)
    return _with_phase(n, special, p, [choose(a, b) for a, b in zip(long, short, strict=True)])


def _series(n, p, one, zero, top):
    if n == 2:
        return _series_su2(p, one, zero, top // 2)
    if n == 3:
        return _series_su3(p, one, zero, top)
    return cayley_hamilton.exponential(n, p, top, one, zero)


def _with_phase(n, special, p, u):
    """e^{i phi} u for U(N), phi the mean of the imaginary diagonal of p; u for SU(N)."""
    if special:
        return u
    trace = p[0]
    for i in range(1, n):
        trace = trace + p[i]
    sine, cosine = sincos_of_any(trace * (1.0 / n))
    return times_phase(u, cosine, sine)


def _series_su2(p, one, zero, top):
    """X^2 = -r with r = -tr X^2 / 2: exp X = c(r) + s(r) X, c = cos sqrt r, s = sin sqrt r / sqrt r as series in r."""
    r = algebra_product(2, p, p) * 0.5
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
