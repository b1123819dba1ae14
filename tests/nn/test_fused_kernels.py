"""Kernels of the fused layer: the same numbers as all pairs, whatever the registers, the threads and the lattice."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from nn.fused_cases import by_kernels, by_torch, inputs, kernels_of

from gaugeflow.kernels.conv_bilinear import site_table, stages_of
from gaugeflow.kernels.targets.lanes import native_width
from gaugeflow.nn.conv_bilinear import conv_bilinear_pairs

MIXED = ((), (1, 2), (-2, 1), (-1, -1), (1, 1), (2, -2), (-1,))
"""Bent paths, one back and forth along a line, one to the site itself, and a path out there in both senses."""

CASES = {
    "U(1) 1D, partial block": {"n": 1, "extents": (11,), "n_in": 1, "n_out": 1},
    "SU(2) 2D symmetric, K = 3": {"n": 2, "extents": (3, 7), "kernel_size": 3, "symmetric": True},
    "SU(2) 2D, bent paths": {"n": 2, "extents": (6, 7), "paths": MIXED},
    "SU(2) 2D, no paths": {"n": 2, "extents": (5, 5), "paths": ((),), "n_out": 1},
    "SU(2) 3D": {"n": 2, "extents": (5, 4, 3), "batch": 1, "n_in": 5, "n_out": 7},
    "SU(3) 2D, several blocks": {"n": 3, "extents": (9, 9), "batch": 3, "n_in": 3, "n_out": 2},
    "SU(3) 4D": {"n": 3, "extents": (2, 3, 2, 3), "n_in": 1, "n_out": 2},
    "SU(2) 4D, channels in groups": {"n": 2, "extents": (2, 2, 3, 2), "batch": 1, "n_in": 6, "n_out": 40},
    "U(4) 2D": {"n": 4, "extents": (5, 3), "batch": 1, "symmetric": True},
}
SINGLE = ("SU(2) 2D symmetric, K = 3", "SU(2) 2D, bent paths")
RUNS = [*((name, torch.complex128) for name in CASES), *((name, torch.complex64) for name in SINGLE)]


def relative(found, wanted):
    return [
        float((x - y).abs().max() / y.abs().max()) if y.numel() else 0.0 for x, y in zip(found, wanted, strict=True)
    ]


@pytest.mark.parametrize(("name", "dtype"), RUNS, ids=str)
def test_kernels_give_value_and_gradients_of_all_pairs(name, dtype):
    arguments = inputs(**CASES[name], dtype=dtype)
    bound = 1e-13 if dtype == torch.complex128 else 1e-6
    assert max(relative(by_kernels(*arguments), by_torch(conv_bilinear_pairs, *arguments))) < bound


@pytest.mark.parametrize(("extents", "batch"), [((33, 32), 1), ((8, 7), 20)], ids=["one lattice", "many lattices"])
def test_any_number_of_threads_gives_the_same_bits(extents, batch):
    arguments = inputs(2, extents, batch=batch, symmetric=True)
    assert kernels_of(*arguments).slots > 1
    one = by_kernels(*arguments, threads=1)
    for threads in (1, 2, 3):
        assert all(map(torch.equal, one, by_kernels(*arguments, threads=threads)))


def test_registers_of_another_width_give_the_same_numbers():
    native = native_width("float64")
    arguments = inputs(2, (5, 7), symmetric=True)
    other = by_kernels(*arguments, width=native // 2 if native > 2 else 2 * native)
    assert max(relative(other, by_kernels(*arguments))) < 1e-14


@pytest.mark.parametrize("extents", [(11,), (8, 8), (3, 32), (4, 5, 6), (4, 4, 4, 8)])
@pytest.mark.parametrize("reach", [1, 2])
def test_blocks_of_one_stage_add_to_no_common_site(extents, reach):
    displacements = tuple(
        tuple(step if k == axis else 0 for k in range(len(extents)))
        for axis in range(len(extents))
        for step in (reach, -reach)
    )
    block = 8
    table = site_table(extents, displacements, block)
    stages = stages_of(extents, displacements, block)
    assert sorted(itertools.chain(*stages)) == list(range(table.shape[1] // block))
    for stage in stages:
        touched = [set(table[:, b * block : (b + 1) * block].ravel()) for b in stage]
        assert sum(map(len, touched)) == len(set().union(*touched))


def test_float32_sums_of_many_blocks_keep_their_precision():
    """alpha's gradient of one large lattice: lanes pass their sums on to float64 before rounding piles up."""
    single = inputs(2, (512, 128), batch=1, n_in=1, n_out=1, dtype=torch.complex64)
    field, products, shifts, alpha = single
    ones = torch.ones_like(field)  # all terms of one sign: the worst case of a running sum
    found = _alpha_gradient(ones, torch.ones_like(products), shifts, alpha)
    wanted = _alpha_gradient(ones.to(torch.complex128), torch.ones_like(products).to(torch.complex128), shifts, alpha)
    assert kernels_of(*single).blocks >= 1024
    assert max(relative([found], [wanted])) < 1e-6


def test_a_second_process_loads_what_the_first_compiled(tmp_path):
    """Without torch: kernels of 1 x 1 matrices in registers of two lanes, the smallest there are."""
    program = Path(__file__).with_name("cold_layer.py")
    environment = {**os.environ, "GAUGEFLOW_CACHE_DIR": str(tmp_path)}
    compiled = []
    for _ in range(2):
        done = subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True, check=True)
        compiled.append(done.stdout.split())
    assert compiled == [["conv_bilinear"], []]


def _alpha_gradient(field, products, shifts, alpha):
    alpha = alpha.to(field.real.dtype)
    kernels = kernels_of(field, products, shifts, alpha)
    gradient, back = torch.full_like(field, 1 / 3), [torch.zeros_like(x) for x in (field, products, alpha)]
    kernels.gradient(*(x.data_ptr() for x in (field, products, alpha, gradient, *back)), 1)
    return back[2]
