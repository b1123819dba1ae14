"""Elementary functions from additions and fused multiply-adds alone, so that every target returns the same bits.

Coefficients are those of the fdlibm kernels (Sun Microsystems, freely distributable), errors below one unit in the
last place of the kernel interval. `x.rint()` rounds to the nearest integer, ties to even.
"""

from gaugeflow.kernels.algebra.matrix import fma, fnma

TWO_OVER_PI = 0.6366197723675814
HALF_PI_PARTS = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21)
SINE = (
    1.58969099521155010221e-10,
    -2.50507602534068634195e-08,
    2.75573137070700676789e-06,
    -1.98412698298579493134e-04,
    8.33333333332248946124e-03,
    -1.66666666666666324348e-01,
)
COSINE = (
    -1.13596475577881948265e-11,
    2.08757232129817482790e-09,
    -2.75573143513906633035e-07,
    2.48015872894767294178e-05,
    -1.38888888888741095749e-03,
    4.16666666666666019037e-02,
)
LOG_EVEN = (1.531383769920937332e-01, 2.222219843214978396e-01, 3.999999999940941908e-01)
LOG_ODD = (1.479819860511658591e-01, 1.818357216161805012e-01, 2.857142874366239149e-01, 6.666666666666735130e-01)
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10


def _horner(coefficients, z):
    total = z * coefficients[0] + coefficients[1]
    for c in coefficients[2:]:
        total = fma(total, z, c)
    return total


def _quadrant(k, r):
    """sin and cos of k pi/2 + r for integer-valued k and |r| <= pi/4."""
    z = r * r
    s = fma(r * z, _horner(SINE, z), r)
    c = fma(z * z, _horner(COSINE, z), fnma(z, 0.5, 1.0))
    odd = k - (k * 0.5 - 0.25).rint() * 2.0
    sine, cosine = fma(odd, c - s, s), fma(odd, s - c, c)
    half = (k * 0.5 - 0.25).rint()
    flip_sine = half - (half * 0.5 - 0.25).rint() * 2.0
    half = ((k + 1.0) * 0.5 - 0.25).rint()
    flip_cosine = half - (half * 0.5 - 0.25).rint() * 2.0
    return sine * (flip_sine * -2.0 + 1.0), cosine * (flip_cosine * -2.0 + 1.0)


def sincos(x):
    """sin x and cos x for |x| < 1e5."""
    k = (x * TWO_OVER_PI).rint()
    r = x
    for part in HALF_PI_PARTS:
        r = fnma(k, part, r)
    return _quadrant(k, r)


def sincos_of_any(x):
    """sin x and cos x in the precision of x, computed in float64: reducing an angle takes digits float32 has not."""
    if not hasattr(x, "widen"):
        return sincos(x)
    return tuple(y.like(x) for y in sincos(x.widen()))


def sincos_turns(u):
    """sin 2 pi u and cos 2 pi u for 0 <= u <= 1."""
    t = u * 4.0
    k = t.rint()
    return _quadrant(k, (t - k) * 1.5707963267948966)


def log(mantissa, exponent):
    """Natural logarithm of mantissa 2^exponent, sqrt(1/2) <= mantissa < sqrt(2), exponent integer-valued."""
    f = mantissa - 1.0
    s = f / (f + 2.0)
    z = s * s
    w = z * z
    even = w * _horner(LOG_EVEN, w)
    odd = z * _horner(LOG_ODD, w)
    half_square = f * f * 0.5
    correction = fma(s, half_square + (even + odd), exponent * LN2_LOW)
    return fma(exponent, LN2_HIGH, f - (half_square - correction))
