"""Numba types for matrices, algebra elements and integers of W lanes, and the intrinsics that move them.

Memory is a flat array of blocks; component k of a matrix lies W numbers behind component k - 1, so loads and stores
need no shuffles. Addresses, not arrays, go into inner loops: an array chosen in a branch would cost a reference count
there.
"""

import functools

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

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
HAS_AVX512 = bool(llvm.get_host_cpu_features().get("avx512f", False))
HAS_AVX2 = bool(llvm.get_host_cpu_features().get("avx2", False))


PERMUTATIONS = {
    (8, "float64"): ("llvm.x86.avx512.permvar.df.512", HAS_AVX512),
    (16, "float32"): ("llvm.x86.avx512.permvar.sf.512", HAS_AVX512),
    (8, "float32"): ("llvm.x86.avx2.permps", HAS_AVX2),
}
"""(lanes, element) -> the instruction that permutes them by a register of indices, and whether this machine has it."""


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


def _low_halves(builder, words):
    """int64 lanes as int32: one permutation of two registers where a truncation would take three instructions."""
    halves = builder.bitcast(words, ir.VectorType(I32, 2 * words.type.count))
    low = [I32(2 * lane) for lane in range(words.type.count)]
    return builder.shuffle_vector(halves, halves, ir.Constant(ir.VectorType(I32, len(low)), low))


def _permute(builder, t, registers, address, row):
    """lane l <- lane perm[row, l] of every register; the table (int64, row-major) is read at run time."""
    width = t.width
    if width == 1:
        return registers
    table = builder.inttoptr(
        builder.add(address, builder.mul(row, I64(8 * width))), ir.VectorType(I64, width).as_pointer()
    )
    index = builder.load(table, align=8)
    name, present = PERMUTATIONS.get((width, t.element), ("", False))
    if present and t.element == "float32":
        index = _low_halves(builder, index)
    out = []
    for register in registers:
        v = register.value
        if present:
            signature = ir.FunctionType(v.type, [v.type, index.type])
            v = builder.call(cgutils.get_or_insert_function(builder.module, signature, name), [v, index])
        else:
            picked = ir.Constant(v.type, ir.Undefined)
            for lane in range(width):
                source = builder.extract_element(v, builder.extract_element(index, I32(lane)))
                picked = builder.insert_element(picked, source, I32(lane))
            v = picked
        out.append(Real(builder, v))
    return out


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
    """load_permuted(address, offset, table, row): a neighbour whose lanes are permuted."""

    @intrinsic
    def load_permuted(typing, address, offset, table, row):
        def generate(context, builder, signature, a):
            registers = _load_registers(builder, t, a[0], a[1])
            return pack(builder, t, _permute(builder, t, registers, a[2], a[3]))

        return t(types.int64, types.int64, types.int64, types.int64), generate

    return load_permuted


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
