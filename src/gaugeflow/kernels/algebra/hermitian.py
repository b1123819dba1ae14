"""An N x N matrix as the sum of a hermitian and an anti-hermitian one, N^2 reals each.

    T + T^dagger = S,   T - T^dagger = D       row by row: Re S_ii or Im D_ii, then (re, im) of the elements j > i

A sum  p T + q T^dagger  with real p, q is  (p + q) / 2 S + (p - q) / 2 D: half the multiply-adds, and no dagger.
"""

from gaugeflow.kernels.algebra.matrix import index


def hermitian(n, m, diagonal):
    """Upper triangle of M + M^dagger, the diagonal `diagonal` (1 or 2) times Re M_ii."""
    return _triangle(n, m, diagonal, 0, lambda x, y: x + y, lambda x, y: x - y)


def antihermitian(n, m, diagonal):
    """Upper triangle of M - M^dagger, the diagonal `diagonal` (1 or 2) times Im M_ii."""
    return _triangle(n, m, diagonal, 1, lambda x, y: x - y, lambda x, y: x + y)


def _triangle(n, m, diagonal, part, real, imaginary):
    out = []
    for i in range(n):
        d = m[index(n, i, i) + part]
        out.append(d + d if diagonal == 2 else d)
        for j in range(i + 1, n):
            p, q = index(n, i, j), index(n, j, i)
            out += [real(m[p], m[q]), imaginary(m[p + 1], m[q + 1])]
    return out


def joined(n, s, d, diagonal):
    """The transpose of the map M -> (hermitian, antihermitian): s + d above the diagonal, (s - d)^dagger below.

    With diagonal = 1 it also gives the matrix S + D itself from what `hermitian` and `antihermitian` made of a matrix
    with diagonal = 2.
    """
    out = [None] * (2 * n * n)
    k = 0
    for i in range(n):
        p = index(n, i, i)
        out[p], out[p + 1] = (s[k] + s[k], d[k] + d[k]) if diagonal == 2 else (s[k], d[k])
        k += 1
        for j in range(i + 1, n):
            p, q = index(n, i, j), index(n, j, i)
            out[p], out[p + 1] = s[k] + d[k], s[k + 1] + d[k + 1]
            out[q], out[q + 1] = s[k] - d[k], d[k + 1] - s[k + 1]
            k += 2
    return out


def places_of_one(n):
    """Positions of the diagonal among the N^2 reals."""
    places, k = [], 0
    for i in range(n):
        places.append(k)
        k += 1 + 2 * (n - 1 - i)
    return places
