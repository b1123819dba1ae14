"""The CUDA source, compiled for the host, computes the CPU kernels' bits in every kernel."""

import csv
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from cuda_registers import CASES, column, measure
from kernels.host_emulation import host_device
from laws import EXTENTS, GROUPS, SEED, case_name

from gaugeflow.actions.rectangle import RectangleAction
from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.flow.gradient_flow import gradient_flow
from gaugeflow.flow.smearing import ApeSmearing, StoutSmearing, smear
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.energy import energy_and_charge_clover, plaquettes
from gaugeflow.observables.field_strength import energies_and_charges
from gaugeflow.observables.loops import wilson_loops
from gaugeflow.observables.polyakov import polyakov_correlator, polyakov_loop
from gaugeflow.rng import Purpose
from gaugeflow.samplers.heatbath import HeatBath
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import OMF2
from gaugeflow.samplers.start import start_links

TABLE = Path(__file__).with_name("cuda_registers.csv")
"""Written by benchmarks/cuda_registers.py."""

needs_gxx = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
needs_nvcc = pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")


def everything(lattice):
    """What every kernel computes: start, trajectory, measurements, flow."""
    hmc = HMC(WilsonAction(2.0), OMF2, 1.0, 2, SEED)
    links, momenta = start_links(lattice, "mixed", SEED), lattice.new_momenta()
    links, info = hmc.step(lattice, links, momenta, 0)
    out = [*info[:3], plaquettes(lattice, links), polyakov_loop(lattice, links), lattice.plaquette_angles(links)]
    out.append(lattice.link_defects(links))
    out += [*wilson_loops(lattice, links, 2, 2).values(), *energy_and_charge_clover(lattice, links)]
    out += energies_and_charges(lattice, links, ("improved", "plaquette"), keep_trace=True, slices=True).values()
    out.append(polyakov_correlator(lattice, links, 1))
    for smearing in (ApeSmearing(kind="ape", alpha=0.4), StoutSmearing(kind="stout", rho=0.1)):
        smoothed = lattice.copy(links)
        smear(lattice, smoothed, smearing)
        out.append(lattice.gather(smoothed))
    line, frames = lattice.new_line(), lattice.new_line()
    lattice.take_links(links, 1, line)
    lattice.carry_frames(links, line, line, frames)
    lattice.turn_links(links, lattice.hot(SEED, Purpose.PILOT_START), line)
    out += [lattice.total(lattice.trace_sums(frames)), lattice.gather(links)]
    links, info = HeatBath(WilsonAction(2.0), 1, 1, SEED).step(lattice, links, momenta, 1)
    out += [info.plaquette, lattice.gather(links)]
    lattice.drift(links, momenta, 9.0)  # beyond the series: by squaring
    out.append(lattice.reunitarise(links))
    for _ in gradient_flow(lattice, links, (0.05,), 0.05):
        out.append(lattice.gather(links))
    links, info = HMC(RectangleAction(2.0, -0.331), OMF2, 0.5, 1, SEED).step(lattice, links, momenta, 1)
    out += info[:3]
    for _ in gradient_flow(lattice, links, (0.05,), 0.05, "zeuthen", 1e-3):
        out.append(lattice.gather(links))
    return out


@needs_gxx
@pytest.mark.parametrize("lanes", ["sites", "chains"])
@pytest.mark.parametrize(("group", "ndim"), [*((g, d) for g in GROUPS for d in EXTENTS), ("SU4", 2)], ids=case_name)
def test_cuda_source_gives_the_bits_of_the_cpu(group, ndim, lanes, tmp_path_factory):
    packing = {"lanes": lanes, "width": 8}
    wanted = everything(PackedLattice(group, EXTENTS[ndim], 3, **packing))
    folder = tmp_path_factory.getbasetemp()
    for chunks in (1, 3):
        lattice = PackedLattice(group, EXTENTS[ndim], 3, device=host_device(folder, chunks), **packing)
        for a, b in zip(everything(lattice), wanted, strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@needs_gxx
def test_the_cut_of_the_force_is_the_fastest_of_those_timed_and_changes_no_bit(tmp_path, monkeypatch):
    lattice = PackedLattice("SU2", (4, 4, 4), 2, lanes="sites", device=host_device(tmp_path))
    links, momenta = lattice.hot(SEED, Purpose.START), lattice.new_momenta()
    lattice.kick(links, momenta, 0.3)
    wanted = momenta.tobytes()
    costs = iter([3.0, 1.0, 2.0])

    def seconds(call):
        call()
        return next(costs)

    monkeypatch.setattr(lattice.device.driver, "seconds", seconds)
    monkeypatch.setattr(lattice.device.driver, "cache_bytes", 1 << 14)
    timed = lattice.device.tune_force()
    assert len(timed) == 3
    stages = lattice.device._plans["kick"].stages
    assert len(stages) == 2 * sorted(timed)[1] > 2
    momenta = lattice.new_momenta()
    lattice.kick(links, momenta, 0.3)
    assert momenta.tobytes() == wanted


@needs_gxx
@pytest.mark.parametrize(("group", "ndim"), [("U1", 2), ("SU3", 4)], ids=case_name)
def test_cuda_source_gives_the_bits_of_the_cpu_in_float32(group, ndim, tmp_path_factory):
    lanes = {"precision": "float32", "width": 16}
    wanted = everything(PackedLattice(group, EXTENTS[ndim], 3, **lanes))
    lattice = PackedLattice(group, EXTENTS[ndim], 3, device=host_device(tmp_path_factory.getbasetemp()), **lanes)
    for a, b in zip(everything(lattice), wanted, strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


RECORDED = {row["kernel"]: row for row in csv.DictReader(TABLE.read_text().splitlines())}
COMPILER_FREEDOM = 16
"""Registers by which another compiler than that of the recorded table (CUDA 13.0, 4D) may exceed it."""


@pytest.fixture(scope="module")
def measured():
    """What nvcc says of every case, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(CASES, pool.map(lambda case: measure(*case), CASES), strict=True))


@needs_nvcc
@pytest.mark.parametrize("case", CASES, ids=lambda case: column(*case))
def test_kernels_fit_the_recorded_registers_of_a_card_and_only_recorded_ones_spill(case, measured):
    name, found = column(*case), measured[case]
    assert found.keys() == RECORDED.keys()
    for kernel, row in RECORDED.items():
        used, spilled = found[kernel]
        assert used <= int(row[name]) + COMPILER_FREEDOM, kernel
        assert spilled == 0 or int(row.get(f"{name}_spilled", 0)) > 0, kernel


def test_hot_kernels_of_the_groups_with_code_of_their_own_spill_nothing():
    for kernel in ("kick", "drift", "plaquette_sums", "gaussian_momenta"):
        spilled = {name: int(bytes_) for name, bytes_ in RECORDED[kernel].items() if name.endswith("_spilled")}
        assert not [name for name, found in spilled.items() if found], kernel
