"""SU(2) subgroups and phases of a link: what overrelaxation and heat bath change.

With R = U S, S the sum of staples, the action of a link is -(beta / N) Re tr R. Rotating rows i and j of U by g in
SU(2) rotates those of R, and Re tr changes as Re tr_2(g r) with the block r = (R_ii, R_ij; R_ji, R_jj). Of r only its
quaternion counts: Re tr_2(g r) = g_0 a_0 - g . a for r = (a_0 + i a . sigma) / 2 + what drops out.
                                                                  Cabibbo, Marinari, PLB 119 (1982) 387
Quaternions are lists g_0 .. g_3 of g_0 + i g . sigma = (g_0 + i g_3, g_2 + i g_1; -g_2 + i g_1, g_0 - i g_3).
"""

from gaugeflow.kernels.algebra.matrix import fma, fnma, index, multiply

TINY = {"float64": 1e-150, "float32": 1e-18}
"""Added to a_0, where it is lost unless the quaternion vanishes; then it makes the rotation the identity."""


def quaternion(ii, ij, ji, jj):
    """a_0 .. a_3 of a block of four complex numbers (re, im), without the factor 1/2."""
    return [ii[0] + jj[0], ij[1] + ji[1], ij[0] - ji[0], ii[1] - jj[1]]


def norm_squared(a):
    """Sum of squares of a quaternion or of a complex number."""
    total = a[0] * a[0]
    for x in a[1:]:
        total = fma(x, x, total)
    return total


def reflection(a, tiny):
    """(V^dagger)^2 for a = |a| V: g with Re tr(g a) = Re tr a, the other end of the great circle through V^dagger."""
    a0 = a[0] + tiny
    v = norm_squared(a[1:])
    inverse = fma(a0, a0, v).reciprocal()
    h = a0 * inverse * -2.0
    return [fnma(v, inverse, a0 * a0 * inverse), h * a[1], h * a[2], h * a[3]]


def rotate(g, p, q):
    """Rows p, q (re, im interleaved) of a matrix -> those of g (p; q)."""
    upper, lower = [], []
    for k in range(0, len(p), 2):
        pr, pi, qr, qi = p[k], p[k + 1], q[k], q[k + 1]
        upper += [
            fnma(g[1], qi, fma(g[2], qr, fnma(g[3], pi, g[0] * pr))),
            fma(g[1], qr, fma(g[2], qi, fma(g[3], pr, g[0] * pi))),
        ]
        lower += [
            fma(g[3], qi, fma(g[0], qr, fnma(g[1], pi, -(g[2] * pr)))),
            fnma(g[3], qr, fma(g[0], qi, fnma(g[2], pi, g[1] * pr))),
        ]
    return upper, lower


def phase_reflection(z, tiny):
    """(conj z / |z|)^2 as (cosine, sine): Re z times it is Re z."""
    re = z[0] + tiny
    inverse = fma(re, re, z[1] * z[1]).reciprocal()
    return fnma(z[1] * z[1], inverse, re * re * inverse), re * z[1] * inverse * -2.0


def turn(phase, row):
    """A row times cosine + i sine."""
    c, s = phase
    out = []
    for re, im in zip(row[::2], row[1::2], strict=True):
        out += [fnma(s, im, c * re), fma(s, re, c * im)]
    return out


def overrelaxed(n, special, u, staples, tiny):
    """U reflected in every SU(2) subgroup and, for U(N), in the phase of every row; Re tr U S stays.

    Adler, PRD 23 (1981) 2901; Creutz, PRD 36 (1987) 515
    """
    u, r = [rows_of(n, m) for m in (u, multiply(n, u, staples))]
    for i in range(n):
        for j in range(i + 1, n):
            a = quaternion(_entry(r[i], i), _entry(r[i], j), _entry(r[j], i), _entry(r[j], j))
            g = reflection(a, tiny)
            for rows in (r, u):
                rows[i], rows[j] = rotate(g, rows[i], rows[j])
    if not special:
        for i in range(n):
            u[i] = turn(phase_reflection(_entry(r[i], i), tiny), u[i])
    return [x for row in u for x in row]


def rows_of(n, m):
    """Rows of a matrix."""
    return [list(m[index(n, i, 0) : index(n, i, 0) + 2 * n]) for i in range(n)]


def _entry(row, j):
    return row[2 * j], row[2 * j + 1]
