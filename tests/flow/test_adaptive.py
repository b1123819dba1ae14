"""The adaptive step: exact stops, errors of the size of the tolerance, fewer steps than fixed ones, any packing."""

import numpy as np
import pytest
from laws import SEED

from gaugeflow.errors import PhysicsError
from gaugeflow.flow import gradient_flow as module
from gaugeflow.flow.gradient_flow import FLOWS, gradient_flow
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.energy import energy_plaquette
from gaugeflow.rng import Purpose

TIMES = (0.0, 0.13, 0.5, 3.0)


@pytest.fixture
def counted(monkeypatch):
    """Number of steps made, rejected ones too, and the sizes of all."""
    sizes = []
    for name in ("rk3_step", "embedded_step"):
        plain = getattr(module, name)

        def step(lattice, links, exponent, eps, *rest, plain=plain):
            sizes.append(eps)
            return plain(lattice, links, exponent, eps, *rest)

        monkeypatch.setattr(module, name, step)
    return sizes


def rough(chains=1, precision="float64", group="SU3", extents=(4, 4, 4, 4)):
    """A lattice and hot links."""
    lattice = PackedLattice(group, extents, chains, precision=precision)
    return lattice, lattice.hot(SEED, Purpose.START)


def energies(lattice, links, times, step, kind="wilson", tolerance=None):
    """E at every time, (times, chains)."""
    return np.array(
        [energy_plaquette(lattice, links) for _ in gradient_flow(lattice, links, times, step, kind, tolerance)]
    )


@pytest.mark.parametrize("kind", FLOWS)
def test_errors_are_of_the_size_of_the_tolerance_and_stops_exact(kind, counted):
    lattice, links = rough()
    exact = energies(lattice, links.copy(), TIMES, 0.004, kind)
    errors = []
    for tolerance in (1e-4, 1e-5, 1e-6):
        out, stops = links.copy(), []
        counted.clear()
        for time in gradient_flow(lattice, out, TIMES, 0.02, kind, tolerance):
            stops.append(time)
        assert stops == list(TIMES)
        assert sum(counted) >= TIMES[-1] * (1 - 1e-12)
        found = energies(lattice, links.copy(), TIMES, 0.02, kind, tolerance)
        errors.append(abs(found / exact - 1).max())
        assert np.array_equal(found[0], exact[0])
        assert errors[-1] < 10 * tolerance
    assert errors[0] > 5 * errors[1] > 25 * errors[2]


def test_it_takes_fewer_steps_than_fixed_ones_of_the_same_error(counted):
    lattice, links = rough()
    exact = energies(lattice, links.copy(), TIMES, 0.004)[-1]
    counted.clear()
    adaptive = abs(energies(lattice, links.copy(), TIMES, 0.02, tolerance=1e-5)[-1] / exact - 1).max()
    steps = len(counted)
    fixed = abs(energies(lattice, links.copy(), TIMES, TIMES[-1] / (1.5 * steps))[-1] / exact - 1).max()
    assert len(counted) - steps > 1.4 * steps
    assert fixed > adaptive
    assert max(counted[:steps]) > 3 * min(counted[:steps])


def test_a_rejected_step_leaves_no_trace(counted):
    lattice, links = rough(extents=(4, 4))
    bold = energies(lattice, links.copy(), (1.0,), 0.25, tolerance=1e-6)
    assert counted[0] > 4 * counted[1]
    exact = energies(lattice, links.copy(), (1.0,), 0.005)
    assert abs(bold / exact - 1).max() < 1e-4


def test_companions_move_a_chain_within_the_tolerance_and_packing_not_at_all():
    tolerance = 1e-6
    lattice, links = rough(chains=3, extents=(4, 4, 2, 4))
    alone, one = rough(extents=(4, 4, 2, 4))
    together, single = (energies(x, u, (0.5,), 0.02, "zeuthen", tolerance) for x, u in ((lattice, links), (alone, one)))
    assert abs(together[:, :1] / single - 1).max() < 10 * tolerance
    other = PackedLattice("SU3", (4, 4, 2, 4), 3, lanes="chains", threads=2)
    assert np.array_equal(energies(other, other.hot(SEED, Purpose.START), (0.5,), 0.02, "zeuthen", tolerance), together)


def test_steps_grow_on_links_that_do_not_move(counted):
    lattice = PackedLattice("U1", (4, 4), 1)
    assert np.all(energies(lattice, lattice.cold(), (8.0,), 0.01, "zeuthen", 1e-7) == 0)
    assert len(counted) < 15


def test_a_tolerance_below_the_rounding_of_the_links_is_an_error():
    lattice, links = rough(precision="float32")
    with pytest.raises(PhysicsError, match="below the rounding"):
        energies(lattice, links, (0.1,), 0.02, tolerance=1e-10)
