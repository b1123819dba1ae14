"""The operations that site functions are written in, for one group, register width and the CPU target."""

from llvmlite import ir
from numba import types

from gaugeflow.kernels.algebra import exact, exponential, matrix, projection, random
from gaugeflow.kernels.targets import lanes
from gaugeflow.kernels.targets.lanes import Lanes
from gaugeflow.kernels.targets.trace import F64, Real, constant, lanes_type


def _number(builder, width, value):
    return Real(builder, constant(lanes_type(F64, width), value))


def _any(builder, width, condition):
    if width == 1:
        return condition
    mask = builder.bitcast(condition, ir.IntType(width))
    return builder.icmp_unsigned("!=", mask, ir.Constant(mask.type, 0))


def _exponentials(registers, n, width, m, a):
    def norm(x):
        return matrix.algebra_product(n, x, x)

    def beyond(builder, x):
        if n == 1:
            return ir.Constant(ir.IntType(1), 0)
        limit = constant(lanes_type(F64, width), exponential.SERIES_NORM_SQUARED)
        return _any(builder, width, builder.fcmp_unordered(">", norm(x).value, limit))

    def series(builder, x):
        return exponential.exponential(n, x, _number(builder, width, 1.0), _number(builder, width, 0.0))

    def any_argument(builder, x):
        if n == 1:
            return series(builder, x)
        limit = constant(lanes_type(F64, width), exponential.SERIES_NORM_SQUARED)
        large = builder.fcmp_unordered(">", norm(x).value, limit)
        short = series(builder, x)
        one, zero = _number(builder, width, 1.0), _number(builder, width, 0.0)
        long = exponential.by_squaring(n, x, one, zero)
        return [Real(builder, builder.select(large, y.value, z.value)) for y, z in zip(long, short, strict=True)]

    return {
        "beyond_series": registers.traced(types.boolean, (a,), beyond),
        "exponential": registers.traced(m, (a,), series),
        "exponential_any": registers.traced(m, (a,), any_argument),
    }


def _products(registers, n, special, m, a, real):
    def product(da, db):
        return registers.traced(m, (m, m), lambda b, x, y: matrix.multiply(n, x, y, None, da, db))

    def accumulate(da, db):
        return registers.traced(m, (m, m, m), lambda b, z, x, y: matrix.multiply(n, x, y, z, da, db))

    def trace_with_one(b, x, part):
        total = x[part]
        for i in range(1, n):
            total = total + x[matrix.index(n, i, i) + part]
        return [total]

    return {
        "mul_nn": product(False, False),
        "mul_nd": product(False, True),
        "mul_dn": product(True, False),
        "mac_nn": accumulate(False, False),
        "mac_dn": accumulate(True, False),
        "trace_nd": registers.traced(real, (m, m), lambda b, x, y: [matrix.trace_of_product(n, x, y, True)]),
        "imaginary_trace_nd": registers.traced(
            real, (m, m), lambda b, x, y: [matrix.imaginary_trace_of_product_dagger(n, x, y)]
        ),
        "real_trace": registers.traced(real, (m,), lambda b, x: trace_with_one(b, x, 0)),
        "imaginary_trace": registers.traced(real, (m,), lambda b, x: trace_with_one(b, x, 1)),
        "antihermitian_part": registers.traced(a, (m,), lambda b, x: matrix.antihermitian_part(n, x, special)),
        "twice_antihermitian_nd": registers.traced(
            a, (m, m), lambda b, x, y: matrix.twice_antihermitian_part_of_product_dagger(n, x, y)
        ),
        "transport_plus": registers.traced(a, (m, a, a), lambda b, u, q, z: matrix.transport(n, u, q, z, 1)),
        "transport_minus": registers.traced(a, (m, a, a), lambda b, u, q, z: matrix.transport(n, u, q, z, -1)),
        "to_group": registers.traced(m, (m,), lambda b, x: projection.to_group(n, x)),
        "largest_difference": registers.traced(real, (m, m), lambda b, x, y: [projection.largest_difference(x, y)]),
    }


def _algebra(registers, n, special, width, a, real):
    double = types.float64
    return {
        "algebra_zero": registers.traced(a, (), lambda b: [_number(b, width, 0.0)] * a.count),
        "algebra_add": registers.traced(a, (a, a), lambda b, x, y: [p + q for p, q in zip(x, y, strict=True)]),
        "algebra_subtract": registers.traced(a, (a, a), lambda b, x, y: [p - q for p, q in zip(x, y, strict=True)]),
        "algebra_scale": registers.traced(a, (double, a), lambda b, c, x: [c * p for p in x]),
        "algebra_update": registers.traced(
            a, (double, a, double, a), lambda b, d, x, c, y: [c.fma(q, d * p) for p, q in zip(x, y, strict=True)]
        ),
        "algebra_product": registers.traced(real, (a, a), lambda b, x, y: [matrix.algebra_product(n, x, y)]),
        "project": registers.traced(a, (a,), lambda b, x: matrix.traceless(n, x, special)),
        "maximum": registers.traced(real, (real, real), lambda b, x, y: [x[0].maximum(y[0])]),
        "real_negative": registers.traced(real, (real,), lambda b, x: [-x[0]]),
    }


def _randoms(registers, n, special, m, a, integer):
    word = types.int64
    arguments = (integer, integer, word, word, word, word)

    def matrix_of_gaussians(b, site, chain, trajectory, stream, key0, key1):
        return random.gaussians(2 * n * n, site[0], chain[0], trajectory, stream, (key0, key1))

    def momentum(b, site, chain, trajectory, stream, key0, key1):
        count = random.generators(n, special)
        g = random.gaussians(count, site[0], chain[0], trajectory, stream, (key0, key1))
        return random.algebra_element(n, special, g)

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
    own_place(address, item, size)    scratch of one block; here all share one, which stays in the first-level cache
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

    return {"add_exactly": add_exactly, "raise_to": raise_to, "own_place": own_place}


def operations(n: int, special: bool, width: int, inline, registers=lanes) -> dict:
    """Name -> operation for U(1) (n = 1, not special) or SU(n), `width` lanes.

    inline      declares a site function
    registers   makes loads, stores and traced operations: module `lanes`, or another with the same names
    """
    m, a = Lanes(2 * n * n, width), Lanes(n * n, width)
    real, integer = Lanes(1, width), Lanes(1, width, integer=True)
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
        "prefetch": registers.make_prefetch(max(1, n * n * width * 8 // lanes.CACHE_LINE)),
        "prefetch_far": registers.make_prefetch(max(1, n * n * width * 8 // lanes.CACHE_LINE), 2),
        "load_word": registers.load_word,
        "align_stack": registers.align_stack,
    }
    table |= _products(registers, n, special, m, a, real) | _algebra(registers, n, special, width, a, real)
    table |= _exponentials(registers, n, width, m, a) | _randoms(registers, n, special, m, a, integer)
    table |= _accumulators(registers, real)
    return table | {name: inline(function) for name, function in _in_memory(table, width).items()}
