"""What the compiler made of the kernels: no calls, spilled registers aligned, multiply-adds packed.

A call in a loop is a reference count or a function that was not inlined; a spill that straddles cache lines costs
10 to 40 per cent, in some processes and not in others.
"""

import re

import numba
import pytest
from laws import GROUPS
from numba import types

from gaugeflow.kernels.dispatch import matrix_size, native_width
from gaugeflow.kernels.limits import ACCUMULATORS, NOT_CACHED, UNROLL, fma_kernel
from gaugeflow.kernels.targets.cpu import namespace, run_site_files

NDIM = 4
WORD, REAL = types.int64, types.float64
LIST, TABLE = types.Array(WORD, 1, "C"), types.Array(WORD, 2, "C")
TABLES = types.Tuple((TABLE, TABLE, WORD, TABLE))
PLAN = types.Tuple((LIST, LIST, LIST, TABLE, LIST, LIST, WORD, WORD))
SIGNATURES = {
    "kick": (*[WORD] * 6, REAL, REAL, WORD, TABLES, PLAN),
    "drift": (*[WORD] * 5, REAL, WORD, PLAN),
    "plaquette_sums": (*[WORD] * 6, TABLES, PLAN),
    "clover_sums": (*[WORD] * 11, TABLES),
    "corner_leaves": (*[WORD] * 13,),
    "overrelax": (*[WORD] * 7, TABLES, PLAN),
    "heatbath": (*[WORD] * 9, REAL, *[WORD] * 6, TABLES, PLAN),
    "gaussian_momenta": (*[WORD] * 12,),
    "kinetic_sums": (*[WORD] * 7,),
    "reunitarise": (*[WORD] * 7,),
}
LETTER = {8: "z", 4: "y", 2: "x"}[native_width()]
"""The widest registers are %zmm0 .. on 8 lanes of float64, %ymm0 .. on 4."""


@pytest.fixture(scope="module", params=GROUPS)
def kernels(request):
    """All kernels of a group, not yet compiled; what comes from the disk cache cannot be inspected."""
    names = namespace(*matrix_size(request.param), NDIM, native_width(), kernel=numba.njit(**NOT_CACHED))
    run_site_files(names)
    return names


def body(kernel, suffix="pd"):
    """Lines of the compiled function itself: its Python wrapper computes nothing."""
    (text,) = kernel.inspect_asm().values()
    functions = [part.split("\n") for part in re.split(r"^\s*\.type\s+\S+,@function$", text, flags=re.M)]
    (found,) = [lines for lines in functions if matching(lines, rf"\bv(mul|add|fmadd\w*){suffix}\b.*%{LETTER}mm")]
    return found


def matching(lines, pattern):
    return [line.strip() for line in lines if re.search(pattern, line)]


@pytest.mark.parametrize("name", SIGNATURES)
def test_kernels_call_nothing_and_keep_spilled_registers_aligned(kernels, name):
    kernels[name].compile(SIGNATURES[name])
    assert_tight(body(kernels[name]))


@pytest.mark.parametrize("name", ["kick", "drift", "plaquette_sums"])
def test_float32_kernels_call_nothing_and_compute_on_whole_registers(name):
    names = namespace(*matrix_size("SU3"), NDIM, native_width("float32"), "float32", kernel=numba.njit(**NOT_CACHED))
    run_site_files(names)
    names[name].compile(SIGNATURES[name])
    lines = body(names[name], "ps")
    assert_tight(lines)
    packed = matching(lines, rf"\bvf?n?m(add|sub|ul)\w*ps\b.*%{LETTER}mm")
    assert len(packed) > 0.9 * len(matching(lines, r"\bvf?n?m(add|sub|ul)\w*[ps]s\b"))


def assert_tight(lines):
    """No calls, no spilled register across cache lines, a frame that starts a cache line."""
    assert matching(lines, r"^\s*call") == []
    assert matching(lines, rf"\bvmovup[sd]\b.*%{LETTER}mm\d+, -?\d*\(%r[sb]p\)") == []
    assert matching(lines, rf"\bvmovup[sd]\b\s+-?\d*\(%r[sb]p\), %{LETTER}mm") == []
    assert native_width() < 8 or matching(lines, r"\bandq\s+\$-64, %rsp") != []


def test_the_peak_is_measured_on_packed_multiply_adds_in_registers():
    lines = body(fma_kernel(native_width()))
    arithmetic = matching(lines, rf"\bvfmadd\w*pd\b.*%{LETTER}mm")
    assert len(arithmetic) >= UNROLL * ACCUMULATORS
    assert not [line for line in arithmetic if "(" in line]
