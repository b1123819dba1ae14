"""exp of a traceless anti-hermitian N x N matrix for any N, on hermitian matrices and real coefficients.

With X = i H the powers of H are hermitian and the characteristic polynomial of H is real,

    H^N = sum_{m=2..N} a_m H^(N-m),   m a_m = t_m - sum_{i=2..m-2} a_(m-i) t_i,   t_m = tr H^m    (Newton's identities)

so cos H = sum u_k H^k and sin H = sum v_k H^k with real u, v, and exp X = cos H + i sin H.
"""

from math import factorial

from gaugeflow.kernels.algebra.matrix import algebra_product, fma, fnma, index, multiply_add


def exponential(n, p, top, one, zero):
    """sum_{k <= top} X^k / k! of a compact traceless X, n >= 3: Horner modulo the characteristic polynomial."""
    powers = _powers(n, _hermitian(n, p))
    u, v = _coefficients(n, _characteristic(n, powers), top, one, zero)
    cosine, sine = _combination(n, u, powers), _combination(n, v, powers)
    out = [None] * (2 * n * n)
    for i in range(n):
        k = index(n, i, i)
        out[k], out[k + 1] = cosine[i], sine[i]
    for (i, j), c, s in zip(_pairs(n), _entries(n, cosine), _entries(n, sine), strict=True):
        k, transposed = index(n, i, j), index(n, j, i)
        out[k], out[k + 1] = c[0] - s[1], c[1] + s[0]
        out[transposed], out[transposed + 1] = c[0] + s[1], s[0] - c[1]
    return out


def _pairs(n):
    return [(i, j) for i in range(n) for j in range(i + 1, n)]


def _entries(n, a):
    """(re, im) above the diagonal of a compact matrix, in the order of `_pairs`."""
    return list(zip(a[n::2], a[n + 1 :: 2], strict=True))


def _hermitian(n, p):
    """H = -i X, compact: the real diagonal, then (re, im) of i < j."""
    out = list(p[:n])
    for re, im in _entries(n, p):
        out += [im, -re]
    return out


def _powers(n, h):
    """H, H^2, .., H^(N-1)."""
    out = [h]
    for _ in range(n - 2):
        out.append(_hermitian_product(n, out[-1], h))
    return out


def _hermitian_product(n, a, b):
    """A B of hermitian matrices that commute, which is hermitian: upper triangle only."""
    upper = {name: dict(zip(_pairs(n), _entries(n, x), strict=True)) for name, x in (("a", a), ("b", b))}

    def entry(name, i, j):
        """(re, im, sign of im) of an element off the diagonal."""
        re, im = upper[name][min(i, j), max(i, j)]
        return re, im, 1 if i < j else -1

    out = []
    for i in range(n):
        total = a[i] * b[i]
        for k in range(n):
            if k != i:
                (p, q, _), (r, s, _) = entry("a", i, k), entry("b", i, k)
                total = fma(q, s, fma(p, r, total))
        out.append(total)
    for i, j in _pairs(n):
        (p, q, _), (r, s, _) = entry("a", i, j), entry("b", i, j)
        re, im = fma(a[i], r, p * b[j]), fma(a[i], s, q * b[j])
        for k in range(n):
            if k not in (i, j):
                (p, q, sign), (r, s, other) = entry("a", i, k), entry("b", k, j)
                re = multiply_add(multiply_add(re, p, r, 1), q, s, -sign * other)
                im = multiply_add(multiply_add(im, p, s, other), q, r, sign)
        out += [re, im]
    return out


def _characteristic(n, powers):
    """a_2 .. a_N as a dictionary; tr H^(i+j) is the scalar product of H^i and H^j."""
    traces = {m: algebra_product(n, powers[(m + 1) // 2 - 1], powers[m // 2 - 1]) for m in range(2, n + 1)}
    a = {}
    for m in range(2, n + 1):
        total = traces[m]
        for i in range(2, m - 1):
            total = fnma(a[m - i], traces[i], total)
        a[m] = total * (1.0 / m)
    return a


def _coefficients(n, a, top, one, zero):
    """(u, v): the Taylor series of cos and sin up to power `top`, modulo the characteristic polynomial."""

    def taylor(j, odd):
        return (-1) ** (j // 2) / factorial(j) if j % 2 == odd else 0.0

    both = []
    for odd in (0, 1):
        first = top - n + 1
        q = [one * taylor(first + k, odd) if taylor(first + k, odd) else zero for k in range(n)]
        for j in range(first - 1, -1, -1):
            last, constant = q[-1], taylor(j, odd)
            lowest = fma(a[n], last, one * constant) if constant else a[n] * last
            q = [lowest, *(fma(a[n - k], last, q[k - 1]) for k in range(1, n - 1)), q[n - 2]]
        both.append(q)
    return both


def _combination(n, q, powers):
    """sum_k q_k H^k, compact."""
    out = []
    for e in range(n * n):
        total = q[1] * powers[0][e] if e >= n else fma(q[1], powers[0][e], q[0])
        for c, power in zip(q[2:], powers[1:], strict=True):
            total = fma(c, power[e], total)
        out.append(total)
    return out
