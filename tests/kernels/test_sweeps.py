"""Checkerboards and overrelaxation: links of one colour do not see each other, reflections keep the action."""

import itertools

import numpy as np
import pytest
from kernels.test_matrix_sizes import as_matrices, gaussian_numbers
from laws import GROUPS, SEED, case_name, gauge_transform, random_rotations

from gaugeflow.conventions import GAUGE_GROUPS
from gaugeflow.errors import GeometryError
from gaugeflow.kernels import checkerboard
from gaugeflow.kernels.algebra import projection, subgroups
from gaugeflow.kernels.layout import Layout
from gaugeflow.kernels.targets import oracle
from gaugeflow.lattice.oracle import OracleLattice
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.rng import Purpose

EPS = np.finfo(float).eps


EXTENTS = [(4, 4), (3, 4), (4, 3), (3, 5), (2, 2, 3), (4, 6, 2), (3, 2, 5, 4), (4, 4, 6, 2), (3, 3, 3, 3)]


@pytest.mark.parametrize("extents", EXTENTS, ids=case_name)
def test_links_of_one_colour_stand_in_none_of_their_staples(extents):
    ndim, sites = len(extents), np.arange(np.prod(extents)).reshape(extents)
    for mu in range(ndim):
        colours = checkerboard.colours_of(sites, extents, mu)
        others = [axis for axis in range(ndim) if axis != ndim - 1 - mu]
        assert all((colours != np.roll(colours, 1, axis)).all() for axis in others)
        odd = any(extents[axis] % 2 for axis in others)
        assert set(np.unique(colours)) == set(range(3 if odd else 2))


def test_two_colours_on_odd_extents_and_extents_of_one_are_refused():
    assert checkerboard.colour_count((3, 4), 1, 2) == 2  # the odd extent is that of the links themselves
    with pytest.raises(GeometryError, match="4 x 3: got 2 colours for direction 0, wanted 3"):
        checkerboard.colour_count((3, 4), 0, 2)
    for lattice in (PackedLattice("U1", (4, 1), 1), OracleLattice("U1", (4, 1), 1)):
        with pytest.raises(GeometryError, match="extent of 1 a link stands in its own staple"):
            lattice.overrelax(lattice.cold())


@pytest.mark.parametrize("extents", [(8, 8, 8, 8), (6, 6, 6, 6), (5, 4, 3, 3), (9, 5), (16, 16)], ids=case_name)
def test_programs_update_every_link_once_and_even_neighbours_first(extents):
    layout = Layout(extents, 8)
    n, alive = layout.local_blocks, np.ones((layout.local_blocks, 8), bool)
    alive.reshape(-1)[layout.dead] = False
    for mu in range(layout.ndim):
        colours = checkerboard.lane_colours(layout, mu)[:n]
        steps = checkerboard.merged_steps(layout, mu)
        blocks = checkerboard.blocks_of(steps)
        updated = np.zeros((n, 8), int)
        reached = np.full((n, 8), -1)
        for position, (step, b) in enumerate(zip(steps, blocks, strict=True)):
            lanes = alive[b] if step >= 0 else colours[b] == ~step % 3
            updated[b] += lanes
            reached[b, lanes] = position
        assert (updated == alive).all()
        for nu, table in itertools.product(set(range(layout.ndim)) - {mu}, (layout.forward, layout.backward)):
            for y in layout.sources(table)[nu][:, :n]:  # any lane of a block that a link reads
                for colour in range(1, 3):
                    later = np.where(colours == colour, reached, n * 9).min(1)
                    earlier = np.where(colours[y] < colour, reached[y], -1).max(1)
                    same_block_or_whole = (colours == colours[:, :1]).all()
                    assert not same_block_or_whole or (earlier < later).all()


@pytest.mark.parametrize("group", GAUGE_GROUPS.values(), ids=GAUGE_GROUPS)
def test_overrelaxation_of_a_link_keeps_its_action_and_its_group_and_moves_it(group):
    n, special = group.n, group.special
    u = projection.to_group(n, special, gaussian_numbers(2 * n * n))
    staple = gaussian_numbers(4 * n * n)[2 * n * n :]
    after = as_matrices(subgroups.overrelaxed(n, special, u, staple, subgroups.TINY["float64"]), n)
    before, s = as_matrices(u, n), as_matrices(staple, n)
    change = np.einsum("kab,kba->k", after - before, s).real
    assert abs(change).max() < 200 * n**2 * EPS
    assert abs(after @ oracle.dagger(after) - np.eye(n)).max() < 100 * n * EPS
    if special:
        assert abs(np.linalg.det(after) - 1).max() < 100 * n * EPS
    assert abs(after - before).max((1, 2)).min() > 1e-2


def test_a_link_without_staples_is_left_alone():
    for n, special, precision in (
        (1, False, "float64"),
        (2, True, "float32"),
        (3, True, "float64"),
        (2, False, "float64"),
    ):
        u = projection.to_group(n, special, gaussian_numbers(2 * n * n))
        nothing = [x * 0 for x in u]
        after = subgroups.overrelaxed(n, special, u, nothing, subgroups.TINY[precision])
        assert abs(np.array(after) - np.array(u)).max() < 10 * EPS


@pytest.mark.parametrize("group", GROUPS)
def test_overrelaxation_commutes_with_gauge_rotations(group):
    """Of all sites for U(1) and SU(2); subgroups of larger groups are those of a basis, so of diagonal rotations."""
    slow = OracleLattice(group, (4, 3, 4), 2)
    links, rotations = slow.hot(SEED, Purpose.START), random_rotations(slow)
    for _ in range(2):
        slow.heatbath(links, 4.0 * slow.n, SEED, 0, 0)
    if group in ("SU3", "U2"):
        phases = np.angle(rotations[..., 0, :])
        phases -= phases.mean(-1, keepdims=True)
        rotations = np.exp(1j * phases)[..., None] * np.eye(slow.n)
    fast = PackedLattice(group, slow.extents, 2)
    u, v = fast.scatter(links), fast.scatter(gauge_transform(links, rotations))
    for field in (u, v):
        fast.overrelax(field)
    assert abs(fast.gather(v) - gauge_transform(fast.gather(u), rotations)).max() < 1e-11


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize(
    ("group", "extents"), [("U1", (6, 5)), ("SU2", (4, 3, 2)), ("SU3", (4, 4, 2, 4)), ("U2", (8, 6))], ids=case_name
)
def test_overrelaxation_keeps_the_sum_of_plaquettes_and_changes_every_link(group, extents, precision):
    lattice = PackedLattice(group, extents, 3, precision=precision)
    links = lattice.hot(SEED, Purpose.START)
    lattice.heatbath(links, 2.0 * lattice.n, SEED, 0, 0)
    before, start = lattice.total(lattice.plaquette_sums(links)), lattice.gather(links)
    lattice.overrelax(links)
    after = lattice.total(lattice.plaquette_sums(links))
    plaquettes = lattice.volume * before.shape[1]
    assert abs((after - before).sum(1)).max() < 20 * np.finfo(precision).eps * lattice.n * plaquettes
    assert abs(after - before).max() > 1e-3 or before.shape[1] == 1
    assert abs(lattice.gather(links) - start).max((-1, -2)).min() > 1e-4
