"""Lanes of one register, or of two, in another order: one instruction where the machine has it."""

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils

from gaugeflow.kernels.targets.trace import I32, I64, Real

_FEATURES = llvm.get_host_cpu_features()
HAS_AVX512, HAS_AVX2 = bool(_FEATURES.get("avx512f", False)), bool(_FEATURES.get("avx2", False))

PERMUTATIONS = {
    (8, "float64"): ("llvm.x86.avx512.permvar.df.512", HAS_AVX512),
    (16, "float32"): ("llvm.x86.avx512.permvar.sf.512", HAS_AVX512),
    (8, "float32"): ("llvm.x86.avx2.permps", HAS_AVX2),
}
"""(lanes, element) -> the instruction that permutes them by a register of indices, and whether this machine has it."""

PAIR_PERMUTATIONS = {
    (8, "float64"): ("llvm.x86.avx512.vpermi2var.pd.512", HAS_AVX512),
    (16, "float32"): ("llvm.x86.avx512.vpermi2var.ps.512", HAS_AVX512),
}
"""The same for lanes picked from two registers."""


def _low_halves(builder, words):
    """int64 lanes as int32: one permutation of two registers where a truncation would take three instructions."""
    halves = builder.bitcast(words, ir.VectorType(I32, 2 * words.type.count))
    low = [I32(2 * lane) for lane in range(words.type.count)]
    return builder.shuffle_vector(halves, halves, ir.Constant(ir.VectorType(I32, len(low)), low))


def permute(builder, t, registers, beside, address, row):
    """lane l <- lane perm[row, l] of the 2 W lanes of every register and of the one beside it (None: of its own W).

    The table (int64, rows of 2 W words, the first W of them lanes) is read at run time.
    """
    width = t.width
    if width == 1:
        return registers
    table = builder.inttoptr(
        builder.add(address, builder.mul(row, I64(16 * width))), ir.VectorType(I64, width).as_pointer()
    )
    index = builder.load(table, align=8)
    name, present = (PERMUTATIONS if beside is None else PAIR_PERMUTATIONS).get((width, t.element), ("", False))
    if present and t.element == "float32":
        index = _low_halves(builder, index)
    everywhere = ir.Constant(ir.VectorType(I32, 2 * width), list(range(2 * width)))
    out = []
    for k, register in enumerate(registers):
        v, others = register.value, [] if beside is None else [beside[k].value]
        if present:
            arguments = [v, index, *others]
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
