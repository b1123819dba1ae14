"""The operations that site functions are written in, for one group, register width and precision.

Matrices and algebra elements have the kernel's precision. A number that leaves them (a trace, a distance) is float64,
and so are all sums: terms of float32 kernels are widened first and then split as everywhere.
"""

from llvmlite import ir
from numba import types

from gaugeflow.kernels.algebra import defects, exact, exponential, matrix, maximum, projection, random
from gaugeflow.kernels.targets import lanes
from gaugeflow.kernels.targets.lanes import Lanes
from gaugeflow.kernels.targets.sweep_operations import sweep_operations
from gaugeflow.kernels.targets.trace import ELEMENT_BYTES, Real, constant


def _number(builder, t, value):
    return Real(builder, constant(lanes.register_type(t), value))


def _widened(x):
    return [y.widen() for y in x]


def _narrowed(t, x):
    return [y.narrow(t.llvm_element) for y in x]


def _any(builder, width, condition):
    if width == 1:
        return condition
    mask = builder.bitcast(condition, ir.IntType(width))
    return builder.icmp_unsigned("!=", mask, ir.Constant(mask.type, 0))


def _exponentials(registers, n, special, width, m, a):
    double = Lanes(1, width)

    def is_large(builder, x):
        limit = _number(builder, a, exponential.SERIES_NORM_SQUARED).value
        return builder.fcmp_unordered(">", exponential.series_norm_squared(n, special, x).value, limit)

    def beyond(builder, x):
        return ir.Constant(ir.IntType(1), 0) if n == 1 else _any(builder, width, is_large(builder, x))

    def series(builder, x):
        return exponential.exponential(n, special, x, _number(builder, a, 1.0), _number(builder, a, 0.0), a.element)

    def any_argument(builder, x):
        if n == 1:
            return series(builder, x)
        large = is_large(builder, x)

        def choose(p, q):
            return Real(builder, builder.select(large, p.value, q.value))

        # in float64 always: squaring multiplies rounding errors, and this path is rare
        one, zero = _number(builder, double, 1.0), _number(builder, double, 0.0)
        found = _narrowed(m, exponential.by_squaring(n, special, _widened(x), one, zero, choose))
        if a.element == "float64":
            return found
        return [choose(p, q) for p, q in zip(found, series(builder, x), strict=True)]

    return {
        "beyond_series": registers.traced(types.boolean, (a,), beyond),
        "exponential": registers.traced(m, (a,), series),
        "exponential_any": registers.traced(m, (a,), any_argument),
    }


def _products(registers, n, special, m, a, real):
    def number(arguments, function):
        return registers.traced(real, arguments, lambda b, *x: [function(*x).widen()])

    def product(da, db):
        return registers.traced(m, (m, m), lambda b, x, y: matrix.multiply(n, x, y, None, da, db))

    def accumulate(da, db):
        return registers.traced(m, (m, m, m), lambda b, z, x, y: matrix.multiply(n, x, y, z, da, db))

    def trace_with_one(x, part):
        total = x[part]
        for i in range(1, n):
            total = total + x[matrix.index(n, i, i) + part]
        return total

    return {
        "mul_nn": product(False, False),
        "mul_nd": product(False, True),
        "mul_dn": product(True, False),
        "mac_nn": accumulate(False, False),
        "mac_dn": accumulate(True, False),
        "mac_nd": accumulate(False, True),
        "matrix_zero": registers.traced(m, (), lambda b: [_number(b, m, 0.0)] * m.count),
        "matrix_scale": registers.traced(m, (types.float64, m), lambda b, c, x: [c * p for p in x]),
        "matrix_update": registers.traced(
            m, (types.float64, m, m), lambda b, c, x, y: [c.fma(p, q) for p, q in zip(x, y, strict=True)]
        ),
        "dagger": registers.traced(m, (m,), lambda b, x: matrix.dagger(n, x)),
        "trace_nd": number((m, m), lambda x, y: matrix.trace_of_product(n, x, y, True)),
        "imaginary_trace_nd": number((m, m), lambda x, y: matrix.imaginary_trace_of_product_dagger(n, x, y)),
        "determinant_nd": number((m, m), lambda x, y: projection.determinant_of_product_dagger(n, x, y)[0]),
        "imaginary_determinant_nd": number((m, m), lambda x, y: projection.determinant_of_product_dagger(n, x, y)[1]),
        "real_trace": number((m,), lambda x: trace_with_one(x, 0)),
        "imaginary_trace": number((m,), lambda x: trace_with_one(x, 1)),
        "trace_beyond_one": number((m,), lambda x: trace_with_one(x, 0) - float(n)),
        "unitarity_defect_squared": number((m,), lambda x: defects.unitarity_defect_squared(n, x)),
        "determinant_defect_squared": number((m,), lambda x: defects.determinant_defect_squared(n, special, x)),
        "antihermitian_part": registers.traced(a, (m,), lambda b, x: matrix.antihermitian_part(n, x, special)),
        "with_trace": registers.traced(a, (m,), lambda b, x: matrix.antihermitian_part(n, x, False)),
        "twice_antihermitian_nd": registers.traced(
            a, (m, m), lambda b, x, y: matrix.twice_antihermitian_part_of_product_dagger(n, x, y)
        ),
        "transport_plus": registers.traced(a, (m, a, a), lambda b, u, q, z: matrix.transport(n, u, q, z, 1)),
        "transport_minus": registers.traced(a, (m, a, a), lambda b, u, q, z: matrix.transport(n, u, q, z, -1)),
        "to_group": registers.traced(m, (m,), lambda b, x: projection.to_group(n, special, x)),
        "largest_difference": number((m, m), projection.largest_difference),
        "distance_squared": number((m, m), matrix.distance_squared),
    }


def _sums_of_matrices(registers, n, m, real):
    double = types.float64

    def combination(b, c, x, d, y):
        return [d.fma(q, c * p) for p, q in zip(x, y, strict=True)]

    def correlation(b, x, y):  # of widened traces
        (p, q), (r, s) = ([sum(z[part :: 2 * n + 2][1:], z[part]).widen() for part in (0, 1)] for z in (x, y))
        return [matrix.fma(q, s, p * r)]

    return {
        "matrix_combination": registers.traced(m, (double, m, double, m), combination),
        "trace_correlation": registers.traced(real, (m, m), correlation),
    }


def _searches(registers, n, special, m, real):
    """The search for the nearest group element; lanes that have settled stay as they are, whatever others do."""
    state = Lanes(4 * n * n, m.width, m.element)
    settled, tiny = maximum.SETTLED[m.element], maximum.TINY[m.element]

    def near(builder, s):
        rest, size = maximum.distance_squared(n, special, s)
        return builder.fcmp_ordered(">=", (size * settled**2).value, rest.value)

    def all_near(builder, s):
        condition = near(builder, s)
        if m.width == 1:
            return condition
        mask = builder.bitcast(condition, ir.IntType(m.width))
        return builder.icmp_unsigned("==", mask, ir.Constant(mask.type, -1))

    def sweep(builder, s):
        stay = near(builder, s)
        turned = maximum.sweep(n, special, s, tiny)
        return [Real(builder, builder.select(stay, x.value, y.value)) for x, y in zip(s, turned, strict=True)]

    def distance(builder, s):
        rest, size = maximum.distance_squared(n, special, s)
        return [(rest / (size + tiny)).sqrt().widen()]

    return {
        "search_start": registers.traced(state, (m, m), lambda b, x, y: maximum.start(n, special, x, y)),
        "search_settled": registers.traced(types.boolean, (state,), all_near),
        "search_sweep": registers.traced(state, (state,), sweep),
        "search_distance": registers.traced(real, (state,), distance),
        "search_point": registers.traced(m, (state,), lambda b, s: maximum.point(n, special, s)),
    }


def _algebra(registers, n, special, a, real):
    double = types.float64

    def product(b, x, y):  # of widened elements: a sum of squares that decides dH, and rare
        return [matrix.algebra_product(n, _widened(x), _widened(y))]

    return {
        "algebra_zero": registers.traced(a, (), lambda b: [_number(b, a, 0.0)] * a.count),
        "algebra_add": registers.traced(a, (a, a), lambda b, x, y: [p + q for p, q in zip(x, y, strict=True)]),
        "algebra_subtract": registers.traced(a, (a, a), lambda b, x, y: [p - q for p, q in zip(x, y, strict=True)]),
        "algebra_scale": registers.traced(a, (double, a), lambda b, c, x: [c * p for p in x]),
        "algebra_update": registers.traced(
            a, (double, a, double, a), lambda b, d, x, c, y: [c.fma(q, d * p) for p, q in zip(x, y, strict=True)]
        ),
        "algebra_product": registers.traced(real, (a, a), product),
        "project": registers.traced(a, (a,), lambda b, x: matrix.traceless(n, x, special)),
        "maximum": registers.traced(real, (real, real), lambda b, x, y: [x[0].maximum(y[0])]),
        "real_negative": registers.traced(real, (real,), lambda b, x: [-x[0]]),
    }


def _randoms(registers, n, special, m, a, integer):
    word = types.int64
    arguments = (integer, integer, word, word, word, word)

    def matrix_of_gaussians(b, site, chain, trajectory, stream, key0, key1):
        return _narrowed(m, random.gaussians(2 * n * n, site[0], chain[0], trajectory, stream, (key0, key1)))

    def momentum(b, site, chain, trajectory, stream, key0, key1):
        count = random.generators(n, special)
        g = random.gaussians(count, site[0], chain[0], trajectory, stream, (key0, key1))
        return _narrowed(a, random.algebra_element(n, special, g))

    return {
        "gaussian_algebra": registers.traced(a, arguments, momentum),
        "gaussian_matrix": registers.traced(m, arguments, matrix_of_gaussians),
    }


def _accumulators(registers, real):
    return {
        "exact_high": registers.traced(real, (real,), lambda b, x: [exact.split(x[0])[0]]),
        "exact_low": registers.traced(real, (real,), lambda b, x: [exact.split(x[0])[1]]),
        "real_add": registers.traced(real, (real, real), lambda b, x, y: [x[0] + y[0]]),
    }


def _in_memory(table, width):
    """Site functions that change a number in memory; a target with many threads has its own, atomic ones.

    add_exactly(address, offset, x)   x joins the pair of exact accumulators at [offset], [offset + W]
    raise_to(address, offset, x)      the number at [offset] becomes at least x
    own_place(address, item, size)    scratch of one block or batch; here all share one, which stays in the cache
    mine(j)                           whether this thread does piece j of a site's work; here always
    shortcut(possible)                whether to take a shorter way to the same numbers; here where it is possible
    """
    load, store, add, high, low = (table[k] for k in ("load_real", "store_real", "real_add", "exact_high", "exact_low"))
    maximum = table["maximum"]

    def add_exactly(address, offset, x):
        store(address, offset, add(load(address, offset), high(x)))
        store(address, offset + width, add(load(address, offset + width), low(x)))

    def raise_to(address, offset, x):
        store(address, offset, maximum(load(address, offset), x))

    def own_place(address, item, size):
        return address

    def mine(j):
        return True

    def shortcut(possible):
        return possible

    functions = (add_exactly, raise_to, own_place, mine, shortcut)
    return {function.__name__: function for function in functions}


def operations(n: int, special: bool, width: int, inline, registers=lanes, precision="float64") -> dict:
    """Name -> operation for SU(n) if special, else U(n), `width` lanes.

    inline      declares a site function
    registers   makes loads, stores and traced operations: module `lanes`, or another with the same names
    precision   "float64" or "float32", of matrices and algebra elements
    """
    m, a = Lanes(2 * n * n, width, precision), Lanes(n * n, width, precision)
    real, integer, number = Lanes(1, width), Lanes(1, width, "int64"), Lanes(1, width, precision)
    lines = max(1, n * n * width * ELEMENT_BYTES[precision] // lanes.CACHE_LINE)
    table = {
        "load": registers.make_load(m),
        "load_permuted": registers.make_load_permuted(m),
        "load_twice_permuted": registers.make_load_twice_permuted(m),
        "store": registers.make_store(m),
        "load_algebra": registers.make_load(a),
        "load_algebra_permuted": registers.make_load_permuted(a),
        "store_algebra": registers.make_store(a),
        "load_real": registers.make_load(real),
        "store_real": registers.make_store(real),
        "load_integers": registers.make_load(integer),
        "prefetch": registers.make_prefetch(lines),
        "prefetch_far": registers.make_prefetch(lines, 2),
        "load_register": registers.make_load(number),
        "store_register": registers.make_store(number),
        "copy_number": registers.make_copy(number),
        "load_word": registers.load_word,
        "align_stack": registers.align_stack,
    }
    table |= _products(registers, n, special, m, a, real) | _algebra(registers, n, special, a, real)
    table |= _exponentials(registers, n, special, width, m, a) | _randoms(registers, n, special, m, a, integer)
    table |= _accumulators(registers, real) | sweep_operations(registers, n, special, width, precision, _any)
    table |= _sums_of_matrices(registers, n, m, real) | _searches(registers, n, special, m, real)
    table |= _accumulators(registers, real)
    return table | {name: inline(function) for name, function in _in_memory(table, width).items()}
