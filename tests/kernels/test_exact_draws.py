"""Exact draws of the heat bath: von Mises angles, SU(2) rotations, the weight of a link given its staples."""

import numpy as np
import pytest
from kernels.plain_numbers import Words, numbers
from laws import SEED, case_name
from scipy.special import i0e, ive
from scipy.stats import kstest

from gaugeflow.conventions import GAUGE_GROUPS
from gaugeflow.errors import ConfigError
from gaugeflow.kernels import checkerboard
from gaugeflow.kernels.algebra import heatbath, von_mises
from gaugeflow.kernels.targets import oracle, sweep_oracle
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.rng import FIELD_BITS, Purpose, Stream

EPS = np.finfo(float).eps


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
