"""Products, projections and traces of N x N complex matrices held as lists of 2 N^2 reals."""


def index(n, i, j):
    """Position of Re M_ij in the list; Im M_ij follows it."""
    return 2 * (i * n + j)


def fma(x, y, z):
    """z + x y, rounded once where the number type can."""
    return x.fma(y, z) if hasattr(x, "fma") else z + x * y


def fnma(x, y, z):
    """z - x y, rounded once where the number type can."""
    return x.fnma(y, z) if hasattr(x, "fnma") else z - x * y


def multiply_add(total, x, y, sign):
    """total + sign x y; total None starts a sum."""
    if total is None:
        return x * y if sign > 0 else -(x * y)
    return fma(x, y, total) if sign > 0 else fnma(x, y, total)


def multiply(n, a, b, c=None, dagger_a=False, dagger_b=False):
    """c + op(a) op(b), op = hermitian conjugate where asked."""
    out = []
    sign_a, sign_b = (-1 if dagger_a else 1), (-1 if dagger_b else 1)
    for i in range(n):
        for j in range(n):
            re, im = (None, None) if c is None else (c[index(n, i, j)], c[index(n, i, j) + 1])
            for k in range(n):
                p = index(n, k, i) if dagger_a else index(n, i, k)
                q = index(n, j, k) if dagger_b else index(n, k, j)
                re = multiply_add(re, a[p], b[q], 1)
                if dagger_a:
                    im = multiply_add(im, a[p], b[q + 1], sign_b)
                    im = multiply_add(im, a[p + 1], b[q], -1)
                else:
                    im = multiply_add(im, a[p + 1], b[q], 1)
                    im = multiply_add(im, a[p], b[q + 1], sign_b)
                re = multiply_add(re, a[p + 1], b[q + 1], -sign_a * sign_b)
            out += [re, im]
    return out


def dagger(n, a):
    """Hermitian conjugate."""
    out = []
    for i in range(n):
        for j in range(n):
            p = index(n, j, i)
            out += [a[p], -a[p + 1]]
    return out


def distance_squared(a, b):
    """sum_ij |a_ij - b_ij|^2."""
    total = None
    for x, y in zip(a, b, strict=True):
        difference = x - y
        total = multiply_add(total, difference, difference, 1)
    return total


def times_phase(a, cosine, sine):
    """(cosine + i sine) a, every element."""
    out = []
    for re, im in zip(a[::2], a[1::2], strict=True):
        out += [fnma(sine, im, cosine * re), fma(sine, re, cosine * im)]
    return out


def antihermitian_part(n, a, special):
    """(a - a^dagger) / 2, made traceless if `special`, as N^2 reals: the imaginary diagonal, then (re, im) of i < j."""
    out = [a[index(n, i, i) + 1] for i in range(n)]
    for i in range(n):
        for j in range(i + 1, n):
            p, q = index(n, i, j), index(n, j, i)
            out += [(a[p] - a[q]) * 0.5, (a[p + 1] + a[q + 1]) * 0.5]
    return traceless(n, out, special)


def traceless(n, p, special):
    """Algebra element without its trace for SU(N); unchanged for U(N)."""
    if not special:
        return list(p)
    trace = p[0]
    for i in range(1, n):
        trace = trace + p[i]
    mean = trace * (1.0 / n)
    return [p[i] - mean for i in range(n)] + list(p[n:])


def full_matrix(n, p, zero):
    """Compact algebra element as a full anti-hermitian matrix."""
    out = [None] * (2 * n * n)
    k = n
    for i in range(n):
        out[index(n, i, i)], out[index(n, i, i) + 1] = zero, p[i]
    for i in range(n):
        for j in range(i + 1, n):
            re, im = p[k], p[k + 1]
            k += 2
            out[index(n, i, j)], out[index(n, i, j) + 1] = re, im
            out[index(n, j, i)], out[index(n, j, i) + 1] = -re, im
    return out


def trace_of_product(n, a, b, dagger_b=False):
    """Re tr a op(b)."""
    total = None
    for i in range(n):
        for j in range(n):
            p, q = index(n, i, j), (index(n, i, j) if dagger_b else index(n, j, i))
            total = multiply_add(total, a[p], b[q], 1)
            total = multiply_add(total, a[p + 1], b[q + 1], 1 if dagger_b else -1)
    return total


def imaginary_trace_of_product_dagger(n, a, b):
    """Im tr a b^dagger."""
    total = None
    for i in range(n):
        for j in range(n):
            p = index(n, i, j)
            total = multiply_add(total, a[p + 1], b[p], 1)
            total = multiply_add(total, a[p], b[p + 1], -1)
    return total


def algebra_product(n, p, q):
    """-tr p q of two compact algebra elements."""
    total = p[0] * q[0]
    for k in range(1, n):
        total = fma(p[k], q[k], total)
    off = None
    for k in range(n, n * n):
        off = multiply_add(off, p[k], q[k], 1)
    return total if off is None else fma(off, 2.0, total)


def twice_antihermitian_part_of_product_dagger(n, a, b):
    """a b^dagger - b a^dagger as N^2 reals, computing nothing else."""
    out = []
    for i in range(n):
        total = None
        for k in range(n):
            p = index(n, i, k)
            total = multiply_add(total, a[p + 1], b[p], 1)
            total = multiply_add(total, a[p], b[p + 1], -1)
        out.append(total + total)
    for i in range(n):
        for j in range(i + 1, n):
            re = im = None
            for k in range(n):
                p, q = index(n, i, k), index(n, j, k)
                re = multiply_add(re, a[p], b[q], 1)
                re = multiply_add(re, a[p + 1], b[q + 1], 1)
                im = multiply_add(im, a[p + 1], b[q], 1)
                im = multiply_add(im, a[p], b[q + 1], -1)
            for k in range(n):
                p, q = index(n, j, k), index(n, i, k)
                re = multiply_add(re, a[p], b[q], -1)
                re = multiply_add(re, a[p + 1], b[q + 1], -1)
                im = multiply_add(im, a[p + 1], b[q], 1)
                im = multiply_add(im, a[p], b[q + 1], -1)
            out += [re, im]
    return out


def _algebra_times_matrix(n, q, u):
    """Q U for a compact anti-hermitian Q, as a full matrix."""
    upper, k = {}, n
    for i in range(n):
        for j in range(i + 1, n):
            upper[i, j] = q[k], q[k + 1]
            k += 2
    out = []
    for i in range(n):
        for j in range(n):
            p = index(n, i, j)
            re, im = -(q[i] * u[p + 1]), q[i] * u[p]
            for k in range(n):
                if k == i:
                    continue
                p = index(n, k, j)
                r, m = upper[min(i, k), max(i, k)]
                sign = 1 if k > i else -1
                re = multiply_add(re, r, u[p], sign)
                im = multiply_add(im, r, u[p + 1], sign)
                re = multiply_add(re, m, u[p + 1], -1)
                im = multiply_add(im, m, u[p], 1)
            out += [re, im]
    return out


def transport(n, u, q, total, sign):
    """total + sign u^dagger q u, everything anti-hermitian and compact."""
    g = _algebra_times_matrix(n, q, u)
    out = []
    for i in range(n):
        s = total[i]
        for k in range(n):
            p = index(n, k, i)
            s = multiply_add(s, u[p], g[p + 1], sign)
            s = multiply_add(s, u[p + 1], g[p], -sign)
        out.append(s)
    k0 = n
    for i in range(n):
        for j in range(i + 1, n):
            re, im = total[k0], total[k0 + 1]
            k0 += 2
            for k in range(n):
                p, q_ = index(n, k, i), index(n, k, j)
                re = multiply_add(re, u[p], g[q_], sign)
                re = multiply_add(re, u[p + 1], g[q_ + 1], sign)
                im = multiply_add(im, u[p], g[q_ + 1], sign)
                im = multiply_add(im, u[p + 1], g[q_], -sign)
            out += [re, im]
    return out
