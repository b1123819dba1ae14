"""Angles of density exp(kappa cos phi) / (2 pi I_0(kappa)) without rejection: the distribution function inverted.

The absolute value of phi has the density p = exp(-2 kappa sin^2(phi / 2)), which falls from 0 to pi, over its integral.
Beyond the phi where the exponent is -40 there is less than 1e-17 of the probability: the range ends there, so that it
shrinks as kappa grows and everything is scaled to it.

For a uniform u the mass y = u F(end) is placed by halving the range (one Gauss-Legendre integral a level, of as many
nodes as that length needs for 1e-15), then by Halley's steps, each of which subtracts the integral over its own length:
    delta = n / (1 - lambda n / 2),   n = y / p(phi),   lambda = -p'(phi) / p(phi) = kappa sin phi.
The number of steps is fixed; u is met to 4e-15 for every kappa >= 0 (tests).
"""

from decimal import Decimal, localcontext
from functools import cache
from math import cos, factorial, pi

from gaugeflow.kernels.algebra.elementary import LN2_HIGH, LN2_LOW, sincos
from gaugeflow.kernels.algebra.matrix import fma, fnma
from gaugeflow.kernels.algebra.random import philox, uniform

LARGEST_EXPONENT = 40.0
"""The exponent 2 kappa sin^2(phi / 2) at the end of the range of kappa > 20."""

HALVINGS = (20, 14, 10, 8, 6, 5)
"""Nodes of the integral over 1/2, 1/4, .. of the range."""

STEPS = (5, 4, 2)
"""Nodes of the integral over every step but the last."""

LOG2_E = 1.4426950408889634
TAYLOR = tuple(1.0 / factorial(k) for k in range(13, -1, -1))
"""exp r for |r| <= log(2) / 2 to 4e-18."""

SINE_TAYLOR = tuple((-1.0) ** k / factorial(2 * k + 1) for k in range(10, 0, -1))
"""sin x = x + x^3 (..) for |x| <= pi / 2 to 6e-19."""


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


def half_sine(phi):
    """sin(phi / 2) for 0 <= phi <= pi."""
    x = phi * 0.5
    z = x * x
    total = z * SINE_TAYLOR[0] + SINE_TAYLOR[1]
    for c in SINE_TAYLOR[2:]:
        total = fma(total, z, c)
    return fma(x * z, total, x)


def density(twice_kappa, phi):
    """(p(phi), sin(phi / 2))."""
    s = half_sine(phi)
    return exp_negative(twice_kappa * (s * s)), s


def integral(twice_kappa, phi, length, nodes):
    """Integral of p from phi over `length`."""
    total = None
    for x, w in gauss_legendre(nodes):
        p, _ = density(twice_kappa, fma(length, x, phi))
        total = p * w if total is None else fma(p, w, total)
    return total * length


def largest(kappa):
    """End of the range of phi: 2 arcsin(s) to 0.01 or a little more, s = sqrt(20 / kappa); pi for kappa <= 20."""
    s = (kappa.maximum(0.5 * LARGEST_EXPONENT).reciprocal() * (0.5 * LARGEST_EXPONENT)).sqrt()
    z = s * s
    return s * (fma(z * z, z * z * (0.5 * pi - 7.0 / 6.0), z * (1.0 / 6.0)) + 1.0) * 2.0


def quantile(kappa, u):
    """phi >= 0 of the share u of the probability of |phi|."""
    twice_kappa, end = kappa * 2.0, largest(kappa)
    length = end * 0.5
    mass = integral(twice_kappa, length * 0.0, length, HALVINGS[0])
    y = (mass + integral(twice_kappa, length, length, HALVINGS[0])) * u
    phi = length * 0.0
    for level, nodes in enumerate(HALVINGS):
        if level:
            length = length * 0.5
            mass = integral(twice_kappa, phi, length, nodes)
        phi, y = y.at_least(mass, phi + length, phi), y.at_least(mass, y - mass, y)
    for nodes in (*STEPS, 0):
        p, s = density(twice_kappa, phi)
        n = y / p
        half_slope = kappa * s * fnma(s, s, 1.0).maximum(0.0).sqrt()
        reached = phi + n / fnma(half_slope, n, 1.0).maximum(0.5)
        reached = reached.at_least(end, end, reached)
        if nodes:
            y = y - integral(twice_kappa, phi, reached - phi, nodes)
        phi = reached
    return phi


def cosine_sine(kappa, u, sign):
    """cos phi and sin phi from two random numbers: u in (0, 1), sign +1 or -1."""
    sine, cosine = sincos(quantile(kappa, u))
    return cosine, sine * sign


def draw(kappa, counter, key):
    """cos phi and sin phi from one Philox call: 53 bits of u, one of the sign."""
    words = philox(counter, key)
    return cosine_sine(kappa, uniform(words[0], words[1]), (words[2] & 1).to_real() * -2.0 + 1.0)
