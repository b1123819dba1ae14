"""Products of real matrices whose columns are vectors of lanes, in tiles of sums that stay in registers.

    mix       Y[r, :]  = (Y[r, :] +) sum_k A[r, k] B[k, :]         A of single numbers, rows of B and Y contiguous
    overlap   Z[r, q, lane] += sum_v X[r, v, lane] Y[q, v, lane]    lanes are added up later

A tile's rows and columns are constants of its code; a switch picks the code for the rows that are left. Sums run over
k or v in order, one fused multiply-add each, so values do not depend on how rows and columns are cut.
"""

import functools

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from gaugeflow.kernels.targets.lanes import Lanes, _pointer, register_type
from gaugeflow.kernels.targets.permutations import HAS_AVX512
from gaugeflow.kernels.targets.trace import ELEMENT_BYTES, F64, I64, Real, constant, splat

MIX_TILE = (6, 4) if HAS_AVX512 else (6, 2)
OVERLAP_TILE = (6, 4) if HAS_AVX512 else (3, 3)
"""(rows, columns) of sums in registers, beside one column of factors and a broadcast: 32 or 16 vector registers."""

LEAST_ROWS = 3
"""Rows that X of `overlap` always has: a layer's smallest number of first factors."""


def shortest_tile(most: int, rows: int) -> int:
    """Least height of tiles into which `rows` or more rows are cut evenly."""
    return min(count // -(-count // most) for count in range(rows, rows * most + 1))


class _Sums:
    """rows x columns running sums and a counter, carried through a loop."""

    def __init__(self, builder, starts, count):
        self._builder, self._count = builder, count
        before = builder.block
        self._loop, self._after = builder.append_basic_block("terms"), builder.append_basic_block("stored")
        builder.branch(self._loop)
        builder.position_at_end(self._loop)
        self.step = builder.phi(I64)
        self.step.add_incoming(I64(0), before)
        self.values = [builder.phi(start.type) for start in starts]
        for phi, start in zip(self.values, starts, strict=True):
            phi.add_incoming(start, before)

    def close(self, values):
        """End of the loop's body: the new sums."""
        builder = self._builder
        following = builder.add(self.step, I64(1))
        self.step.add_incoming(following, builder.block)
        for phi, value in zip(self.values, values, strict=True):
            phi.add_incoming(value, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, self._count), self._loop, self._after)
        builder.position_at_end(self._after)


def _switch(builder, number, cases):
    """Run cases[number](); numbers that are no case do nothing."""
    after = builder.append_basic_block("after")
    switch = builder.switch(number, after)
    for case, body in cases.items():
        block = builder.append_basic_block(f"case{case}")
        switch.add_case(I64(case), block)
        builder.position_at_end(block)
        body()
        builder.branch(after)
    builder.position_at_end(after)


def _load(builder, t, address, offset):
    return builder.load(_pointer(builder, t, address, offset), align=ELEMENT_BYTES[t.element])


def _store(builder, t, value, address, offset):
    builder.store(value, _pointer(builder, t, address, offset), align=ELEMENT_BYTES[t.element])


def _fma(builder, x, y, z):
    return Real(builder, x).fma(Real(builder, y), Real(builder, z)).value


@functools.cache
def make_mix_tile(t, add):
    """mix_tile(rows, a, row step, k step, b, b step, y, y step, count): one tile of columns, 1 .. MIX_TILE[0] rows.

    t       one register
    add     whether the tile is added to what Y holds
    """
    width, columns = t.width, MIX_TILE[1]
    one = Lanes(1, 1, t.element)

    def tile(builder, rows, a):
        _, a_at, row_step, k_step, b_at, b_step, y_at, y_step, count = a
        row = [builder.mul(y_step, I64(r)) for r in range(rows)]
        places = [(row[r], c) for r in range(rows) for c in range(columns)]

        def place(r, c):
            return builder.add(r, I64(c * width))

        zero = constant(register_type(t), 0.0)
        starts = [_load(builder, t, y_at, place(r, c)) if add else zero for r, c in places]
        sums = _Sums(builder, starts, count)
        at = builder.mul(sums.step, b_step)
        factors = [_load(builder, t, b_at, builder.add(at, I64(c * width))) for c in range(columns)]
        out = []
        for r in range(rows):
            offset = builder.add(builder.mul(sums.step, k_step), builder.mul(row_step, I64(r)))
            number = splat(builder, _load(builder, one, a_at, offset), width)
            out += [_fma(builder, number, factors[c], sums.values[r * columns + c]) for c in range(columns)]
        sums.close(out)
        for value, (r, c) in zip(out, places, strict=True):
            _store(builder, t, value, y_at, place(r, c))

    @intrinsic
    def mix_tile(typing, rows, a, row_step, k_step, b, b_step, y, y_step, count):
        def generate(context, builder, signature, args):
            cases = {r: functools.partial(tile, builder, r, args) for r in range(1, MIX_TILE[0] + 1)}
            _switch(builder, args[0], cases)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 9), generate

    return mix_tile


@functools.cache
def make_overlap_tile(t):
    """overlap_tile(rows, columns, x, x step, y, y step, z, z step, vectors), up to OVERLAP_TILE rows and columns.

    X has at least LEAST_ROWS rows in all, cut evenly: lower tiles than that makes have no code.
    """
    width = t.width

    def tile(builder, rows, columns, a):
        x_at, x_step, y_at, y_step, z_at, z_step, vectors = a[2:]
        x_row, y_row = ([builder.mul(s, I64(r)) for r in range(n)] for s, n in ((x_step, rows), (y_step, columns)))
        z = [builder.add(builder.mul(z_step, I64(r)), I64(q * width)) for r in range(rows) for q in range(columns)]
        sums = _Sums(builder, [_load(builder, t, z_at, place) for place in z], vectors)
        at = builder.mul(sums.step, I64(width))
        y = [_load(builder, t, y_at, builder.add(q, at)) for q in y_row]
        out = []
        for r in range(rows):
            x = _load(builder, t, x_at, builder.add(x_row[r], at))
            out += [_fma(builder, x, y[q], sums.values[r * columns + q]) for q in range(columns)]
        sums.close(out)
        for value, place in zip(out, z, strict=True):
            _store(builder, t, value, z_at, place)

    @intrinsic
    def overlap_tile(typing, rows, columns, x, x_step, y, y_step, z, z_step, vectors):
        def generate(context, builder, signature, args):
            most, wide = OVERLAP_TILE
            cases = {
                r * wide + q: functools.partial(tile, builder, r, q, args)
                for r in range(shortest_tile(most, LEAST_ROWS), most + 1)
                for q in range(1, wide + 1)
            }
            _switch(builder, builder.add(builder.mul(args[0], I64(wide)), args[1]), cases)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 9), generate

    return overlap_tile


@functools.cache
def make_lane_sum(t):
    """lane_sum(address, offset): the lanes of one register added up in float64, by halves."""

    @intrinsic
    def lane_sum(typing, address, offset):
        def generate(context, builder, signature, a):
            x = Real(builder, _load(builder, t, a[0], a[1])).widen().value
            lanes = t.width
            while lanes > 1:
                lanes //= 2
                low, high = (
                    builder.shuffle_vector(x, x, ir.Constant(ir.VectorType(ir.IntType(32), lanes), list(side)))
                    for side in (range(lanes), range(lanes, 2 * lanes))
                )
                x = builder.fadd(low, high)
            return builder.extract_element(x, ir.IntType(32)(0))

        return types.float64(types.int64, types.int64), generate

    return lane_sum


@functools.cache
def make_load_number(element):
    """load_number(address, offset): one number of an element type, as float64."""
    one = Lanes(1, 1, element)

    @intrinsic
    def load_number(typing, address, offset):
        def generate(context, builder, signature, a):
            return Real(builder, _load(builder, one, a[0], a[1])).widen().value

        return types.float64(types.int64, types.int64), generate

    return load_number


@functools.cache
def make_store_number(element):
    """store_number(address, offset, x): a float64 rounded to an element type."""
    one = Lanes(1, 1, element)

    @intrinsic
    def store_number(typing, address, offset, x):
        def generate(context, builder, signature, a):
            value = builder.fptrunc(a[2], one.llvm_element) if one.llvm_element != F64 else a[2]
            _store(builder, one, value, a[0], a[1])
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.float64), generate

    return store_number
