"""The mathematics of one site: exponential with its error bound, exact sums, random numbers against known answers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from laws import GENERIC_GROUPS, GROUPS, SEED, full_matrices
from scipy.linalg import expm

from gaugeflow.conventions import GAUGE_GROUPS
from gaugeflow.kernels.algebra import exact, exponential, random
from gaugeflow.kernels.targets import oracle
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.rng import FIELD_BITS, Purpose, Stream, check_field, philox4x32

EPS = np.finfo(float).eps

# Random123 1.14, kat_vectors: philox4x32-10, counter, key -> words.
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


class PlainReal(float):
    """A float with the methods that traced numbers have."""

    def __mul__(self, other):
        return PlainReal(float(self) * float(other))

    def __sub__(self, other):
        return PlainReal(float(self) - float(other))

    def rint(self):
        return PlainReal(round(float(self)))


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN_ANSWERS)
def test_philox_gives_the_published_words(counter, key, words):
    as_words = tuple(np.uint64(c) for c in counter)
    assert tuple(int(w) for w in philox4x32(as_words, tuple(np.uint64(k) for k in key))) == words


def test_counter_follows_the_bit_table():
    site, chain, trajectory, direction, draw = 0x12_3456_789A, 0xBC_DEF0, 0x1234_5678, 5, 0x1F_0F0F
    fields = ((site, 40), (chain, 24), (trajectory, 32), (int(Purpose.ACCEPT), 8), (direction, 3), (draw, 21))
    counter, shift = 0, 0
    for value, bits in fields:
        counter |= value << shift
        shift += bits
    assert shift == 128
    words = tuple(np.uint64(counter >> 32 * k & 0xFFFFFFFF) for k in range(4))
    wanted = philox4x32(words, (np.uint64(7), np.uint64(9)))
    stream = Stream(7 | 9 << 32, Purpose.ACCEPT)
    got = stream.words(site=site, chain=chain, trajectory=trajectory, direction=direction, draw=draw)
    assert [int(w) for w in got] == [int(w) for w in wanted]


@pytest.mark.parametrize("name", FIELD_BITS)
def test_values_that_do_not_fit_the_counter_are_refused(name):
    assert check_field(name, (1 << FIELD_BITS[name]) - 1)
    with pytest.raises(Exception, match=f"{name} = {1 << FIELD_BITS[name]} does not fit"):
        check_field(name, 1 << FIELD_BITS[name])


def test_purposes_never_share_a_number():
    words = {tuple(Stream(1, purpose).words(site=3, chain=2, trajectory=1)) for purpose in Purpose}
    assert len(words) == len(Purpose)


def test_momenta_are_unit_gaussians_and_their_twin_with_another_width_is_not():
    lattice = PackedLattice("SU3", (8, 8, 8, 8), 1)
    momenta = lattice.new_momenta()
    lattice.refresh(momenta, SEED, Purpose.MOMENTA, 0)
    compact = lattice.layout.unpack(momenta, 1, 4).reshape(-1, 9)
    p = 2 * compact[:, 3:].ravel()  # off-diagonal components are p_a / 2
    n = p.size

    def pulls(x):
        moments = np.mean(x), np.mean(x**2) - 1, np.mean(x**4) - 3, np.mean(x**6) - 15
        return np.array(moments) / np.sqrt(np.array([1, 2, 96, 10170]) / n)  # variances of unit Gaussian moments

    assert np.all(abs(pulls(p)) < 3.5)
    assert abs(pulls(1.02 * p)[1]) > 5
    diagonal = compact[:, :3]
    assert abs(diagonal.sum(1)).max() < 10 * EPS
    kinetic = lattice.total(lattice.kinetic_sums(momenta))[0, 0]
    degrees = lattice.volume * 4 * 8
    assert abs(kinetic - degrees / 2) < 4 * math.sqrt(degrees / 2)


@pytest.mark.parametrize("group", GROUPS + GENERIC_GROUPS)
@pytest.mark.parametrize("size", [1e-8, 0.3, 0.999, 1.001, 3.0, 30.0, 200.0])
def test_exponential_keeps_its_error_bound(group, size):
    """Series up to norm 1: a few epsilon. By squaring up to 2^8: 2^8 times that."""
    lattice = PackedLattice(group, (4, 4), 1)
    n = lattice.n
    momenta = lattice.new_momenta()
    lattice.refresh(momenta, SEED, Purpose.MOMENTA, 0)
    compact = lattice.layout.unpack(momenta, 1, 2).reshape(-1, n * n)
    norm = np.sqrt((compact[:, :n] ** 2).sum(1) + 2 * (compact[:, n:] ** 2).sum(1))
    scaled = lattice.layout.pack((compact / norm[:, None] * size).reshape(1, 4, 4, 2, n * n))
    momenta[...] = scaled.reshape(momenta.shape)
    links = lattice.cold()
    lattice.drift(links, momenta, 1.0)
    matrices = full_matrices(compact / norm[:, None] * size, n)
    wanted = np.array([expm(m) for m in matrices])
    bound = (20 if size <= 1 or group == "U1" else 2**exponential.SQUARINGS * 20) * EPS
    exact_bound = bound + 1e-15 * max(1, size)  # scipy's own error
    assert abs(lattice.gather(links).reshape(-1, n, n) - wanted).max() < exact_bound


@pytest.mark.parametrize("group", GAUGE_GROUPS.values(), ids=GAUGE_GROUPS)
def test_generators_are_normalised(group):
    n, special = group.n, group.special
    t = oracle.generators(n, special)
    gram = np.einsum("aij,bji->ab", t, t)
    assert np.allclose(gram, np.eye(len(t)) * group.generator_trace, atol=1e-15)
    assert group.generator_trace == (1.0 if group.name == "U1" else 0.5)
    assert len(t) == random.generators(n, special) == n * n - special
    assert np.allclose(np.trace(t[:-1], axis1=1, axis2=2), 0, atol=1e-15)
    assert special or np.allclose(t[-1], np.eye(n) * np.sqrt(group.generator_trace / n))


def test_exact_sum_does_not_depend_on_order_and_is_nearly_exact():
    x = np.random.default_rng(1).normal(size=4096) * 30
    parts = [exact.split(PlainReal(v)) for v in x]
    total = exact.join(sum(int(h) for h, _ in parts), sum(int(low) for _, low in parts))
    wanted = float(sum(Fraction(float(v)) for v in x))
    assert abs(total - wanted) <= len(x) * 2.0**-49
    high = np.array([h for h, _ in parts])
    assert np.cumsum(high)[-1] == high[::-1].sum()  # integers: no rounding in any order


def test_sums_report_a_nan_instead_of_a_number():
    lattice = PackedLattice("SU2", (4, 4), 3)
    links = lattice.cold()
    links.reshape(-1)[5] = np.nan
    totals = lattice.total(lattice.plaquette_sums(links))
    assert np.isnan(totals).any()
    assert np.isfinite(totals[1:]).all() or np.isfinite(totals[:1]).all()
