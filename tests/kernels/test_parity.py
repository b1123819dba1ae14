"""Every operation of the fast lattice equals the NumPy oracle."""

import numpy as np
import pytest
from laws import CASES, EXTENTS, SEED, case_name, hot_pair, momenta_of, twin_lattices

from gaugeflow.rng import Purpose

EPS = np.finfo(float).eps


def over(*cases):
    """Run a law over (group, ndim) with lanes of sites and of chains."""
    both = [(*case, lanes) for case in cases for lanes in ("sites", "chains")]
    return pytest.mark.parametrize(("group", "ndim", "lanes"), both, ids=case_name)


@over(*CASES)
def test_random_links_and_momenta_equal_oracle(group, ndim, lanes):
    fast, slow = twin_lattices(group, EXTENTS[ndim], lanes=lanes)
    assert abs(fast.gather(fast.hot(SEED, Purpose.START)) - slow.hot(SEED, Purpose.START)).max() < 100 * EPS
    p, q = fast.new_momenta(), slow.new_momenta()
    fast.refresh(p, SEED, Purpose.MOMENTA, 7)
    slow.refresh(q, SEED, Purpose.MOMENTA, 7)
    assert abs(momenta_of(fast, p) - momenta_of(slow, q)).max() < 100 * EPS
    assert np.allclose(fast.total(fast.kinetic_sums(p)), slow.kinetic_sums(q), rtol=10 * EPS, atol=0)


@over(*CASES, ("SU4", 4))
def test_kick_and_drift_equal_oracle(group, ndim, lanes):
    fast, u, slow, v = hot_pair(group, EXTENTS[ndim], lanes=lanes)
    p, q = fast.new_momenta(), slow.new_momenta()
    for lattice, links, momenta in ((fast, u, p), (slow, v, q)):
        lattice.refresh(momenta, SEED, Purpose.MOMENTA, 0)
        lattice.kick(links, momenta, 0.3, 0.9)
        lattice.drift(links, momenta, 0.1)
    assert abs(momenta_of(fast, p) - momenta_of(slow, q)).max() < 100 * EPS
    assert abs(fast.gather(u) - v).max() < 100 * EPS


@over(*CASES)
def test_drift_by_a_large_step_equals_oracle(group, ndim, lanes):
    fast, u, slow, v = hot_pair(group, EXTENTS[ndim], lanes=lanes)
    p, q = fast.new_momenta(), slow.new_momenta()
    for lattice, links, momenta in ((fast, u, p), (slow, v, q)):
        lattice.refresh(momenta, SEED, Purpose.MOMENTA, 0)
        lattice.drift(links, momenta, 7.0)
    assert abs(fast.gather(u) - v).max() < 2**8 * 10 * EPS  # by squaring: eight doublings of the rounding error


@over(*CASES)
def test_reunitarise_puts_links_back(group, ndim, lanes):
    fast, u, _, v = hot_pair(group, EXTENTS[ndim], lanes=lanes)
    u *= 1 + 1e-6
    worst = fast.reunitarise(u)
    assert np.all((worst > 1e-7) & (worst < 1e-5))
    assert abs(fast.gather(u) - v).max() < 100 * EPS


@over(*CASES)
def test_sums_equal_oracle(group, ndim, lanes):
    fast, u, slow, v = hot_pair(group, EXTENTS[ndim], lanes=lanes)
    scale = fast.volume * fast.n * 100 * EPS
    assert abs(fast.total(fast.plaquette_sums(u)) - slow.plaquette_sums(v)).max() < scale
    assert abs(fast.total(fast.clover_sums(u)) - slow.clover_sums(v)).max() < 10 * scale
    if group != "SU2":  # its plaquettes have real traces, whose angle jumps between pi and -pi
        assert abs(fast.plaquette_angles(u) - slow.plaquette_angles(v)).max() < 1e-12


@over(*CASES)
def test_lines_equal_oracle(group, ndim, lanes):
    fast, u, slow, v = hot_pair(group, EXTENTS[ndim], lanes=lanes)
    results = []
    for lattice, links in ((fast, u), (slow, v)):
        a, b, c = lattice.new_line(), lattice.new_line(), lattice.new_line()
        lattice.take_links(links, 1, a)
        lattice.extend_line(links, 0, a, b)
        lattice.shift_line(b, ndim - 1, c)
        results.append(lattice.total(lattice.loop_sums(a, b, c, b), lattice.trace_sums(c)))
    assert abs(results[0] - results[1]).max() < fast.volume * fast.n * 100 * EPS
