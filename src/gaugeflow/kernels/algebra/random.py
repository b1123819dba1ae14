"""Philox4x32-10 (Salmon et al., SC 2011), uniforms and Gaussians.

The counter's bit table is that of `gaugeflow.rng`. Integers are duck-typed like reals: 64-bit lanes that hold 32-bit
words, with + * & ^ << >> and `to_real()`.
"""

import math

from gaugeflow.kernels.algebra.elementary import log, sincos_turns
from gaugeflow.kernels.algebra.matrix import fma

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
MASK32 = 0xFFFFFFFF
SITE_HIGH_SHIFT, CHAIN_SHIFT = 32, 8
DIRECTION_SHIFT, DRAW_SHIFT = 8, 11


def philox(counter, key):
    """Four 32-bit words from a 4 x 32-bit counter and a 2 x 32-bit key."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for r in range(ROUNDS):
        if r:
            k0, k1 = (k0 + WEYL[0]) & MASK32, (k1 + WEYL[1]) & MASK32
        p0, p1 = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & MASK32, (p0 >> 32) ^ c3 ^ k1, p0 & MASK32
    return c0, c1, c2, c3


def counter_words(site, chain, trajectory, stream, draw):
    """Counter of one draw; `stream` = purpose | direction << DIRECTION_SHIFT, chain < 2^24, site < 2^40."""
    return site & MASK32, (site >> SITE_HIGH_SHIFT) ^ (chain << CHAIN_SHIFT), trajectory, stream ^ (draw << DRAW_SHIFT)


def uniform(high, low):
    """(v + 1/2) 2^-53 in (0, 1) from 53 of 64 random bits v."""
    bits = ((high << 21) ^ (low >> 11)) & 0x1FFFFFFFFFFFFF
    return fma(bits.to_real(), 2.0**-53, 2.0**-54)


def gaussian_pair(words):
    """Two independent unit Gaussians by Box-Muller."""
    u, v = uniform(words[0], words[1]), uniform(words[2], words[3])
    radius = (log(*u.mantissa_exponent()) * -2.0).sqrt()
    sine, cosine = sincos_turns(v)
    return radius * cosine, radius * sine


def gaussians(count, site, chain, trajectory, stream, key):
    """`count` unit Gaussians: draws 0, 1, ... give two each."""
    out = []
    for draw in range((count + 1) // 2):
        out += gaussian_pair(philox(counter_words(site, chain, trajectory, stream, draw), key))
    return out[:count]


def algebra_element(n, special, g):
    """i p_a T_a with unit Gaussians p_a = g[a], compact; generators as in `conventions`, T_0 of U(N >= 2) last."""
    if n == 1:
        return [g[0]]
    off = [g[k] * 0.5 for k in range(n * (n - 1))]
    diagonal = [None] * n
    for m in range(1, n):
        c = g[n * (n - 1) + m - 1] * (1.0 / math.sqrt(2.0 * m * (m + 1)))
        for i in range(m):
            diagonal[i] = c if diagonal[i] is None else diagonal[i] + c
        diagonal[m] = c * (-float(m)) if diagonal[m] is None else diagonal[m] - c * float(m)
    if not special:
        c = g[n * n - 1] * (1.0 / math.sqrt(2.0 * n))
        diagonal = [d + c for d in diagonal]
    return diagonal + off


def generators(n, special):
    """Number of generators: N^2 - 1 for SU(N), N^2 for U(N)."""
    return n * n - 1 if special else n * n
