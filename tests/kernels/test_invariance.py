"""The bits of a chain do not depend on how it is packed, tiled, threaded or how many chains share a job."""

import numpy as np
import pytest
from laws import GROUPS, SEED, case_name

from gaugeflow.actions.rectangle import RectangleAction
from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.kernels import lane_group, schedule
from gaugeflow.kernels.lane_group import SEAMS
from gaugeflow.kernels.layout import Layout
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.energy import energy_and_charge_clover
from gaugeflow.observables.loops import wilson_loops
from gaugeflow.observables.polyakov import polyakov_loop
from gaugeflow.samplers.heatbath import HeatBath
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import OMF2
from gaugeflow.samplers.start import start_links

LATTICES = {"U1": (8, 6), "SU2": (4, 6, 2), "SU3": (4, 4, 2, 4), "U2": (6, 4)}


def run_chain(group, extents=None, chains=3, trajectories=2, **packing):
    """Everything that a short chain produces, per chain."""
    lattice = PackedLattice(group, extents or LATTICES[group], chains, **packing)
    hmc = HMC(WilsonAction(2.0), OMF2, 1.0, 3, SEED)
    links, momenta, out = start_links(lattice, "mixed", SEED), lattice.new_momenta(), []
    for number in range(trajectories):
        links, info = hmc.step(lattice, links, momenta, number)
        out += [info.delta_h, info.accepted, info.plaquette]
    improved = HMC(RectangleAction(2.0, -0.331), OMF2, 0.5, 2, SEED)
    links, info = improved.step(lattice, links, momenta, trajectories)
    out += [info.delta_h, info.accepted, info.plaquette]
    links, info = HeatBath(WilsonAction(2.0), 1, 2, SEED).step(lattice, links, momenta, trajectories)
    out += [info.plaquette, lattice.gather(links)]
    out += [*energy_and_charge_clover(lattice, links), polyakov_loop(lattice, links)]
    loops = wilson_loops(lattice, links, 2, 2)
    return [*out, loops["loops"], loops["loops_all"], lattice.gather(links)]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.fixture(scope="module")
def reference():
    return {group: run_chain(group, lanes="sites") for group in GROUPS}


OTHER_WIDTHS = [("SU3", 1), ("U2", 4)]
"""Every width compiles all kernels anew: a large group, and the one that is made of SU(2) and a phase."""


@pytest.mark.parametrize(
    ("group", "packing"),
    [
        *[(group, packing) for group in GROUPS for packing in ({"lanes": "chains"}, {"threads": 2}, {"threads": 5})],
        *[(group, {"width": width, "lanes": lanes}) for group, width in OTHER_WIDTHS for lanes in ("sites", "chains")],
    ],
    ids=str,
)
def test_bits_do_not_depend_on_packing(group, packing, reference):
    assert same(run_chain(group, **packing), reference[group])


@pytest.mark.parametrize("group", GROUPS)
def test_bits_do_not_depend_on_the_number_of_chains(group, reference):
    many = run_chain(group, chains=11)
    assert same([x[:3] for x in many], reference[group])


@pytest.mark.parametrize(
    ("group", "packing"),
    [
        *[
            (group, packing)
            for group in ("U1", "SU2", "SU3")
            for packing in ({"lanes": "chains"}, {"threads": 3}, {"chains": 11})
        ],
        ("SU2", {"width": 8}),
    ],
    ids=str,
)
def test_bits_do_not_depend_on_packing_in_float32(group, packing):
    options = {"extents": {"U1": (8, 6), "SU2": (4, 6), "SU3": (4, 8)}[group], "precision": "float32"}
    plain = run_chain(group, lanes="sites", **options)
    assert same([x[:3] for x in run_chain(group, **options, **packing)], plain)
    assert not same(run_chain(group, lanes="sites", extents=options["extents"]), plain)


@pytest.mark.parametrize("threads", [1, 2])
def test_bits_do_not_depend_on_prefetch(threads, monkeypatch):
    plain = run_chain("SU3", extents=(8, 8, 8, 8), chains=1, trajectories=1, threads=threads)
    monkeypatch.setattr("gaugeflow.kernels.devices.cpu.l2_bytes", lambda: 1 << 16)  # nothing fits: fetch everything
    lattice = PackedLattice("SU3", (8, 8, 8, 8), 1)
    assert len(lattice.device._plans["kick"].fetch_units) > lattice.layout.local_blocks
    assert same(run_chain("SU3", extents=(8, 8, 8, 8), chains=1, trajectories=1, threads=threads), plain)


def neighbours_by_hand(layout):
    """Site reached from every lane in every direction, by coordinates."""
    extents = layout.global_extents
    x = np.stack(np.unravel_index(layout.site[: layout.local_blocks], extents), -1)
    for mu in range(layout.ndim):
        for sign, table in ((1, layout.forward), (-1, layout.backward)):
            y = x.copy()
            y[..., layout.ndim - 1 - mu] += sign
            yield mu, table, np.ravel_multi_index(tuple(np.moveaxis(y % extents, -1, 0)), extents)


LAYOUTS = [
    ((8, 8, 8, 8), None),
    ((8, 8, 8, 8), (1, 2, 2, 2)),
    ((6, 6, 6, 6), None),
    ((7, 3, 4, 5), None),
    ((2, 2), None),
    ((16, 16), None),
    ((24, 12, 12, 12), None),
]


@pytest.mark.parametrize(("extents", "cuts"), LAYOUTS, ids=case_name)
def test_neighbour_tables_reach_the_neighbours(extents, cuts):
    generators = None if cuts is None else lane_group.coordinate_cuts(extents, cuts)
    layout = Layout(extents, 8, generators=generators)
    assert np.array_equal(np.unique(layout.site), np.arange(layout.volume))
    lanes = np.arange(8)
    for mu, table, wanted in neighbours_by_hand(layout):
        block, seam = table[: layout.local_blocks, mu] // SEAMS, table[: layout.local_blocks, mu] % SEAMS
        assert np.array_equal(layout.site[block[:, None], layout.perm[seam][:, lanes]], wanted)


@pytest.mark.parametrize("extents", [(8, 8, 8, 8), (16, 16), (24, 12, 12, 12), (12, 8)], ids=case_name)
def test_even_lattices_fill_all_lanes_with_sites_of_one_colour(extents):
    layout = Layout(extents, 8)
    parity = np.array(np.unravel_index(layout.site, extents)).sum(0) % 2
    assert layout.lanes_used == 8
    assert (parity == parity[:, :1]).all()


def test_shared_force_program_computes_every_plaquette_once_and_before_its_readers():
    layout = Layout((4, 4, 4, 4), 8)
    plan = schedule.make_plan(layout, None, shared=True)
    done, gathered = set(), set()
    for step in plan.steps:
        if step >= 0:
            assert step not in done
            done.add(step)
        else:
            readers = [~step, *(layout.backward[~step] // SEAMS)]
            assert all(b in done for b in readers)
            gathered.add(~step)
    assert gathered == set(range(layout.local_blocks))
    assert plan.slot_count <= layout.blocks
