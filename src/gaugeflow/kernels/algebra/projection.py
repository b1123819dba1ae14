"""Back to the group: Gram-Schmidt on the rows, the last row from the others for SU(N); determinants."""

from gaugeflow.kernels.algebra.matrix import fma, fnma, index, multiply_add


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


def _conjugate_cofactors(n, rows):
    """The row that completes N - 1 orthonormal rows to determinant 1: conjugate signed minors, one per left-out column.

    minors[S] of the first k rows, S a set of k columns, by expansion along row k: about N 2^(N-1) products in all.
    """
    minors = {1 << j: entry for j, entry in enumerate(rows[0])}
    for row in rows[1:]:
        minors = _next_minors(n, minors, row)
    out = []
    for j in range(n):
        re, im = minors[(1 << n) - 1 - (1 << j)]
        out.append((re, -im) if (n - 1 + j) % 2 == 0 else (-re, im))
    return out


def _next_minors(n, minors, row):
    """Minors with one more row below: sum over columns j of (-1)^(columns of S beyond j) row_j minor(S without j)."""
    out, size = {}, next(iter(minors)).bit_count() + 1
    for columns in range(1 << n):
        if columns.bit_count() != size:
            continue
        re = im = None
        for j in range(n):
            if columns >> j & 1:
                (a, b), (c, d) = row[j], minors[columns ^ 1 << j]
                sign = -1 if (columns >> j + 1).bit_count() % 2 else 1
                re = multiply_add(multiply_add(re, a, c, sign), b, d, -sign)
                im = multiply_add(multiply_add(im, a, d, sign), b, c, sign)
        out[columns] = re, im
    return out


def determinant(n, u):
    """(Re, Im) of det u by expansion along the rows."""
    minors = {1 << j: (u[index(n, 0, j)], u[index(n, 0, j) + 1]) for j in range(n)}
    for i in range(1, n):
        minors = _next_minors(n, minors, _row(n, u, i))
    return minors[(1 << n) - 1]


def determinant_of_product_dagger(n, a, b):
    """(Re, Im) of det a b^dagger."""
    (p, q), (r, s) = determinant(n, a), determinant(n, b)
    return fma(q, s, p * r), fnma(p, s, q * r)


def to_group(n, special, u):
    """Element of U(n) or SU(n) by Gram-Schmidt on the rows; the last row of SU(n) follows from the others.

    Idempotent to rounding. On matrices of independent complex Gaussians it gives the Haar measure: their distribution
    does not change under u -> u V for unitary V, and Gram-Schmidt commutes with that factor, R(u V) = R(u) V, so the
    result is invariant under multiplication from the right, which the Haar measure of a compact group alone is. For
    SU(n) V has determinant 1 and the completing row, fixed by orthogonality and determinant, moves along.

    The last row of a Gaussian matrix may lie almost in the others' span: U(n) removes them twice, so that the result is
    orthogonal to rounding and not to rounding over what is left.
    """
    rows = [_normalised(_row(n, u, 0))]
    if special and n == 2:
        (a, b), (c, d) = rows[0]
        rows.append([(-c, d), (a, -b)])
        return [x for row in rows for entry in row for x in entry]
    for i in range(1, n - 1 if special else n):
        row = _row(n, u, i)
        for unit in rows * (1 if special else 2):
            row = _without(row, unit)
        rows.append(_normalised(row))
    if special:
        rows.append(_conjugate_cross(*rows) if n == 3 else _conjugate_cofactors(n, rows))
    return [x for row in rows for entry in row for x in entry]


def largest_difference(a, b):
    """max_k |a_k - b_k| of two matrices."""
    worst = None
    for x, y in zip(a, b, strict=True):
        distance = (x - y).absolute()
        worst = distance if worst is None else worst.maximum(distance)
    return worst
