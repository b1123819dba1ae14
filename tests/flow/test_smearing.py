"""Smearing: numbers of other codes, gauge covariance, the group, plane waves, the nearest element, bad input."""

import json
import re

import numpy as np
import pytest
from data_files import DATA, read_milc
from laws import CASES, EXTENTS, GROUPS, SEED, case_name, gauge_transform, random_rotations

from gaugeflow.errors import ConfigError, PhysicsError
from gaugeflow.flow.smearing import ApeSmearing, HypSmearing, StoutSmearing, smear, smeared_levels
from gaugeflow.kernels.targets import oracle
from gaugeflow.lattice.oracle import OracleLattice
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.energy import plaquettes
from gaugeflow.observables.smeared_loops import smeared_loops
from gaugeflow.rng import Purpose

STOUT, APE, HYP = StoutSmearing(kind="stout", rho=0.1), ApeSmearing(kind="ape", alpha=0.5), HypSmearing(kind="hyp")
REFERENCE = json.loads((DATA / "reference_values.json").read_text())
DIMENSIONS = [
    *[(kind, "all", *case) for kind in (STOUT, APE) for case in CASES],
    *[(kind, "space", group, ndim) for kind in (STOUT, APE) for group in GROUPS for ndim in (3, 4)],
    *[(HYP, directions, group, 4) for directions in ("all", "space") for group in GROUPS],
]


def name(value):
    return value.kind if hasattr(value, "kind") else case_name(value)


def smooth(group, extents, chains=2):
    """(fast lattice, oracle, canonical links with plaquettes well above zero)."""
    fast, slow = PackedLattice(group, extents, chains), OracleLattice(group, extents, chains)
    links, momenta = slow.cold(), slow.new_momenta()
    slow.refresh(momenta, SEED, Purpose.PILOT_MOMENTA, 0)
    slow.drift(links, momenta, 0.4)
    return fast, slow, links


def smeared(lattice, canonical, smearing, directions, steps=1):
    links = lattice.scatter(canonical)
    smear(lattice, links, smearing, directions, steps)
    return lattice.gather(links)


def milc(file):
    links = read_milc(f"milc/{file}")
    return PackedLattice("SU3", links.shape[4:0:-1], 1), links


def printed(file, pattern):
    """Numbers behind a word in a printed output of MILC, in order."""
    return [match[1] for match in re.finditer(pattern, (DATA / "milc" / "ref" / file).read_text(), re.MULTILINE)]


# ---- other codes


@pytest.mark.parametrize("file", ["lat.sample.inst", "lat.sample.l4444", "lat.sample.l4448"])
def test_stout_plaquette_equals_the_reference(file):
    lattice, links = milc(file)
    wanted = REFERENCE[f"milc/{file}"]["plaq_after_1_stout_rho0.1_4d"]
    after = [
        plaquettes(
            lattice, lattice.scatter(smeared(lattice, links, StoutSmearing(kind="stout", rho=rho), "all"))
        ).mean()
        for rho in (0.1, 0.1 + 1e-9)
    ]
    assert abs(after[0] - wanted) < 1e-12
    assert abs(after[1] - wanted) > 1e-12  # the twin


@pytest.mark.parametrize(
    ("output", "kind", "twin", "steps"),
    [
        ("stout", StoutSmearing(kind="stout", rho=0.15), StoutSmearing(kind="stout", rho=0.1501), 2),
        ("hyp", HYP, HypSmearing(kind="hyp", alphas=(0.75, 0.6, 0.31)), 1),
    ],
)
def test_plaquettes_on_the_instanton_are_those_that_milc_printed(output, kind, twin, steps):
    lattice, links = milc("lat.sample.inst")
    before = printed(f"smooth_inst__su3_{output}.1.sample-out", r"^CHECK PLAQ: (\S+)")[0]
    wanted = [before, *printed(f"smooth_inst__su3_{output}.1.sample-out", r"^GMES 9.99\S+ 9.99\S+ 9.99\S+ (\S+)")]
    assert len(wanted) == 1 + steps

    def chain(smearing):
        field = lattice.scatter(links)
        levels = smeared_levels(lattice, field, smearing, "all", range(steps + 1))
        return [f"{3 * plaquettes(lattice, field).mean():.6e}" for _ in levels]

    assert chain(kind) == wanted
    assert chain(twin) != wanted


def test_loops_with_ape_smeared_space_links_are_those_of_milc_to_the_accuracy_of_its_projection():
    lattice, links = milc("lat.sample.l4444")
    field = lattice.scatter(links)
    lattice.reunitarise(field)
    rows = [row.split() for row in printed("hvy_qpot__su3_hqp_ape.2.sample-out", r"^WILS_LOOP1_(.*)$")]
    assert len(rows) == 8

    def differences(smearing):
        loops = smeared_loops(lattice, field, smearing, (5, 10), 2, 2)[0]
        return [abs(loops[{"5": 0, "10": 1}[n], int(r), int(t)] - float(value)) for n, r, t, value in rows]

    assert max(differences(ApeSmearing(kind="ape", staple_weight=1 / 2.5))) < 2e-5
    assert max(differences(ApeSmearing(kind="ape", staple_weight=1 / 2.4))) > 2e-4


# ---- laws


@pytest.mark.parametrize(("kind", "directions", "group", "ndim"), DIMENSIONS, ids=name)
def test_smearing_is_gauge_covariant_stays_in_the_group_and_raises_the_plaquette(kind, directions, group, ndim):
    lattice, slow, links = smooth(group, EXTENTS[ndim])
    rotations = random_rotations(slow)
    after = smeared(lattice, links, kind, directions)
    turned = smeared(lattice, gauge_transform(links, rotations), kind, directions)
    assert abs(gauge_transform(after, rotations) - turned).max() < 1e-12
    assert abs(after @ oracle.dagger(after) - np.eye(lattice.n)).max() < 1e-14
    if lattice.special:
        assert abs(np.linalg.det(after) - 1).max() < 1e-14
    before, later = plaquettes(lattice, lattice.scatter(links)), plaquettes(lattice, lattice.scatter(after))
    in_space = [nu < ndim - 1 for mu in range(ndim) for nu in range(mu + 1, ndim)]
    chosen = np.array(in_space) | (directions == "all")
    assert np.all(later[:, chosen].mean(1) > before[:, chosen].mean(1))
    if directions == "space":
        assert np.array_equal(after[..., -1, :, :], links[..., -1, :, :])


@pytest.mark.parametrize("directions", ["space", "all"])
@pytest.mark.parametrize("kind", [STOUT, APE, HYP], ids=name)
def test_smearing_equals_its_definition_on_the_oracle(kind, directions):
    lattice, slow, links = smooth("SU3", EXTENTS[4])
    assert abs(smeared(lattice, links, kind, directions, 2) - smeared(slow, links, kind, directions, 2)).max() < 1e-12


def hyp_by_hand(links, alphas):
    """The three formulae of hep-lat/0103029, eq. (2), written out."""

    def project(m):
        return oracle.nearest_in_group(m, True)

    def staple(a, b, mu, nu):
        """Both staples of b along mu with sides a along nu."""
        up = a @ oracle.shift(b, nu, 4) @ oracle.dagger(oracle.shift(a, mu, 4))
        return up + oracle.shift(oracle.dagger(a) @ b @ oracle.shift(a, mu, 4), nu, 4, -1)

    u, (alpha1, alpha2, alpha3) = [links[..., mu, :, :] for mu in range(4)], alphas
    third, second, out = {}, {}, []
    for mu in range(4):
        for eta in set(range(4)) - {mu}:
            third[mu, eta] = project((1 - alpha3) * u[mu] + alpha3 / 2 * staple(u[eta], u[mu], mu, eta))
    for mu in range(4):
        for nu in set(range(4)) - {mu}:
            rho, sigma = set(range(4)) - {mu, nu}
            total = staple(third[rho, sigma], third[mu, sigma], mu, rho)
            total = total + staple(third[sigma, rho], third[mu, rho], mu, sigma)
            second[mu, nu] = project((1 - alpha2) * u[mu] + alpha2 / 4 * total)
    for mu in range(4):
        total = sum(staple(second[nu, mu], second[mu, nu], mu, nu) for nu in set(range(4)) - {mu})
        out.append(project((1 - alpha1) * u[mu] + alpha1 / 6 * total))
    return np.stack(out, -3), second


def test_hyp_equals_its_formulae_written_out():
    lattice, _, links = smooth("SU3", EXTENTS[4], chains=1)
    wanted, second = hyp_by_hand(links, HYP.alphas)
    assert abs(smeared(lattice, links, HYP, "all") - wanted).max() < 1e-12
    in_cubes = smeared(lattice, links, HYP, "space")
    for mu in range(3):
        assert abs(in_cubes[..., mu, :, :] - second[mu, 3]).max() < 1e-12


@pytest.mark.parametrize(
    ("kind", "weight"), [(STOUT, 0.1), (APE, 0.5 / 4), (ApeSmearing(kind="ape", staple_weight=0.2), 0.2 / 1.8)], ids=str
)
def test_an_abelian_plane_wave_shrinks_with_the_lattice_laplacian(kind, weight):
    """theta_x = eps cos(p t) in three dimensions: theta' = (1 - w hat p^2) theta, w the share of one staple."""
    extent, eps = 16, 1e-6
    p = 2 * np.pi / extent
    lattice, theta = PackedLattice("U1", (4, 4, extent), 1), np.zeros((1, extent, 4, 4, 3))
    theta[..., 0] = eps * np.cos(p * np.arange(extent))[None, :, None, None]
    out = np.angle(smeared(lattice, np.exp(1j * theta)[..., None, None], kind, "all")[..., 0, 0])
    assert np.allclose(out, (1 - weight * (2 - 2 * np.cos(p))) * theta, atol=1e-6 * eps)
    assert not np.allclose(out, (1 - 1.01 * weight * (2 - 2 * np.cos(p))) * theta, atol=1e-5 * eps)


@pytest.mark.parametrize("group", ["SU3", "SU4", "U2", "U3"])
def test_the_projection_is_a_maximum_also_of_rough_links(group):
    """M = U + 0.4 S of hot links: no polar factor with its determinant divided out and no turned X is nearer to M."""
    lattice, slow = PackedLattice(group, (4, 6), 3), OracleLattice(group, (4, 6), 3)
    links = slow.hot(SEED, Purpose.START)
    line, top, out = links[..., 0, :, :], links[..., 1, :, :] @ links[..., 0, :, :], slow.new_line()
    packed = [lattice.new_line() for _ in range(3)]
    for field, direction in ((packed[0], line), (packed[1], top)):
        lattice.take_links(lattice.scatter(np.repeat(direction[..., None, :, :], 2, -3)), 0, field)
    worst = lattice.project_line(packed[0], packed[1], 1.0, 0.8, packed[2])
    assert worst.max() < 1e-14
    both = lattice.new_links()
    for mu in range(2):
        lattice.put_links(packed[2], mu, both)
    found, m = lattice.gather(both)[..., 0, :, :], line + 0.8 * top
    slow.project_line(line, top, 1.0, 0.8, out)

    def near(x):
        return np.einsum("...ab,...ab->...", x.conj(), m).real

    rng = np.random.default_rng(SEED)
    turn = oracle.exponential(oracle.projection(1e-3 * rng.normal(size=found.shape), lattice.special).astype(complex))
    assert np.all(near(found @ turn) <= near(found) + 1e-13)
    assert np.mean(abs(near(found) - near(out)) < 1e-12) > 0.9  # the oracle's is the largest of all maxima
    if lattice.special:
        u, _, v = np.linalg.svd(m)
        polar = u @ v / np.linalg.det(u @ v)[..., None, None] ** (1 / lattice.n)
        assert np.all(near(polar) < near(out) + 1e-12)
        assert np.max(near(out) - near(polar)) > 0.02


@pytest.mark.parametrize("packing", [{"lanes": "chains"}, {"threads": 2}, {"width": 1}], ids=str)
def test_bits_do_not_depend_on_packing(packing):
    def result(**options):
        lattice = PackedLattice("SU2", (4, 3, 2, 4), 3, **options)
        links = lattice.hot(SEED, Purpose.START)
        for kind, directions in ((APE, "space"), (STOUT, "all"), (HYP, "all")):
            smear(lattice, links, kind, directions)
        return lattice.gather(links)

    assert np.array_equal(result(lanes="sites"), result(**packing))


# ---- bad input


@pytest.mark.parametrize(
    ("kind", "directions", "extents", "message"),
    [
        (HYP, "all", (4, 4), "HYP smearing is defined in 4 dimensions, not 2"),
        (HYP, "space", (4, 4, 4), "HYP smearing is defined in 4 dimensions, not 3"),
        (APE, "space", (4, 4), "in 2 dimensions space-like links have no staples"),
        (STOUT, "space", (4, 4), "in 2 dimensions space-like links have no staples"),
    ],
    ids=name,
)
def test_smearing_that_is_not_defined_is_refused_before_any_work(kind, directions, extents, message):
    lattice = PackedLattice("SU2", extents, 1)
    links = lattice.cold()
    before = links.copy()
    with pytest.raises(ConfigError, match=message):
        smear(lattice, links, kind, directions)
    assert np.array_equal(links, before)


def test_links_that_are_no_numbers_are_named():
    lattice = PackedLattice("SU3", (4, 4), 1)
    links = lattice.cold()
    links[0, 0, 0] = np.nan
    with pytest.raises(PhysicsError, match="away from the nearest element of SU3"):
        smear(lattice, links, APE)
