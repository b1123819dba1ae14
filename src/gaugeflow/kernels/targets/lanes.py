"""Numba types for matrices, algebra elements and integers of W lanes, and the intrinsics that move them.

Memory is a flat array of blocks; component k of a matrix lies W numbers behind component k - 1, so loads and stores
need no shuffles. Addresses, not arrays, go into inner loops: an array chosen in a branch would cost a reference count
there.
"""

import functools

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

from gaugeflow.kernels.targets.permutations import HAS_AVX2, HAS_AVX512, permute
from gaugeflow.kernels.targets.trace import (
    ELEMENT_BYTES,
    ELEMENTS,
    F64,
    I32,
    I64,
    Integer,
    Real,
    lanes_type,
    splat,
)

CACHE_LINE = 64


def native_width(precision: str = "float64") -> int:
    """Lanes of this machine's widest vector registers."""
    return (64 if HAS_AVX512 else 32 if HAS_AVX2 else 16) // ELEMENT_BYTES[precision]


class Lanes(types.Type):
    """`count` registers of `width` lanes of an element ("float64", "float32", "int64"), passed by value."""

    def __init__(self, count, width, element="float64"):
        self.count, self.width, self.element = count, width, element
        super().__init__(name=f"Lanes{count}{element}x{width}")

    @property
    def llvm_element(self):
        """LLVM type of one lane."""
        return ELEMENTS[self.element]

    @property
    def number(self):
        """Class of the traced numbers."""
        return Integer if self.element == "int64" else Real


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    """An LLVM array of vectors."""

    def __init__(self, manager, frontend):
        super().__init__(manager, frontend, ir.ArrayType(register_type(frontend), frontend.count))


def register_type(t):
    """LLVM type of one register of a `Lanes` type."""
    return lanes_type(t.llvm_element, t.width)


def pack(builder, t, values):
    """Registers -> one value of Numba type `t`; TypeError if they are of another element."""
    if any(v.value.type != register_type(t) for v in values):
        raise TypeError(f"wanted registers of {t}, got {', '.join(str(v.value.type) for v in values)}")
    out = ir.Constant(ir.ArrayType(register_type(t), t.count), ir.Undefined)
    for k, v in enumerate(values):
        out = builder.insert_value(out, v.value, k)
    return out


def unpack(builder, t, value):
    """One value of Numba type `t` -> list of traced numbers."""
    return [t.number(builder, builder.extract_value(value, k)) for k in range(t.count)]


def _pointer(builder, t, address, offset):
    """Pointer to a register of type `t`; the offset counts elements."""
    shift = ELEMENT_BYTES[t.element].bit_length() - 1
    return builder.inttoptr(builder.add(address, builder.shl(offset, I64(shift))), register_type(t).as_pointer())


def _load_registers(builder, t, address, offset):
    def load(k):
        place = _pointer(builder, t, address, builder.add(offset, I64(k * t.width)))
        return t.number(builder, builder.load(place, align=ELEMENT_BYTES[t.element]))

    return [load(k) for k in range(t.count)]


@functools.cache
def make_load(t):
    """load(address, offset): offset from the address in numbers of the register's element."""

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
                    one, one_ends = permute(builder, t, first, None, table, row), builder.block
                with two_blocks:
                    first, second = (_load_registers(builder, t, address, at) for at in (offset, beside))
                    two, two_ends = permute(builder, t, first, second, table, row), builder.block
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
            one = permute(builder, t, a, b, table, row)
            two = permute(builder, t, c, d, table, next_row)
            return pack(builder, t, permute(builder, t, one, two, table, first))

        return t(*[types.int64] * 9), generate

    return load_twice_permuted


@functools.cache
def make_store(t):
    """store(address, offset, value)."""

    @intrinsic
    def store(typing, address, offset, value):
        def generate(context, builder, signature, a):
            for k, v in enumerate(unpack(builder, t, a[2])):
                pointer = _pointer(builder, t, a[0], builder.add(a[1], I64(k * t.width)))
                builder.store(v.value, pointer, align=ELEMENT_BYTES[t.element])
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, t), generate

    return store


WORD = Lanes(1, 1, "int64")


@intrinsic
def load_word(typing, address, index):
    """load_word(address, index): one int64 of a table."""

    def generate(context, builder, signature, a):
        return builder.load(_pointer(builder, WORD, a[0], a[1]), align=8)

    return types.int64(types.int64, types.int64), generate


@functools.cache
def make_copy(t):
    """copy(to, to offset, from, from offset): one element of type `t`."""
    one = Lanes(1, 1, t.element)

    @intrinsic
    def copy(typing, to, to_offset, source, offset):
        def generate(context, builder, signature, a):
            builder.store(builder.load(_pointer(builder, one, a[2], a[3])), _pointer(builder, one, a[0], a[1]))
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.int64, types.int64), generate

    return copy


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


def scalar_element(result, arguments):
    """LLVM type to which an operation's float64 scalars are rounded: that of its real registers."""
    found = {t.llvm_element for t in (result, *arguments) if isinstance(t, Lanes) and t.number is Real}
    return found.pop() if len(found) == 1 else F64


def traced(result, arguments, function):
    """Intrinsic that runs `function(builder, *values)` on traced numbers.

    Arguments of a `Lanes` type arrive as lists of `Real` or `Integer`, float64 and int64 scalars as one number in every
    lane, float64 ones rounded to `scalar_element`; `result` is a `Lanes` type, or `types.boolean` for a truth value
    computed by `function`.
    """
    width = next((t.width for t in (result, *arguments) if isinstance(t, Lanes)), 1)
    element = scalar_element(result, arguments)

    def generate(context, builder, signature, args):
        values = []
        for value, t in zip(args, arguments, strict=True):
            if isinstance(t, Lanes):
                values.append(unpack(builder, t, value))
            elif t == types.float64:
                values.append(Real(builder, splat(builder, Real(builder, value).narrow(element).value, width)))
            else:
                values.append(Integer(builder, splat(builder, value, width)))
        out = function(builder, *values)
        return pack(builder, result, out) if isinstance(result, Lanes) else out

    names = ", ".join(f"a{k}" for k in range(len(arguments)))
    scope = {"signature": result(*arguments), "generate": generate}
    exec(f"def operation(typing{', ' if names else ''}{names}):\n    return signature, generate", scope)
    return intrinsic(scope["operation"])
