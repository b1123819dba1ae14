"""Angles of density exp(kappa cos phi) / (2 pi I_0(kappa)) without rejection: the distribution function inverted.

With v = tan(phi / 4), r = 1 / (1 + v^2):  exp(kappa (cos phi - 1)) d phi = exp(-8 kappa v^2 r^2) 4 r dv, a rational
integrand without a trigonometric function, and cos phi = 1 - 8 v^2 r^2. The absolute value of phi lies in 0 <= v <= 1,
or below the v where the exponent is -40: beyond it is less than 1e-17 of the probability, so the range shrinks as
kappa grows and everything is scaled to it.

For a uniform u the mass y = u F(v_max) is placed by halving the range (one Gauss-Legendre integral a level, of as many
nodes as that length needs for 1e-16), then by Halley's steps, each of which subtracts the integral over its own length:
    delta = n / (1 - lambda n / 2),   n = y / p(v),   lambda = -p'(v) / p(v).
The number of steps is fixed; u is met to 3e-15 for every kappa >= 0 (tests).
"""

from decimal import Decimal, localcontext
from functools import cache
from math import cos, factorial, pi

from gaugeflow.kernels.algebra.elementary import LN2_HIGH, LN2_LOW
from gaugeflow.kernels.algebra.matrix import fma, fnma
from gaugeflow.kernels.algebra.random import philox, uniform

LARGEST_EXPONENT = 40.0
"""The exponent 2 kappa sin^2(phi / 2) at the end of the range of kappa > 20."""

HALVINGS = (24, 16, 11, 9, 7, 6)
"""Nodes of the integral over 1/2, 1/4, .. of the range."""

STEPS = (5, 4, 2)
"""Nodes of the integral over every step but the last."""

LOG2_E = 1.4426950408889634
TAYLOR = tuple(1.0 / factorial(k) for k in range(13, -1, -1))
"""exp r for |r| <= log(2) / 2 to 4e-18."""


@cache
def gauss_legendre(n: int) -> tuple[tuple[float, float], ...]:
    """(node, weight) on [0, 1]: Newton's iteration in 40 decimal digits, so that every machine rounds to the same."""
    out = []
    with localcontext() as context:
        context.prec = 40
        for k in range(n):
            x = Decimal(-cos(pi * (k + 0.75) / (n + 0.5)))
            for _ in range(8):
                before, value = Decimal(1), x
                for m in range(2, n + 1):
                    before, value = value, ((2 * m - 1) * x * value - (m - 1) * before) / m
                slope = n * (x * value - before) / (x * x - 1)
                x -= value / slope
            out.append((float((1 + x) / 2), float(1 / ((1 - x * x) * slope * slope))))
    return tuple(out)


def exp_negative(x):
    """exp(-x) for 0 <= x < 700."""
    k = (x * -LOG2_E).rint()
    r = fnma(k, LN2_LOW, fnma(k, LN2_HIGH, -x))
    total = r * TAYLOR[0] + TAYLOR[1]
    for c in TAYLOR[2:]:
        total = fma(total, r, c)
    return total * k.power_of_two()


def density(kappa8, v):
    """(p(v), r); kappa8 = 8 kappa."""
    r = fma(v, v, 1.0).reciprocal()
    x = v * r
    return exp_negative(kappa8 * (x * x)) * (r * 4.0), r


def integral(kappa8, v, length, nodes):
    """Integral of p from v over `length`."""
    total = None
    for x, w in gauss_legendre(nodes):
        p, _ = density(kappa8, fma(length, x, v))
        total = p * w if total is None else fma(p, w, total)
    return total * length


def largest(kappa):
    """End of the range of v."""
    s = (kappa.maximum(0.5 * LARGEST_EXPONENT).reciprocal() * (0.5 * LARGEST_EXPONENT)).sqrt()  # sin(phi / 2)
    return s / (fnma(s, s, 1.0).maximum(0.0).sqrt() + 1.0)


def quantile(kappa, u):
    """v = tan(phi / 4) >= 0 of the share u of the probability of |phi|."""
    kappa8, end = kappa * 8.0, largest(kappa)
    length = end * 0.5
    mass = integral(kappa8, length * 0.0, length, HALVINGS[0])
    y = (mass + integral(kappa8, length, length, HALVINGS[0])) * u
    v = length * 0.0
    for level, nodes in enumerate(HALVINGS):
        if level:
            length = length * 0.5
            mass = integral(kappa8, v, length, nodes)
        v, y = y.at_least(mass, v + length, v), y.at_least(mass, y - mass, y)
    for nodes in (*STEPS, 0):
        p, r = density(kappa8, v)
        n = y / p
        slope = fma(kappa8 * 2.0 * v * fnma(v, v, 1.0), r * r, v * 2.0) * r
        reached = v + n / fnma(slope * 0.5, n, 1.0).maximum(0.5)
        reached = reached.at_least(end, end, reached)
        if nodes:
            y = y - integral(kappa8, v, reached - v, nodes)
        v = reached
    return v


def cosine_sine(kappa, u, sign):
    """cos phi and sin phi from two random numbers: u in (0, 1), sign +1 or -1."""
    v = quantile(kappa, u)
    r = fma(v, v, 1.0).reciprocal()
    s, c = v * 2.0 * r, fnma(v, v, 1.0) * r  # of phi / 2
    return fnma(s, s, c * c), s * c * 2.0 * sign


def draw(kappa, counter, key):
    """cos phi and sin phi from one Philox call: 53 bits of u, one of the sign."""
    words = philox(counter, key)
    return cosine_sine(kappa, uniform(words[0], words[1]), (words[2] & 1).to_real() * -2.0 + 1.0)
