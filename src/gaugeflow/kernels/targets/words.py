"""Words of other machines' files: unaligned loads, bytes in the other order, and products without carries.

Numba intrinsics on addresses in bytes. `Pair` is a register of two 64-bit words, as the carry-less multiplication
PCLMULQDQ of x86 processors takes them.
"""

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from gaugeflow.kernels.targets.lanes import Lanes, pack, unpack
from gaugeflow.kernels.targets.trace import I32, I64, Integer

HAS_CARRYLESS = bool(llvm.get_host_cpu_features().get("pclmul", False))
"""Whether this processor multiplies without carries."""

PAIR = Lanes(1, 2, "int64")
BYTE = ir.IntType(8)


def _at(builder, address, type_):
    return builder.inttoptr(address, type_.as_pointer())


@intrinsic
def load_u64(typing, address):
    """The 8 bytes at an address as a little-endian number."""

    def generate(context, builder, signature, args):
        return builder.load(_at(builder, args[0], I64), align=1)

    return types.uint64(types.int64), generate


@intrinsic
def load_byte(typing, address):
    """The byte at an address."""

    def generate(context, builder, signature, args):
        return builder.zext(builder.load(_at(builder, args[0], BYTE)), I64)

    return types.uint64(types.int64), generate


@intrinsic
def swap_bytes(typing, word):
    """An unsigned number of 32 or 64 bits with its bytes in the other order."""

    def generate(context, builder, signature, args):
        return builder.bswap(args[0])

    return word(word), generate


@intrinsic
def load_pair(typing, address):
    """The 16 bytes at an address."""

    def generate(context, builder, signature, args):
        value = builder.load(_at(builder, args[0], ir.VectorType(I64, 2)), align=1)
        return pack(builder, PAIR, [Integer(builder, value)])

    return PAIR(types.int64), generate


@intrinsic
def first_word(typing, pair):
    """Word 0 of a pair."""

    def generate(context, builder, signature, args):
        return builder.extract_element(unpack(builder, PAIR, args[0])[0].value, I32(0))

    return types.uint64(PAIR), generate


@intrinsic
def second_word(typing, pair):
    """Word 1 of a pair."""

    def generate(context, builder, signature, args):
        return builder.extract_element(unpack(builder, PAIR, args[0])[0].value, I32(1))

    return types.uint64(PAIR), generate


@intrinsic
def make_pair(typing, first, second):
    """A pair of two words."""

    def generate(context, builder, signature, args):
        value = ir.Constant(ir.VectorType(I64, 2), ir.Undefined)
        for k, word in enumerate(args):
            value = builder.insert_element(value, word, I32(k))
        return pack(builder, PAIR, [Integer(builder, value)])

    return PAIR(types.uint64, types.uint64), generate


@intrinsic
def exclusive_or(typing, a, b):
    """a xor b of pairs."""

    def generate(context, builder, signature, args):
        a, b = (unpack(builder, PAIR, x)[0] for x in args)
        return pack(builder, PAIR, [a ^ b])

    return PAIR(PAIR, PAIR), generate


@intrinsic
def fold(typing, state, factors, following):
    """following xor (state_0 x factors_0) xor (state_1 x factors_1), products without carries."""

    def generate(context, builder, signature, args):
        state, factors, out = (unpack(builder, PAIR, x)[0] for x in args)
        vector = state.value.type
        kind = ir.FunctionType(vector, [vector, vector, BYTE])
        multiply = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.pclmulqdq")
        for which in (0x00, 0x11):
            out = out ^ Integer(builder, builder.call(multiply, [state.value, factors.value, BYTE(which)]))
        return pack(builder, PAIR, [out])

    return PAIR(PAIR, PAIR, PAIR), generate
