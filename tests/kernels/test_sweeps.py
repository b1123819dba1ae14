"""Heat bath and overrelaxation link by link: colours, exact one-link distributions, what reflections keep."""

import itertools

import numpy as np
import pytest
from kernels.test_matrix_sizes import as_matrices, gaussian_numbers
from laws import GROUPS, SEED, case_name, gauge_transform, random_rotations
from scipy.special import i0e, ive
from scipy.stats import kstest

from gaugeflow.conventions import GAUGE_GROUPS
from gaugeflow.errors import ConfigError, GeometryError
from gaugeflow.kernels import checkerboard
from gaugeflow.kernels.algebra import heatbath, projection, subgroups, von_mises
from gaugeflow.kernels.layout import Layout
from gaugeflow.kernels.targets import oracle, sweep_oracle
from gaugeflow.lattice.oracle import OracleLattice
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.rng import FIELD_BITS, Purpose, Stream

EPS = np.finfo(float).eps


class PlainNumbers(np.ndarray):
    """Arrays with the methods that traced numbers have, but for fused multiply-adds."""

    def rint(self):
        return np.rint(self)

    def sqrt(self):
        return np.sqrt(self)

    def reciprocal(self):
        return 1 / self

    def maximum(self, other):
        return np.maximum(self, other)

    def at_least(self, other, yes, no):
        return np.where(self >= other, yes, no).view(PlainNumbers)

    def power_of_two(self):
        return np.exp2(self)

    def mantissa_exponent(self):
        mantissa, exponent = np.frexp(np.asarray(self))
        return numbers(2 * mantissa), numbers(exponent - 1.0)


class Words(np.ndarray):
    """Integers with the methods that traced ones have."""

    def to_real(self):
        return numbers(self)


def numbers(values):
    return np.array(values, float).view(PlainNumbers)


# ---- colours

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


# ---- exact draws

KAPPAS = (0.0, 1e-300, 1e-3, 0.1, 0.7, 1.0, 3.0, 8.0, 14.0, 19.9, 20.0, 20.1, 30.0, 100.0, 1e3, 1e4)


def von_mises_share(phi, kappa):
    """Probability of |angle| <= phi, by Gauss-Legendre quadrature on 4 x 60 points."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    total = 0
    for part in range(4):
        t = (part + (nodes + 1) / 2) / 4 * phi[..., None]
        total = total + (weights / 8 * np.exp(-2 * kappa[..., None] * np.sin(t / 2) ** 2)).sum(-1) * phi
    return total / (np.pi * i0e(kappa))


def test_inverted_von_mises_distribution_returns_its_share_for_every_kappa():
    tails = 10.0 ** -np.arange(1, 16)
    u = np.concatenate([np.linspace(1e-6, 1 - 1e-6, 500), tails, 1 - tails, [2.0**-54, 1.0]])
    kappa, u = np.broadcast_arrays(np.array(KAPPAS)[:, None], u)
    phi = np.asarray(von_mises.quantile(numbers(kappa), numbers(u)))
    assert (phi >= 0).all()
    assert (phi <= np.pi * (1 + EPS)).all()
    assert abs(von_mises_share(phi, kappa) - u).max() < 4e-15
    for sign in (1.0, -1.0):
        cosine, sine = (np.asarray(x) for x in von_mises.cosine_sine(numbers(kappa), numbers(u), numbers(sign)))
        assert abs(cosine**2 + sine**2 - 1).max() < 10 * EPS
        assert (sine * sign >= -10 * EPS).all()


@pytest.mark.parametrize("kappa", KAPPAS)
def test_von_mises_moments_are_ratios_of_bessel_functions_and_with_another_kappa_not(kappa):
    """<cos n phi> = I_n / I_0 by the midpoint rule in u, whose error is that of the tail's last interval."""
    u = (np.arange(20000) + 0.5) / 20000
    cosine, _ = von_mises.cosine_sine(numbers(np.full(u.shape, kappa)), numbers(u), numbers(1.0))
    phi = np.arccos(np.clip(cosine, -1, 1))
    for n in (1, 2, 3):
        assert abs(np.cos(n * phi).mean() - ive(n, kappa) / i0e(kappa)) < 2e-4 * n**2 / max(1.0, kappa)
    wrong = 1.1 * kappa + 0.1
    assert abs(np.mean(cosine) - ive(1, wrong) / i0e(wrong)) > 0.02 / max(1.0, kappa)


def words_of(count, seed=SEED):
    stream = Stream(seed, Purpose.HEATBATH)
    return lambda draw: stream.words(site=np.arange(count), draw=draw)


@pytest.mark.parametrize("alpha", [1e-12, 0.3, 0.71, 0.73, 2.0, 12.0, 1e4])
def test_su2_heights_have_their_distribution_and_with_another_weight_not(alpha):
    """alpha delta against the distribution function of sqrt(delta (2 - delta)) exp(-alpha delta), both branches."""
    delta = sweep_oracle.su2_height(np.full(20000, alpha), words_of(20000), 0)
    assert kstest(height_share(delta, alpha), "uniform").pvalue > 1e-3
    assert kstest(height_share(delta, 1.15 * alpha + 0.1), "uniform").pvalue < 1e-6


def height_share(delta, alpha):
    """Probability of a smaller 1 - h_0 for the density sqrt(delta (2 - delta)) exp(-alpha delta)."""
    nodes, weights = np.polynomial.legendre.leggauss(80)

    def mass(end):
        t = np.sqrt(end)[..., None] * (nodes + 1) / 2  # delta = t^2: no square root at the end
        return np.sqrt(end) / 2 * (weights * 2 * t**2 * np.sqrt(2 - t**2) * np.exp(-alpha[..., None] * t**2)).sum(-1)

    alpha = np.broadcast_to(alpha, np.shape(delta)).astype(float)
    farthest = np.minimum(2.0, 40 / np.maximum(alpha, 1e-3))
    return mass(np.minimum(delta, farthest)) / mass(farthest)


def last_links(lattice, links, coupling):
    """(R, c) of the links updated last by a sweep, whose staples nobody changed after."""
    mu = lattice.ndim - 1
    extents = tuple(reversed(lattice.extents))
    colours = checkerboard.colours_of(np.arange(lattice.volume).reshape(extents), extents, mu)
    chosen = colours == colours.max()
    r = links[:, chosen, mu] @ oracle.staples(links, mu)[:, chosen]
    return r.reshape(-1, lattice.n, lattice.n), coupling / lattice.n


def shares(lattice, links, coupling):
    """Uniform numbers, if the last factor of the last links has the heat bath's distribution at `coupling`."""
    r, c = last_links(lattice, links, coupling)
    i, j = sweep_oracle.factors(lattice.n, lattice.special)[-1]
    if i == j:
        z = r[:, i, i]
        assert abs(np.sign(np.angle(z)).mean()) < 4 / np.sqrt(len(z))
        return von_mises_share(abs(np.angle(z)), c * abs(z))
    a = sweep_oracle.subgroup_part(r, i, j)
    size = np.linalg.norm(a, axis=-1)
    return height_share(np.maximum(1 - a[:, 0] / size, 0), c * size)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize(
    ("group", "extents", "beta"),
    [("U1", (64, 48), 1.3), ("SU2", (12, 9, 8), 1.7), ("SU3", (8, 6, 6, 8), 6.0), ("U2", (48, 45), 3.0)],
    ids=case_name,
)
def test_heat_bath_leaves_the_exact_one_link_distribution_and_with_another_coupling_not(
    group, extents, beta, precision
):
    lattice = PackedLattice(group, extents, 2, precision=precision)
    links = lattice.hot(SEED, Purpose.START)
    for sweep in range(4):
        lattice.heatbath(links, beta, SEED, 0, sweep)
    found = lattice.gather(links)
    assert kstest(shares(lattice, found, beta), "uniform").pvalue > 1e-3
    assert kstest(shares(lattice, found, 1.5 * beta), "uniform").pvalue < 1e-5


def test_directions_of_a_heat_bath_rotation_are_uniform():
    """h = g V of SU(2): its three-vector over its length has uniform components."""
    lattice = PackedLattice("SU2", (24, 24, 12), 1)
    links = lattice.hot(SEED, Purpose.START)
    for sweep in range(2):
        lattice.heatbath(links, 2.0, SEED, 1, sweep)
    r, _ = last_links(lattice, lattice.gather(links), 2.0)
    # R = h V^dagger V |a|: its quaternion is that of h
    a = sweep_oracle.subgroup_part(r, 0, 1)[:, 1:]
    unit = a / np.linalg.norm(a, axis=-1)[:, None]
    for component in unit.T:
        assert kstest((component + 1) / 2, "uniform").pvalue > 1e-3


def test_random_numbers_of_a_sweep_fit_their_bits():
    bits = heatbath.CALL_BITS + heatbath.FACTOR_BITS + heatbath.SWEEP_BITS
    assert bits == FIELD_BITS["draw"]
    for group in GAUGE_GROUPS.values():
        assert len(sweep_oracle.factors(group.n, group.special)) <= 1 << heatbath.FACTOR_BITS
    assert heatbath.LAST_ATTEMPT + 1 < heatbath.CALLS
    assert heatbath.first_draw(127) >> 14 == 127
    lattice = PackedLattice("U1", (2, 2), 1)
    with pytest.raises(ConfigError, match="got sweep 128 of a trajectory, wanted 0"):
        lattice.heatbath(lattice.cold(), 1.0, SEED, 0, 128)
    with pytest.raises(ConfigError, match="got beta = -1"):
        lattice.heatbath(lattice.cold(), -1.0, SEED, 0, 0)


def test_a_lane_that_never_accepts_becomes_nan_and_one_that_did_keeps_its_number():
    zeros, ones = (np.full(2, word, np.uint64).view(Words) for word in (0, 2**32 - 1))
    first, second = [zeros] * 4, [zeros, zeros, ones, ones]  # r_1 = r_3 = 0, r_4 = 1 are refused
    trial, call = (numbers([0.3, 0.4]), numbers([1.0, 0.0])), np.full(1, heatbath.LAST_ATTEMPT).view(Words)
    alpha = numbers([5.0, 5.0])
    _, waiting = heatbath.attempt(trial, alpha, first, second, call - 2)
    assert list(waiting) == [1, 0]
    delta, waiting = heatbath.attempt(trial, alpha, first, second, call)
    assert list(waiting) == [0, 0]
    with np.errstate(invalid="ignore"):
        radius = np.sqrt(delta * (2 - delta))
    assert list(np.isnan(radius)) == [True, False]


# ---- overrelaxation


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
