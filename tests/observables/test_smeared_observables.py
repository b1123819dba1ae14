"""Smeared loops, the smeared plaquette and the correlator of Polyakov loops: by hand, exact fields, their limits."""

import numpy as np
import pytest
from laws import EXTENTS, GROUPS, hot_pair, twin_lattices

from gaugeflow.flow.smearing import ApeSmearing, HypSmearing, StoutSmearing, smear
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.energy import plaquettes
from gaugeflow.observables.loops import wilson_loops
from gaugeflow.observables.polyakov import polyakov_correlator, polyakov_loop
from gaugeflow.observables.smeared_loops import smeared_loops
from gaugeflow.observables.smeared_plaquette import smeared_plaquette
from gaugeflow.rng import Purpose

KINDS = (StoutSmearing(kind="stout", rho=0.1), ApeSmearing(kind="ape", alpha=0.5), HypSmearing(kind="hyp"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_smeared_loops_are_those_of_links_smeared_along_space_alone(kind):
    lattice, links, _, canonical = hot_pair("SU2", EXTENTS[4])
    levels = smeared_loops(lattice, links, kind, (0, 1, 3), 2, 3)
    assert levels.shape == (lattice.chains, 3, 2, 3)
    assert np.array_equal(lattice.gather(links), canonical)
    for place, steps in enumerate((0, 1, 3)):
        by_hand = lattice.copy(links)
        smear(lattice, by_hand, kind, "space", steps)
        assert np.array_equal(levels[:, place], wilson_loops(lattice, by_hand, 2, 3)["loops"])
    assert abs(levels[:, 0] - levels[:, 1]).max() > 1e-3


def test_smearing_makes_loops_larger_at_every_extent():
    """Lines along space fluctuate less, so that their overlap with the ground state grows."""
    lattice, slow = twin_lattices("SU3", (4, 4, 4, 4), 2)
    links, momenta = slow.cold(), slow.new_momenta()
    slow.refresh(momenta, 3, Purpose.PILOT_MOMENTA, 0)
    slow.drift(links, momenta, 0.4)
    loops = smeared_loops(lattice, lattice.scatter(links), KINDS[1], (0, 2, 5), 2, 2)
    assert np.all(np.diff(loops, axis=1) > 0)


def test_smeared_plaquette_starts_with_the_plaquette_and_rises():
    lattice, links, *_ = hot_pair("SU3", EXTENTS[4])
    out = smeared_plaquette(lattice, links, KINDS[0], "all", (0, 1, 2))
    assert np.array_equal(out[:, 0], plaquettes(lattice, links).mean(1))
    assert np.all(np.diff(out, axis=1) > 0)


def correlator_by_hand(links, max_r):
    ndim, n = links.shape[-3], links.shape[-1]
    line = np.eye(n)
    for t in range(links.shape[1]):
        line = line @ links[:, t, ..., -1, :, :]
    loop = np.trace(line, axis1=-2, axis2=-1) / n  # [chain, (z, (y,)) x]

    def at(r):
        products = [(loop * np.roll(loop, -r, 1 + k).conj()).real for k in range(ndim - 1)]
        return np.mean([product.reshape(len(loop), -1).mean(1) for product in products], 0)

    return np.stack([at(r) for r in range(1, max_r + 1)], 1)


@pytest.mark.parametrize("ndim", EXTENTS)
@pytest.mark.parametrize("group", GROUPS)
def test_correlator_equals_the_product_of_loops_by_hand(group, ndim):
    lattice, links, _, canonical = hot_pair(group, EXTENTS[ndim])
    found, by_hand = polyakov_correlator(lattice, links, 3), correlator_by_hand(canonical, 3)
    assert abs(found - by_hand).max() < 1e-14
    assert abs(found[:, 1:] - by_hand[:, :-1]).max() > 1e-4  # the twin: another distance


def test_correlator_of_aligned_loops_is_their_square_at_every_distance():
    lattice = PackedLattice("U1", (4, 4, 6), 1)
    links = np.ones((1, 6, 4, 4, 3, 1, 1), complex)
    links[:, 5, :, :, 2] = np.exp(0.7j)
    assert np.allclose(polyakov_correlator(lattice, lattice.scatter(links), 2), 1.0, atol=1e-14)


def test_correlators_of_all_distances_add_up_to_the_square_of_the_mean_loop_in_two_dimensions():
    lattice, links, *_ = hot_pair("SU2", (6, 4))
    correlator = polyakov_correlator(lattice, links, 6)  # R = 6 is R = 0
    assert np.allclose(correlator.mean(1), abs(polyakov_loop(lattice, links)) ** 2, atol=1e-15)


@pytest.mark.parametrize("lanes", ["sites", "chains"])
def test_an_extent_that_is_one_site_from_itself_winds(lanes):
    """Two sites: R = 2 is R = 0, in every kind of lanes."""
    lattice, links, _, canonical = hot_pair("SU2", (2, 2, 2), 3, lanes=lanes)
    loop = correlator_by_hand(canonical, 2)[:, 1]
    assert abs(polyakov_correlator(lattice, links, 2)[:, 1] - loop).max() < 1e-15
