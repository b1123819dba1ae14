"""Numba types for matrices, algebra elements and integers of W lanes, and the intrinsics that move them.

Memory is a flat float64 array of blocks; component k of a matrix lies W doubles behind component k - 1, so loads and
stores need no shuffles. Addresses, not arrays, go into inner loops: an array chosen in a branch would cost a
reference count there.
"""

import functools

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

from gaugeflow.kernels.targets.trace import F64, I32, I64, Integer, Real, lanes_type, splat

CACHE_LINE = 64
HAS_AVX512 = bool(llvm.get_host_cpu_features().get("avx512f", False))
HAS_AVX2 = bool(llvm.get_host_cpu_features().get("avx2", False))


def native_width() -> int:
    """float64 lanes of this machine's widest vector registers."""
    return 8 if HAS_AVX512 else 4 if HAS_AVX2 else 2


class Lanes(types.Type):
    """`count` registers of `width` float64 (or int64) lanes, passed by value."""

    def __init__(self, count, width, integer=False):
        self.count, self.width, self.integer = count, width, integer
        super().__init__(name=f"Lanes{count}{'i' if integer else 'd'}{width}")


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    """An LLVM array of vectors."""

    def __init__(self, manager, frontend):
        element = lanes_type(I64 if frontend.integer else F64, frontend.width)
        super().__init__(manager, frontend, ir.ArrayType(element, frontend.count))


def register_type(t):
    """LLVM type of one register of a `Lanes` type."""
    return lanes_type(I64 if t.integer else F64, t.width)


def pack(builder, t, values):
    """Registers -> one value of Numba type `t`."""
    out = ir.Constant(ir.ArrayType(register_type(t), t.count), ir.Undefined)
    for k, v in enumerate(values):
        out = builder.insert_value(out, v.value, k)
    return out


def unpack(builder, t, value):
    """One value of Numba type `t` -> list of traced numbers."""
    wrap = Integer if t.integer else Real
    return [wrap(builder, builder.extract_value(value, k)) for k in range(t.count)]


def _pointer(builder, address, offset, element):
    byte = builder.add(address, builder.shl(offset, I64(3)))
    return builder.inttoptr(byte, element.as_pointer())


def _load_registers(builder, t, address, offset):
    element = register_type(t)
    wrap = Integer if t.integer else Real
    return [
        wrap(builder, builder.load(_pointer(builder, address, builder.add(offset, I64(k * t.width)), element), align=8))
        for k in range(t.count)
    ]


def _permute(builder, width, registers, beside, address, row):
    """lane l <- lane perm[row, l] of the 2 W lanes of every register and of the one beside it (None: of its own W).

    The table (int64, rows of 2 W words, the first W of them lanes) is read at run time.
    """
    if width == 1:
        return registers
    table = builder.inttoptr(
        builder.add(address, builder.mul(row, I64(16 * width))), ir.VectorType(I64, width).as_pointer()
    )
    index = builder.load(table, align=8)
    everywhere = ir.Constant(ir.VectorType(I32, 2 * width), list(range(2 * width)))
    out = []
    for k, register in enumerate(registers):
        v, others = register.value, [] if beside is None else [beside[k].value]
        if width == 8 and HAS_AVX512:
            arguments = [v, index, *others]
            name = "llvm.x86.avx512.vpermi2var.pd.512" if others else "llvm.x86.avx512.permvar.df.512"
            signature = ir.FunctionType(v.type, [x.type for x in arguments])
            v = builder.call(cgutils.get_or_insert_function(builder.module, signature, name), arguments)
        else:
            joined = builder.shuffle_vector(v, others[0], everywhere) if others else v
            picked = ir.Constant(v.type, ir.Undefined)
            for lane in range(width):
                source = builder.extract_element(joined, builder.extract_element(index, I32(lane)))
                picked = builder.insert_element(picked, source, I32(lane))
            v = picked
        out.append(Real(builder, v))
    return out


@functools.cache
def make_load(t):
    """load(address, offset): offset in doubles from the address."""

    @intrinsic
    def load(typing, address, offset):
        def generate(context, builder, signature, a):
            return pack(builder, t, _load_registers(builder, t, a[0], a[1]))

        return t(types.int64, types.int64), generate

    return load


@functools.cache
def make_load_permuted(t):
    """load_permuted(address, offset, beside, table, row): a neighbour whose lanes lie in two blocks."""

    @intrinsic
    def load_permuted(typing, address, offset, beside, table, row):
        def generate(context, builder, signature, a):
            address, offset, beside, table, row = a
            with builder.if_else(builder.icmp_signed("==", offset, beside)) as (one_block, two_blocks):
                with one_block:
                    first = _load_registers(builder, t, address, offset)
                    one, one_ends = _permute(builder, t.width, first, None, table, row), builder.block
                with two_blocks:
                    first, second = (_load_registers(builder, t, address, at) for at in (offset, beside))
                    two, two_ends = _permute(builder, t.width, first, second, table, row), builder.block
            out = []
            for x, y in zip(one, two, strict=True):
                either = builder.phi(x.value.type)
                either.add_incoming(x.value, one_ends)
                either.add_incoming(y.value, two_ends)
                out.append(Real(builder, either))
            return pack(builder, t, out)

        return t(*[types.int64] * 5), generate

    return load_permuted


@functools.cache
def make_load_twice_permuted(t):
    """load_twice_permuted(address, a, b, row, c, d, next_row, table, first): a neighbour's neighbour.

    Row `first` picks lanes of two blocks, which are `row` of the blocks at a and b and `next_row` of those at c and d.
    """

    @intrinsic
    def load_twice_permuted(typing, address, a, b, row, c, d, next_row, table, first):
        def generate(context, builder, signature, x):
            address, a, b, row, c, d, next_row, table, first = x
            a, b, c, d = (_load_registers(builder, t, address, at) for at in (a, b, c, d))
            one = _permute(builder, t.width, a, b, table, row)
            two = _permute(builder, t.width, c, d, table, next_row)
            return pack(builder, t, _permute(builder, t.width, one, two, table, first))

        return t(*[types.int64] * 9), generate

    return load_twice_permuted


@functools.cache
def make_store(t):
    """store(address, offset, value)."""

    @intrinsic
    def store(typing, address, offset, value):
        def generate(context, builder, signature, a):
            for k, v in enumerate(unpack(builder, t, a[2])):
                pointer = _pointer(builder, a[0], builder.add(a[1], I64(k * t.width)), register_type(t))
                builder.store(v.value, pointer, align=8)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, t), generate

    return store


@intrinsic
def load_word(typing, address, index):
    """load_word(address, index): one int64 of a table."""

    def generate(context, builder, signature, a):
        return builder.load(_pointer(builder, a[0], a[1], I64), align=8)

    return types.int64(types.int64, types.int64), generate


@functools.cache
def make_prefetch(lines, level=1):
    """prefetch(address): `lines` cache lines into the cache of `level`, 1 or 2."""

    @intrinsic
    def prefetch(typing, address):
        def generate(context, builder, signature, a):
            byte = ir.IntType(8).as_pointer()
            kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
            function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
            for k in range(lines):
                pointer = builder.inttoptr(builder.add(a[0], I64(CACHE_LINE * k)), byte)
                builder.call(function, [pointer, I32(0), I32(4 - level), I32(1)])
            return context.get_dummy_value()

        return types.void(types.int64), generate

    return prefetch


@intrinsic
def align_stack(typing):
    """Once in every kernel: without it spilled registers may straddle cache lines, differently in every process.

    LLVM does not realign Numba's frames by itself; a 64-byte slot kept alive by an empty assembly line makes it.
    """

    def generate(context, builder, signature, args):
        with builder.goto_entry_block():
            slot = builder.alloca(I64)
            slot.align = CACHE_LINE
        builder.asm(ir.FunctionType(ir.VoidType(), [slot.type]), "", "r,~{memory}", [slot], True)
        return context.get_dummy_value()

    return types.void(), generate


def traced(result, arguments, function):
    """Intrinsic that runs `function(builder, *values)` on traced numbers.

    Arguments of a `Lanes` type arrive as lists of `Real` or `Integer`, float64 and int64 scalars as one number in every
    lane; `result` is a `Lanes` type, or `types.boolean` for a truth value computed by `function`.
    """
    width = next((t.width for t in (result, *arguments) if isinstance(t, Lanes)), 1)

    def generate(context, builder, signature, args):
        values = []
        for value, t in zip(args, arguments, strict=True):
            if isinstance(t, Lanes):
                values.append(unpack(builder, t, value))
            else:
                wrap = Real if t == types.float64 else Integer
                values.append(wrap(builder, splat(builder, value, width)))
        out = function(builder, *values)
        return pack(builder, result, out) if isinstance(result, Lanes) else out

    names = ", ".join(f"a{k}" for k in range(len(arguments)))
    scope = {"signature": result(*arguments), "generate": generate}
    exec(f"def operation(typing{', ' if names else ''}{names}):\n    return signature, generate", scope)
    return intrinsic(scope["operation"])
