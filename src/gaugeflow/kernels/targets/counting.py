"""Site functions run on recorded instructions instead of numbers, to count what they compute.

The files of `sites` and the operations of `targets.operations` are those of the CPU target; only loads, stores and the
declaration of functions differ, so a count cannot drift from the code.
"""

import ctypes
from collections import Counter

from llvmlite import ir
from numba import types

from gaugeflow.kernels.targets.cpu import namespace, run_site_files
from gaugeflow.kernels.targets.lanes import Lanes, scalar_element
from gaugeflow.kernels.targets.trace import I64, Integer, Real, constant

FLOP = {"fadd": 1, "fsub": 1, "fmul": 1, "fdiv": 1, "sqrt": 1, "fma": 2}
"""Operations that count, and for how much; a change of sign or of precision is free."""

INTEGER_OPERATIONS = ("add", "sub", "mul", "and", "xor", "shl", "lshr", "ashr")


class Recorder:
    """What `targets.lanes` offers to operations, for one lane: everything that is computed ends up in one block."""

    def __init__(self):
        function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), []), "recorded")
        self._builder = ir.IRBuilder(function.append_basic_block())

    def take(self) -> Counter:
        """How often each instruction was recorded since the last call, equal ones on equal operands once."""
        numbers, seen, counts = {}, {}, Counter()
        for instruction in self._builder.block.instructions:
            inputs = [numbers.get(id(x), str(x) if isinstance(x, ir.Constant) else id(x)) for x in instruction.operands]
            key = (name := _name(instruction), *inputs)
            if key not in seen:
                seen[key] = len(seen)
                counts[name] += 1
            numbers[id(instruction)] = seen[key]
        self._builder.block.instructions.clear()
        return counts

    def _unknown(self, t):
        function = self._builder.function
        return [t.number(self._builder, ir.Argument(function, t.llvm_element, "")) for _ in range(t.count)]

    def make_load(self, t):
        """load(...): registers of unknown content."""
        return lambda *_: self._unknown(t)

    make_load_permuted = make_load_twice_permuted = make_load

    def make_store(self, t):
        """store(...): nothing to compute."""
        return lambda *_: None

    make_copy = make_store

    def make_prefetch(self, lines, level=1):
        """prefetch(...): nothing to compute."""
        return lambda *_: None

    def load_word(self, address, index):
        """One int64 of a table."""
        return ctypes.c_int64.from_address(int(address + 8 * index)).value

    def align_stack(self):
        """Nothing to compute."""

    def traced(self, result, arguments, function):
        """Operation on lists of registers; one that asks a question gets the answer no."""

        element = scalar_element(result, arguments)

        def operation(*values):
            wrapped = [
                value if isinstance(t, Lanes) else self._scalar(value, t, element)
                for value, t in zip(values, arguments, strict=True)
            ]
            out = function(self._builder, *wrapped)
            return False if result == types.boolean else out

        return operation

    def _scalar(self, value, t, element):
        wrap, element = (Real, element) if t == types.float64 else (Integer, I64)
        return wrap(self._builder, constant(element, value))


def _name(instruction):
    if instruction.opname == "call":
        return instruction.callee.name.split(".")[1]
    first = instruction.operands[0]
    negation = instruction.opname == "fsub" and isinstance(first, ir.Constant) and str(first.constant) == "-0.0"
    return "negation" if negation else instruction.opname


def recorded_kernels(n: int, special: bool, ndim: int, precision: str = "float64") -> tuple[Recorder, dict]:
    """(recorder, kernels by name): the CPU target's kernels as plain functions on one lane, for `take` after a call."""

    def plain(function):
        return function

    recorder = Recorder()
    names = namespace(n, special, ndim, 1, precision, inline=plain, kernel=plain, registers=recorder)
    run_site_files(names)
    return recorder, names
