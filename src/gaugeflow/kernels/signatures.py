"""What every kernel of `sites` takes, read from its source: devices add what they know themselves.

A kernel is called as  name(first, last, lo, hi, values .., blocks[, tables])         over blocks lo <= b < hi
                  or   name(first, last, part, values .., blocks[, tables], plan)     over one part of a plan
for the batches first <= batch < last.
"""

import ast
import functools
import pathlib
from dataclasses import dataclass

SITE_FILES = (
    "force.py",
    "refresh.py",
    "loops.py",
    "clover.py",
    "staples.py",
    "rectangles.py",
    "sweeps.py",
    "frames.py",
    "leaves.py",
    "smearing.py",
    "defects.py",
    "halo.py",
)
_SITES = pathlib.Path(__file__).with_name("sites")


@dataclass(frozen=True)
class Signature:
    """Parameters of one kernel.

    values   names of what the caller passes
    tables   whether it takes neighbour tables;  plan   whether it runs over parts of a plan
    """

    values: tuple[str, ...]
    tables: bool
    plan: bool


def site_trees():
    """Syntax trees of all functions of the site files, in order."""
    for file in SITE_FILES:
        for tree in ast.parse((_SITES / file).read_text()).body:
            if isinstance(tree, ast.FunctionDef):
                yield tree


def is_kernel(tree: ast.FunctionDef) -> bool:
    """Whether a function of a site file is a kernel or only called by kernels."""
    return any(isinstance(d, ast.Name) and d.id == "kernel" for d in tree.decorator_list)


@functools.cache
def signatures() -> dict[str, Signature]:
    """Name -> signature of every kernel."""
    out = {}
    for tree in site_trees():
        if is_kernel(tree):
            names = [p.arg for p in tree.args.args]
            plan, tables = "plan" in names, "tables" in names
            head = 3 if plan else 4
            out[tree.name] = Signature(tuple(names[head : -1 - plan - tables]), tables, plan)
    return out


def site_text(file: str) -> tuple[str, str]:
    """(path, source text) of a site file."""
    path = _SITES / file
    return str(path), path.read_text()
