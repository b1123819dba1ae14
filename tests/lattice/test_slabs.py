"""Slabs between packed fields and canonical arrays: every way of cutting gives the same numbers."""

import numpy as np
import pytest

from gaugeflow.lattice.oracle import OracleLattice
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.rng import Purpose

LATTICES = [
    ("U1", (4, 6), 3, "sites"),
    ("U1", (4, 6), 11, "chains"),
    ("SU2", (3, 5), 2, "sites"),
    ("SU3", (2, 3, 4), 2, "sites"),
    ("SU3", (4, 2, 2, 6), 1, "sites"),
]


def cuts(chains, times, by_chains, by_times):
    return [
        (slice(c, min(c + by_chains, chains)), slice(t, min(t + by_times, times)))
        for c in range(0, chains, by_chains)
        for t in range(0, times, by_times)
    ]


@pytest.mark.parametrize(("group", "extents", "chains", "lanes"), LATTICES)
def test_any_slabs_gather_and_scatter_the_whole(group, extents, chains, lanes):
    lattice = PackedLattice(group, extents, chains, lanes=lanes)
    links = lattice.hot(3, Purpose.START)
    whole = lattice.gather(links)
    assert abs(whole - OracleLattice(group, extents, chains).hot(3, Purpose.START)).max() < 1e-13
    for by_chains, by_times in [(1, 1), (1, extents[-1]), (2, extents[-1]), (chains, 2)]:
        slabs = cuts(chains, extents[-1], by_chains, by_times)
        found = list(lattice.gather_slabs(links, slabs))
        assert [slab for slab, _ in found] == slabs
        for slab, values in found:
            np.testing.assert_array_equal(values, whole[slab], strict=True)
        np.testing.assert_array_equal(lattice.scatter_slabs(slabs, lambda slab: whole[slab]), links, strict=True)


@pytest.mark.parametrize(("group", "extents", "chains", "lanes"), LATTICES)
def test_cold_links_are_ones_in_every_lane(group, extents, chains, lanes):
    lattice = PackedLattice(group, extents, chains, lanes=lanes)
    n = lattice.n
    ones = np.broadcast_to(np.eye(n), lattice.shape)
    np.testing.assert_array_equal(lattice.cold(), lattice.scatter(ones), strict=True)
    np.testing.assert_array_equal(lattice.gather(lattice.cold()), ones)


@pytest.mark.parametrize("kind", [PackedLattice, OracleLattice])
def test_a_snapshot_does_not_follow_the_links(kind):
    lattice = kind("SU2", (4, 4), 2)
    links = lattice.hot(3, Purpose.START)
    before, snapshot = lattice.gather(links), lattice.snapshot(links)
    links[...] = 0.0
    slab = (slice(0, 2), slice(0, 4))
    ((_, values),) = lattice.gather_slabs(snapshot, [slab])
    np.testing.assert_array_equal(values, before, strict=True)
