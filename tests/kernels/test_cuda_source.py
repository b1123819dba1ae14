"""The CUDA source, compiled for the host, computes the CPU kernels' bits in every kernel."""

import csv
import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from kernels.host_emulation import HostKernels
from laws import EXTENTS, GROUPS, SEED, case_name

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.conventions import GROUP_RANK
from gaugeflow.flow.gradient_flow import wilson_flow
from gaugeflow.kernels.targets.c_source import c_source
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.energy import energy_and_charge_clover, plaquettes
from gaugeflow.observables.loops import polyakov_loop, wilson_loops
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import OMF2
from gaugeflow.samplers.start import start_links

needs_gxx = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
needs_nvcc = pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")


def everything(lattice):
    """What every kernel computes: start, trajectory, measurements, flow."""
    hmc = HMC(WilsonAction(2.0), OMF2, 1.0, 2, SEED)
    links, momenta = start_links(lattice, "mixed", SEED), lattice.new_momenta()
    links, info = hmc.step(lattice, links, momenta, 0)
    out = [*info[:3], plaquettes(lattice, links), polyakov_loop(lattice, links), lattice.plaquette_angles(links)]
    out += [*wilson_loops(lattice, links, 2, 2).values(), *energy_and_charge_clover(lattice, links)]
    lattice.drift(links, momenta, 9.0)  # beyond the series: by squaring
    out.append(lattice.reunitarise(links))
    for _ in wilson_flow(lattice, links, (0.05,), 0.05):
        out.append(lattice.gather(links))
    return out


@needs_gxx
@pytest.mark.parametrize("lanes", ["sites", "chains"])
@pytest.mark.parametrize(("group", "ndim"), [(g, d) for g in GROUPS for d in EXTENTS], ids=case_name)
def test_cuda_source_gives_the_bits_of_the_cpu(group, ndim, lanes, tmp_path_factory):
    wanted = everything(PackedLattice(group, EXTENTS[ndim], 3, lanes=lanes, width=8))
    lattice = PackedLattice(group, EXTENTS[ndim], 3, lanes=lanes, width=8)
    folder = tmp_path_factory.getbasetemp()
    lattice.kernels = dataclasses.replace(lattice.kernels, run=HostKernels(folder, lattice))
    for a, b in zip(everything(lattice), wanted, strict=True):
        assert np.array_equal(a, b)


@needs_gxx
@pytest.mark.parametrize(("group", "ndim"), [("U1", 2), ("SU2", 3), ("SU3", 2), ("SU3", 4)], ids=case_name)
def test_cuda_source_gives_the_bits_of_the_cpu_in_float32(group, ndim, tmp_path_factory):
    lanes = {"precision": "float32", "width": 16}
    wanted = everything(PackedLattice(group, EXTENTS[ndim], 3, **lanes))
    lattice = PackedLattice(group, EXTENTS[ndim], 3, **lanes)
    folder = tmp_path_factory.getbasetemp()
    lattice.kernels = dataclasses.replace(lattice.kernels, run=HostKernels(folder, lattice))
    for a, b in zip(everything(lattice), wanted, strict=True):
        assert np.array_equal(a, b)


REGISTERS = list(csv.DictReader(Path(__file__).with_name("cuda_registers.csv").read_text().splitlines()))
USED = re.compile(
    r"entry function '(\w+)'.*?(\d+) bytes spill stores, (\d+) bytes spill loads.*?Used (\d+) registers", re.DOTALL
)
COMPILER_FREEDOM = 16
"""Registers by which another compiler than that of the recorded table (CUDA 13.0, 4D) may exceed it."""


@needs_nvcc
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("group", GROUPS)
def test_kernels_fit_the_recorded_registers_of_a_card_without_spills(group, architecture, tmp_path):
    source = tmp_path / "kernels.cu"
    source.write_text(c_source(GROUP_RANK[group], group != "U1", 4, 8))
    command = ["nvcc", "-cubin", f"-arch={architecture}", "-fmad=false", "-Xptxas=-v", str(source)]
    done = subprocess.run([*command, "-o", str(tmp_path / "out")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = {name: (int(stores) + int(loads), int(used)) for name, stores, loads, used in USED.findall(done.stderr)}
    assert sorted(found) == [row["kernel"] for row in REGISTERS]
    for row in REGISTERS:
        spilled, used = found[row["kernel"]]
        assert spilled == 0, row["kernel"]
        assert used <= int(row[f"{group}_{architecture}"]) + COMPILER_FREEDOM, row["kernel"]
