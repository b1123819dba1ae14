"""Site functions as C++ text, for CUDA and, in tests, for the host: one thread per (batch, block or step, lane).

The files of `sites` are parsed, not executed; their loops over `batch` and over `b` or `i` become the thread's place,
everything else is written as it stands. A register holds one lane; a permuted neighbour is only another address.
"""

import ast
import functools
import pathlib

from gaugeflow.kernels.signatures import is_kernel, site_trees
from gaugeflow.kernels.targets.c_operations import COperation, COperations
from gaugeflow.kernels.targets.cpu import sizes
from gaugeflow.kernels.targets.operations import operations

PREAMBLE = pathlib.Path(__file__).with_name("preamble.h")
MEMORY = pathlib.Path(__file__).with_name("memory.h")

TABLES = (("const i64*", "forward"), ("const i64*", "backward"), ("i64", "perm"), ("const i64*", "add"))
PLAN = (
    ("const i64*", "start"),
    ("const i64*", "steps"),
    ("const i64*", "rows"),
    ("const i64*", "slots_of"),
    ("const i64*", "fetch_start"),
    ("const i64*", "fetch_units"),
    ("i64", "q0"),
    ("i64", "p0"),
)
GROUPS = {"tables": TABLES, "plan": PLAN}
ROW_LENGTH = {"forward": "D", "backward": "D", "add": "SEAMS", "slots_of": "blocks"}
THREAD_LOOPS = {"batch": "thread_batch", "b": "thread_item", "i": "thread_item"}
REALS = ("c", "d", "eps", "c0", "keep_mu", "keep_nu")
"""Kernel parameters that are doubles; all others are 64-bit integers."""

BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "/", ast.Mod: "%", ast.BitOr: "|",
          ast.BitXor: "^", ast.LShift: "<<"}  # fmt: skip
SUM_COPIES = (("i64", "sums_copies"), ("i64", "sums_stride"))
"""Further parameters of kernels with `sums`: threads spread over copies of the accumulators, `sums_stride` apart."""

COMPARE = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
FETCHES = (
    "fetch", "fetch_matrix", "fetch_above", "fetch_below", "fetch_half_here", "fetch_half_above", "fetch_half_below"
)  # fmt: skip
"""Functions that only prefetch: the CPU's own."""

SKIPPED_CALLS = ("align_stack", *FETCHES)


class _Translator:
    """One function of a site file as C++ lines."""

    def __init__(self, tree, table, kernel):
        self.tree, self.table, self.kernel = tree, table, kernel

    def host_loop(self):
        """A function that runs all threads of a kernel one after the other, in a host build."""
        declared = self._parameters()
        typed, names = ", ".join(f"{k} {n}" for k, n in declared), ", ".join(n for _, n in declared)
        return f"HOST_LOOP({self.tree.name}, ARGUMENTS({typed}), {names})"

    def text(self):
        parameters = [p.arg for p in self.tree.args.args]
        if self.kernel:
            declared = self._parameters()
            head = f"KERNEL({self.tree.name}, {', '.join(f'{kind} {name}' for kind, name in declared)})"
            known = {name for _, name in declared}
        else:
            generic = ", ".join(f"class T{k}" for k, p in enumerate(parameters) if p not in GROUPS)
            declared = [x for k, p in enumerate(parameters) for x in GROUPS.get(p, ((f"T{k}", p),))]
            typed = ", ".join(f"{kind} {name}" for kind, name in declared)
            head = f"template <{generic}> DEVICE auto {self.tree.name}(i64 lane, {typed})"
            known = {name for _, name in declared}
        body = (["    THREAD_PLACE"] if self.kernel else []) + self._block(self.tree.body, [known], 1)
        if "sums_copies" in known:
            body.insert(1, "    sums += 8 * sums_stride * (thread_item % sums_copies);")
        return "\n".join([head + " {", *body, "}"])

    def _parameters(self):
        names = [p.arg for p in self.tree.args.args]
        return [x for name in names for x in _declared(name)] + list(SUM_COPIES if "sums" in names else ())

    def _block(self, statements, scopes, depth):
        lines = []
        for statement in statements:
            lines += [("    " * depth) + line for line in self._statement(statement, scopes, depth)]
        return lines

    def _inner(self, statements, scopes, names=()):
        return ["    " + line for line in self._block(statements, [*scopes, set(names)], 0)]

    def _statement(self, node, scopes, depth):
        if isinstance(node, ast.Expr):
            if isinstance(node.value, ast.Constant) or node.value.func.id in SKIPPED_CALLS:
                return []
            return [self._expression(node.value) + ";"]
        if isinstance(node, ast.Assign):
            return self._assign(node.targets[0], node.value, scopes)
        if isinstance(node, ast.AugAssign):
            return [f"{node.target.id} {BINARY[type(node.op)]}= {self._expression(node.value)};"]
        if isinstance(node, ast.If):
            lines = [f"if ({self._expression(node.test)}) {{", *self._inner(node.body, scopes), "}"]
            return lines + (["else {", *self._inner(node.orelse, scopes), "}"] if node.orelse else [])
        if isinstance(node, ast.While):
            return [f"while ({self._expression(node.test)}) {{", *self._inner(node.body, scopes), "}"]
        if isinstance(node, ast.For):
            return self._loop(node, scopes)
        if isinstance(node, ast.Break):
            return ["break;"]
        if isinstance(node, ast.Return):
            return [f"return {self._expression(node.value)};"]
        raise TypeError(f"no C++ for {ast.unparse(node)!r} in {self.tree.name}")

    def _assign(self, target, value, scopes):
        if isinstance(target, ast.Tuple):
            if isinstance(value, ast.Name) and value.id in GROUPS:
                return []
            pairs = zip(target.elts, value.elts, strict=True)
            return [line for t, v in pairs for line in self._assign(t, v, scopes)]
        known = any(target.id in scope for scope in scopes)
        scopes[-1].add(target.id)
        return [f"{'' if known else 'auto '}{target.id} = {self._expression(value)};"]

    def _loop(self, node, scopes):
        bounds = [self._expression(x) for x in node.iter.args]
        low, high = bounds[:2] if len(bounds) > 1 else ("i64(0)", bounds[0])
        step = bounds[2] if len(bounds) == 3 else "1"
        name = node.target.id
        if self.kernel and name in THREAD_LOOPS:
            here = [f"i64 {name} = {low} + {THREAD_LOOPS[name]};", f"if ({name} >= {high}) return;"]
            return ["{", *("    " + line for line in here), *self._inner(node.body, scopes, [name]), "}"]
        head = f"for (i64 {name} = {low}; {name} < {high}; {name} += {step}) {{"
        return [head, *self._inner(node.body, scopes, [name]), "}"]

    def _expression(self, node):
        if isinstance(node, ast.Constant):
            return f"i64({node.value})" if isinstance(node.value, int) else repr(node.value)
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.BinOp):
            return f"({self._expression(node.left)} {BINARY[type(node.op)]} {self._expression(node.right)})"
        if isinstance(node, ast.UnaryOp):
            return f"(~{self._expression(node.operand)})"
        if isinstance(node, ast.Compare):
            return (
                f"({self._expression(node.left)} {COMPARE[type(node.ops[0])]} {self._expression(node.comparators[0])})"
            )
        if isinstance(node, ast.Attribute):
            return self._address(node.value.value)  # table.ctypes.data
        if isinstance(node, ast.Subscript):
            return self._element(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        raise TypeError(f"no C++ for {ast.unparse(node)!r} in {self.tree.name}")

    def _address(self, node):
        if isinstance(node, ast.Subscript):  # tables[k]
            return f"i64({GROUPS[node.value.id][node.slice.value][1]})"
        return f"i64({node.id})"

    def _element(self, node):
        if isinstance(node.value, ast.Attribute):  # table.shape[1]
            return ROW_LENGTH[node.value.value.id]
        name = node.value.id
        if name in GROUPS:
            return GROUPS[name][node.slice.value][1]
        if isinstance(node.slice, ast.Tuple):
            row, column = (self._expression(x) for x in node.slice.elts)
            return f"{name}[{row} * {ROW_LENGTH[name]} + {column}]"
        index = self._expression(node.slice)
        return f"({name} + {index} * {ROW_LENGTH[name]})" if name in ROW_LENGTH else f"{name}[{index}]"

    def _call(self, node):
        name, arguments = node.func.id, []
        for x in node.args:
            grouped = GROUPS[x.id] if isinstance(x, ast.Name) and x.id in GROUPS else None
            arguments += [n for _, n in grouped] if grouped else [self._expression(x)]
        if name == "fetch":
            return "i64(0)"
        operation = self.table.get(name)
        if isinstance(operation, COperation):
            arguments = (["lane"] if operation.lane else []) + arguments
            return f"{operation.name}({', '.join(arguments)})"
        return f"{name}({', '.join(['lane', *arguments])})"


def _declared(parameter):
    """(C type, name) of what a kernel's parameter becomes."""
    return GROUPS.get(parameter, (("double" if parameter in REALS else "i64", parameter),))


@functools.cache
def c_source(n: int, special: bool, ndim: int, width: int, precision: str = "float64") -> str:
    """C++ text of all kernels of SU(n) if `special`, else of U(n), for memory of `width` lanes.

    Include it where DEVICE, KERNEL, fma, sqrt and fabs are defined: `preamble.h` does so for CUDA and for a host
    """
    registers = COperations()
    table = operations(n, special, 1, lambda function: function, registers, precision)
    thread = {"LANE": "lane", "LANES": "W"}
    known = {name: f"({value}ll)" for name, value in sizes(n, special, ndim, width, precision).items()} | thread
    constants = [f"#define {name} {value}" for name, value in known.items()]
    functions = []
    for tree in site_trees():
        if tree.name in FETCHES:
            continue
        translator = _Translator(tree, table, is_kernel(tree))
        functions += [translator.text(), *([translator.host_loop()] if translator.kernel else [])]
    exact = {key: table[f"exact_{key}"].name for key in ("high", "low")}
    memory = "\n".join(f"#define EXACT_{key.upper()} {name}" for key, name in exact.items())
    parts = ["\n".join(constants), PREAMBLE.read_text(), *registers.text, memory, MEMORY.read_text(), *functions]
    return "\n\n".join(parts)
