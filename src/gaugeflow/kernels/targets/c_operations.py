"""Operations as C functions: the recorded instructions of one lane, written out one statement each.

Recording is that of the CPU target (`targets.trace` on scalars), so the same additions and fused multiply-adds run in
the same order. Compile without contraction (-ffp-contract=off, -fmad=false): what is written is what runs.
"""

from dataclasses import dataclass

import numpy as np
from llvmlite import ir
from numba import types

from gaugeflow.kernels.targets.lanes import Lanes, scalar_element
from gaugeflow.kernels.targets.trace import F32, F64, I64, Integer, Real

C_NAME = {"fadd": "+", "fsub": "-", "fmul": "*", "fdiv": "/"} | {
    "add": "+", "sub": "-", "mul": "*", "and": "&", "xor": "^", "shl": "<<", "lshr": ">>"
}  # fmt: skip
NEGATIVE_ZEROS = (f"({(-0.0).hex()})", f"({(-0.0).hex()}f)")
CALLS = {"fma": "fma", "sqrt": "sqrt", "fabs": "fabs"}
"""Functions of doubles; those of floats have an f behind."""

NUMBER = {F64: "double", F32: "float", I64: "u64"}
COMPARISONS = {"oge": "({0} >= {1})", "ugt": "!({0} <= {1})"}


def c_type(t) -> str:
    """C type of a Numba type: a struct of registers, or a scalar."""
    if isinstance(t, Lanes):
        return f"Registers<{NUMBER[t.llvm_element]}, {t.count}>"
    return {types.float64: "double", types.int64: "i64", types.boolean: "bool", types.void: "void"}[t]


class COperations:
    """What `targets.lanes` offers to operations; `text` gathers the C definitions as operations are made."""

    def __init__(self):
        self.text: list[str] = []

    def make_load(self, t):
        """load(address, offset): this lane's registers."""
        return COperation(f"load_lane<{c_type(t)}>", True)

    def make_load_permuted(self, t):
        """load_permuted(address, offset, beside, table, row): the registers of the lane that the table names."""
        return COperation(f"load_other_lane<{c_type(t)}>", True)

    def make_load_twice_permuted(self, t):
        """load_twice_permuted(address, a, b, row, c, d, next_row, table, first): two such steps."""
        return COperation(f"load_lane_of_other_lane<{c_type(t)}>", True)

    def make_store(self, t):
        """store(address, offset, value)."""
        return COperation(f"store_lane<{c_type(t)}>", True)

    def make_prefetch(self, lines, level=1):
        """Left out of C text: hardware with thousands of threads hides latency itself."""
        return None

    @property
    def load_word(self):
        """load_word(address, index), defined in preamble.h."""
        return COperation("load_word", False)

    def make_copy(self, t):
        """copy(to, to offset, from, from offset): one element of type `t`."""
        return COperation(f"copy_element<{c_type(t)}>", False)

    @property
    def align_stack(self):
        """Left out of C text."""
        return None

    def traced(self, result, arguments, function):
        """Record `function` on one lane and write it as a C function."""
        name = f"operation_{len(self.text)}"
        record = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), []), name)
        builder = ir.IRBuilder(record.append_basic_block())
        names, values, parameters, element = {}, [], [], scalar_element(result, arguments)
        for k, t in enumerate(arguments):
            if isinstance(t, Lanes):
                inputs = [ir.Argument(record, t.llvm_element, "") for _ in range(t.count)]
                names |= {id(x): f"a{k}.v[{i}]" for i, x in enumerate(inputs)}
                values.append([t.number(builder, x) for x in inputs])
            else:
                real = t == types.float64
                x = ir.Argument(record, F64 if real else I64, "")
                names[id(x)] = f"a{k}"
                values.append(Real(builder, x).narrow(element) if real else Integer(builder, x))
            parameters.append(f"const {c_type(t)}{'&' if isinstance(t, Lanes) else ''} a{k}")
        out = function(builder, *values)
        lines = [_statement(x, k, names) for k, x in enumerate(builder.block.instructions)]
        lines += _returned(out, result, names)
        head = f"DEVICE {c_type(result)} {name}({', '.join(parameters)}) {{"
        self.text.append("\n".join([head, *(f"    {line}" for line in lines), "}"]))
        return COperation(name, False)


@dataclass(frozen=True)
class COperation:
    """Name of a C function; `lane` tells whether it takes the lane number first."""

    name: str
    lane: bool


def _returned(out, result, names):
    if isinstance(result, Lanes):
        stores = [f"out.v[{k}] = {_operand(x.value, names)};" for k, x in enumerate(out)]
        return [f"{c_type(result)} out;", *stores, "return out;"]
    return [f"return {_operand(out, names)};"]


def _operand(x, names):
    if isinstance(x, ir.Constant):
        if x.type == F64:
            return f"({float(x.constant).hex()})"
        if x.type == F32:
            return f"({float(np.float32(x.constant)).hex()}f)"
        return f"{int(x.constant) & (2**64 - 1) if x.type == I64 else int(x.constant)}{'ull' if x.type == I64 else ''}"
    return names[id(x)]


def _statement(instruction, number, names):
    """One instruction as `const TYPE tN = ...;`."""
    name = instruction.opname
    a = [_operand(x, names) for x in (instruction.args if name == "call" else instruction.operands)]
    if name == "call":
        function = CALLS[instruction.callee.name.split(".")[1]]
        text = f"{function}{'f' if instruction.type == F32 else ''}({', '.join(a)})"
    elif name == "fcmp":
        text = COMPARISONS[instruction.op].format(*a)
    elif name == "select":
        text = f"{a[0]} ? {a[1]} : {a[2]}"
    elif name == "fsub" and a[0] in NEGATIVE_ZEROS:
        text = f"negated({a[1]})"
    elif name == "ashr":
        text = f"(u64)((i64){a[0]} >> {a[1]})"
    elif name == "sitofp":
        text = f"(double)(i64){a[0]}"
    elif name in ("fpext", "fptrunc"):
        text = f"({NUMBER[instruction.type]}){a[0]}"
    elif name == "bitcast":
        text = f"{'bits_to_real' if instruction.type == F64 else 'real_to_bits'}({a[0]})"
    else:
        text = f"{a[0]} {C_NAME[name]} {a[1]}"
    kind = NUMBER.get(instruction.type, "bool")
    names[id(instruction)] = f"t{number}"
    return f"const {kind} t{number} = {text};"
