"""The group element X nearest to a matrix M: Re tr X^dagger M is largest.

At a maximum R = X^dagger M has no anti-hermitian part (SU(N): none without trace). It is reached by turning X in the
SU(2) subgroups (i, j) one after the other, each to its own maximum, and for U(N) by the phases of the diagonal:

    X <- X g,   g = [[a, b], [-b*, a*]] / norm,   a = R_ii + R_jj*,   b = R_ij - R_ji*       N. Cabibbo, E. Marinari,
                                                                                            PLB 119 (1982) 387
SU(2) and U(1) are done in one sweep; elsewhere every sweep takes a factor off the distance from the maximum. The state
of the search is the list of X and of R, 4 N^2 reals.
"""

from gaugeflow.kernels.algebra.matrix import algebra_product, antihermitian_part, fma, fnma, index, multiply
from gaugeflow.kernels.algebra.projection import to_group

SETTLED = {"float64": 1e-15, "float32": 6e-7}
"""|anti-hermitian part of R| / |R| (Frobenius norms) below which nothing is turned any more: several roundings."""

TINY = {"float64": 1e-150, "float32": 1e-18}
"""Added to a real part whose square must not be zero; lost in any other number."""


def start(n, special, x, m):
    """State of the search for the maximum over `m` from the matrix `x`, which is brought into the group."""
    x = to_group(n, special, x)
    return x + multiply(n, x, m, dagger_a=True)


def point(n, special, state):
    """X of a state, without the rounding errors of the turns."""
    return to_group(n, special, state[: 2 * n * n])


def distance_squared(n, special, state):
    """(|A|^2, |R|^2), A the anti-hermitian part of R, for SU(N) without trace."""
    r = state[2 * n * n :]
    a = antihermitian_part(n, r, special)
    size = r[0] * r[0]
    for y in r[1:]:
        size = fma(y, y, size)
    return algebra_product(n, a, a), size


def sweep(n, special, state, tiny):
    """The state after one turn in every subgroup."""
    x, r = state[: 2 * n * n], state[2 * n * n :]
    for i in range(n):
        for j in range(i + 1, n):
            g = _largest_in_su2(n, r, i, j, tiny)
            x, r = _columns_turned(n, x, i, j, g), _rows_turned_back(n, r, i, j, g)
    if not special:
        for i in range(n):
            k = index(n, i, i)
            phase = _unit([r[k] + tiny, r[k + 1]])
            x, r = _column_times(n, x, i, phase), _row_times_conjugate(n, r, i, phase)
    return x + r


def _unit(v):
    size = v[0] * v[0]
    for y in v[1:]:
        size = fma(y, y, size)
    inverse = size.sqrt().reciprocal()
    return [y * inverse for y in v]


def _largest_in_su2(n, r, i, j, tiny):
    """(Re a, Im a, Re b, Im b) of the g that maximises Re tr g^dagger R."""
    ii, ij, ji, jj = index(n, i, i), index(n, i, j), index(n, j, i), index(n, j, j)
    return _unit([r[ii] + r[jj] + tiny, r[ii + 1] - r[jj + 1], r[ij] - r[ji], r[ij + 1] + r[ji + 1]])


def _times(a, b, c, d, total=None):
    """total + (a + i b)(c + i d)."""
    if total is None:
        return fnma(b, d, a * c), fma(b, c, a * d)
    return fnma(b, d, fma(a, c, total[0])), fma(b, c, fma(a, d, total[1]))


def _columns_turned(n, x, i, j, g):
    """x g: columns i and j."""
    (p, q, s, t), out = g, list(x)
    for k in range(n):
        e, f = index(n, k, i), index(n, k, j)
        out[e], out[e + 1] = _times(-s, t, x[f], x[f + 1], _times(p, q, x[e], x[e + 1]))
        out[f], out[f + 1] = _times(p, -q, x[f], x[f + 1], _times(s, t, x[e], x[e + 1]))
    return out


def _rows_turned_back(n, r, i, j, g):
    """g^dagger r: rows i and j."""
    (p, q, s, t), out = g, list(r)
    for k in range(n):
        e, f = index(n, i, k), index(n, j, k)
        out[e], out[e + 1] = _times(-s, -t, r[f], r[f + 1], _times(p, -q, r[e], r[e + 1]))
        out[f], out[f + 1] = _times(p, q, r[f], r[f + 1], _times(s, -t, r[e], r[e + 1]))
    return out


def _column_times(n, x, i, phase):
    out = list(x)
    for k in range(n):
        e = index(n, k, i)
        out[e], out[e + 1] = _times(*phase, x[e], x[e + 1])
    return out


def _row_times_conjugate(n, r, i, phase):
    out = list(r)
    for k in range(n):
        e = index(n, i, k)
        out[e], out[e + 1] = _times(phase[0], -phase[1], r[e], r[e + 1])
    return out
