"""Back to the group: Gram-Schmidt on the rows, the last row from the others for SU(N)."""

from gaugeflow.kernels.algebra.matrix import fma, fnma, index


def _row(n, u, i):
    return [(u[index(n, i, k)], u[index(n, i, k) + 1]) for k in range(n)]


def _normalised(row):
    norm = None
    for re, im in row:
        norm = re * re if norm is None else fma(re, re, norm)
        norm = fma(im, im, norm)
    inverse = norm.sqrt().reciprocal()
    return [(re * inverse, im * inverse) for re, im in row]


def _without(row, unit):
    """row - (unit . row) unit, the hermitian product taken with conj(unit)."""
    dot_re = dot_im = None
    for (a, b), (c, d) in zip(unit, row, strict=True):
        dot_re = a * c if dot_re is None else fma(a, c, dot_re)
        dot_re = fma(b, d, dot_re)
        dot_im = a * d if dot_im is None else fma(a, d, dot_im)
        dot_im = fnma(b, c, dot_im)
    return [
        (fma(dot_im, b, fnma(dot_re, a, c)), fnma(dot_im, a, fnma(dot_re, b, d)))
        for (a, b), (c, d) in zip(unit, row, strict=True)
    ]


def _conjugate_cross(p, q):
    """conj(p x q) of two complex 3-vectors."""
    out = []
    for i in range(3):
        (a, b), (c, d) = p[(i + 1) % 3], q[(i + 2) % 3]
        (e, f), (g, h) = p[(i + 2) % 3], q[(i + 1) % 3]
        re = fma(f, h, fnma(e, g, fnma(b, d, a * c)))
        im = fnma(f, g, fnma(e, h, fma(b, c, a * d)))
        out.append((re, -im))
    return out


def to_group(n, u):
    """Nearest-by-rows element of U(1), SU(2) or SU(3); idempotent to rounding, Haar on Gaussian matrices."""
    rows = [_normalised(_row(n, u, 0))]
    if n == 2:
        (a, b), (c, d) = rows[0]
        rows.append([(-c, d), (a, -b)])
    if n == 3:
        rows.append(_normalised(_without(_row(n, u, 1), rows[0])))
        rows.append(_conjugate_cross(rows[0], rows[1]))
    return [x for row in rows for entry in row for x in entry]


def largest_difference(a, b):
    """max_k |a_k - b_k| of two matrices."""
    worst = None
    for x, y in zip(a, b, strict=True):
        distance = (x - y).absolute()
        worst = distance if worst is None else worst.maximum(distance)
    return worst
