"""Defects of links: of every chain by itself, with lanes that have no site, and the bits of a judgement."""

import numpy as np
import pytest
from laws import SEED, hot_pair

from gaugeflow.lattice.judge import Judge
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.energy import plaquettes
from gaugeflow.rng import Purpose

UNEVEN = [("SU3", (5, 5, 5, 5)), ("U2", (3, 1, 3)), ("SU2", (7, 3))]


@pytest.mark.parametrize(("group", "extents"), UNEVEN)
def test_lanes_without_a_site_count_for_nothing_and_links_stay(group, extents):
    fast, u, slow, v = hot_pair(group, extents, lanes="sites")
    before = u.copy()
    assert abs(fast.link_defects(u) - slow.link_defects(v)).max() < 1e-14
    np.testing.assert_array_equal(u, before)


@pytest.mark.parametrize("lanes", ["sites", "chains"])
def test_a_chain_with_a_damaged_link_is_the_only_one_that_is_judged_so(lanes):
    fast, u, _, _ = hot_pair("SU2", (4, 3, 2), chains=3, lanes=lanes)
    links = fast.gather(u)
    sound = fast.link_defects(u)
    links[1, 1, 2, 3, 0, 0, 1] = np.nan
    found = fast.link_defects(fast.scatter(links))
    np.testing.assert_array_equal(np.isnan(found[1]), [True, True, False])  # the trace does not see it
    np.testing.assert_array_equal(found[[0, 2]], sound[[0, 2]])


@pytest.mark.parametrize("extents", [(4, 2, 6, 4), (5, 3, 3, 4)])
def test_a_judgement_has_the_bits_of_the_whole_lattice(extents):
    lattice = PackedLattice("SU3", extents, 1)
    links = lattice.hot(SEED, Purpose.START)
    judge = Judge("SU3", extents)
    judge.feed(lattice.gather(links)[0].view(float).reshape(*reversed(extents), 4, 3, 3, 2))
    judgement, whole = judge.result(), plaquettes(lattice, links)
    unitarity, determinant, trace = lattice.link_defects(links)[0]
    assert (judgement.unitarity_defect, judgement.determinant_defect) == (unitarity, determinant)
    assert judgement.link_trace == trace
    assert abs(judgement.plaquette - whole.mean()) < 1e-15
