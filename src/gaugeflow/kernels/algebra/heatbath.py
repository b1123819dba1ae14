"""Heat bath of SU(2) subgroups and of phases: exact draws from the weight of one factor of a link.

With the quaternion a of `subgroups` (without the factor 1/2) and V = a / |a| the weight of g = h V^dagger is
exp(alpha h_0), alpha = beta |a| / N. h_0 = 1 - delta has the density sqrt(delta (2 - delta)) exp(-alpha delta), the
direction of (h_1, h_2, h_3) is uniform. From four uniforms of an attempt

    alpha >= 0.72   delta = -(log r_1 + cos^2(2 pi r_2) log r_3) / alpha, taken if r_4^2 <= 1 - delta / 2
                                                              Kennedy, Pendleton, PLB 156 (1985) 393
    alpha < 0.72    delta = 2 - 2 r_1, taken if r_4^2 <= delta (2 - delta) and log r_3 <= -alpha delta

Both are exact; the second is uniform on the diameter and better where the first is hardly accepted (at 0.72 both are
with 0.40). Lanes decide each for themselves. A phase of U(N) is drawn by `von_mises` with kappa = beta |R_ii| / N.

Bit table of `draw` (21 bits), lowest first: call 8 | factor 6 | sweep 7.

    call     0 direction of h, or the phase; 1, 3, .. 253 the attempts, two calls each: r_1 and r_2, then r_3 and r_4
    factor   number of the SU(2) subgroup (i, j), i < j, in lexicographic order, then of the phases
    sweep    heat bath sweeps of a trajectory

After the last of 127 attempts, which happens with probability 1e-28, a lane becomes NaN.
"""

from gaugeflow.errors import ConfigError
from gaugeflow.kernels.algebra import von_mises
from gaugeflow.kernels.algebra.elementary import log, sincos_turns
from gaugeflow.kernels.algebra.matrix import fma, fnma
from gaugeflow.kernels.algebra.random import uniform
from gaugeflow.kernels.algebra.subgroups import norm_squared

CALL_BITS, FACTOR_BITS, SWEEP_BITS = 8, 6, 7
CALLS, SWEEPS = 1 << CALL_BITS, 1 << SWEEP_BITS
FIRST_ATTEMPT, LAST_ATTEMPT = 1, 253

SMALL_ALPHA = 0.72


def first_draw(sweep: int) -> int:
    """`draw` of the first random number of a sweep; ConfigError if the bit table has no room for it."""
    if not 0 <= sweep < SWEEPS:
        raise ConfigError(
            f"heat bath: got sweep {sweep} of a trajectory, wanted 0 .. {SWEEPS - 1}: "
            f"the random numbers have {SWEEP_BITS} bits for it; use shorter trajectories and more of them"
        )
    return sweep << (CALL_BITS + FACTOR_BITS)


def attempt(trial, alpha, first, second, call):
    """(delta, waiting) after one more attempt; lanes with waiting = 0 keep their delta.

    first, second   words of two Philox calls;  call   number of the first, in the low bits of `draw`
    """
    delta, waiting = trial
    r1, r2 = uniform(first[0], first[1]), uniform(first[2], first[3])
    r3, r4 = uniform(second[0], second[1]), uniform(second[2], second[3])
    log1, log3 = log(*r1.mantissa_exponent()), log(*r3.mantissa_exponent())
    _, cosine = sincos_turns(r2)
    wide = fma(cosine * cosine, log3, log1) / (-alpha)
    wide_room = fnma(r4, r4, fnma(wide, 0.5, 1.0))
    narrow = r1 * -2.0 + 2.0
    on_sphere, in_weight = fnma(r4, r4, narrow * (narrow * -1.0 + 2.0)), fnma(alpha, narrow, -log3)
    narrow_room = on_sphere.at_least(in_weight, in_weight, on_sphere)
    found = alpha.at_least(SMALL_ALPHA, wide, narrow)
    room = alpha.at_least(SMALL_ALPHA, wide_room, narrow_room)
    delta = waiting.at_least(0.5, room.at_least(0.0, found, delta), delta)
    waiting = room.at_least(0.0, waiting * 0.0, waiting)
    last = (call & CALLS - 1).to_real()
    failed = waiting * 0.0 - 1.0  # sqrt(delta (2 - delta)) is NaN
    delta = last.at_least(LAST_ATTEMPT, waiting.at_least(0.5, failed, delta), delta)
    return delta, last.at_least(LAST_ATTEMPT, waiting * 0.0, waiting)


def rotation(a, delta, words, tiny):
    """g = h V^dagger of a quaternion a, h_0 = 1 - delta, the direction of h from four words."""
    u, v = uniform(words[0], words[1]), uniform(words[2], words[3])
    radius = (delta * (delta * -1.0 + 2.0)).sqrt()
    across = (u * (u * -1.0 + 1.0)).sqrt() * radius * 2.0
    sine, cosine = sincos_turns(v)
    h0, h1, h2, h3 = delta * -1.0 + 1.0, across * cosine, across * sine, radius * (u * 2.0 - 1.0)
    a = [a[0] + tiny, *a[1:]]
    inverse = norm_squared(a).sqrt().reciprocal()
    v0, v1, v2, v3 = (x * inverse for x in a)
    return [
        fma(h3, v3, fma(h2, v2, fma(h1, v1, h0 * v0))),
        fnma(h3, v2, fma(h2, v3, fnma(h0, v1, h1 * v0))),
        fnma(h1, v3, fma(h3, v1, fnma(h0, v2, h2 * v0))),
        fnma(h2, v1, fma(h1, v2, fnma(h0, v3, h3 * v0))),
    ]


def phase(z, c, counter, key, tiny):
    """(cosine, sine) of the angle that a row is turned by: weight exp(c Re(e^{i theta} z))."""
    re, im = z[0] + tiny, z[1]
    size = fma(re, re, im * im).sqrt()
    cosine, sine = von_mises.draw(c * size, counter, key)
    inverse = size.reciprocal()
    re, im = re * inverse, im * inverse
    return fma(sine, im, cosine * re), fnma(cosine, im, sine * re)
