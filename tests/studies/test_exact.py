"""Closed forms against printed tables and against small lattices summed in another way."""

import csv
import math
from pathlib import Path

import exact
import numpy as np
import pytest
from scipy.special import iv

from gaugeflow.analysis.reference import read_references
from gaugeflow.config.load import load_study
from gaugeflow.conventions import gauge_group

STUDIES = Path(__file__).parents[2] / "workflow" / "studies"

# 2D U(1): beta, L, W(1), W(4), W(9), W(16), chi_Q, to six decimals
U1_TABLE = [
    (1, 8, 0.446390, 0.039706, 0.000704, 2e-6, 0.040636),
    (2, 8, 0.697775, 0.237061, 0.039214, 0.003158, 0.019364),
    (3, 8, 0.809986, 0.430438, 0.150079, 0.034367, 0.011060),
    (3, 16, 0.809985, 0.430436, 0.150070, 0.034327, 0.011061),
    (5, 8, 0.893421, 0.637431, 0.364057, 0.168886, 0.005636),
    (5, 16, 0.893383, 0.637017, 0.362526, 0.164666, 0.005756),
    (7, 8, 0.925700, 0.735830, 0.506254, 0.310076, 0.003392),
    (9, 16, 0.942690, 0.789724, 0.587922, 0.388957, 0.002994),
    (11, 8, 0.953795, 0.831540, 0.672921, 0.522786, 0.001147),
    (11, 16, 0.953402, 0.826236, 0.650857, 0.466038, 0.002419),
]
SU2_INFINITE = {1: 0.240194, 2: 0.433127, 2.2: 0.464479, 3: 0.567924, 4: 0.658047, 6: 0.762726, 8: 0.819249}
SU2_SMALL = [(4, 6, 1, 0.763354), (4, 8, 1, 0.820307), (4, 6, 4, 0.345311), (8, 6, 4, 0.338434)]
# 2D U(2) at infinite volume: beta, <Re tr U_p> / 2, chi_Q
U2_TABLE = [
    (1, 0.124961, 0.080241),
    (2, 0.248851, 0.071802),
    (3, 0.367526, 0.060217),
    (4, 0.474449, 0.048121),
    (5, 0.564367, 0.037497),
    (6, 0.635874, 0.029179),
    (8, 0.732980, 0.018761),
    (10, 0.790753, 0.013442),
    (12, 0.827762, 0.010481),
]
SU3_INFINITE = {1: 0.060127, 3: 0.203075, 5.5: 0.389129, 6: 0.422532, 6.5: 0.453959, 9: 0.580376, 12: 0.677672}


@pytest.mark.parametrize("row", U1_TABLE, ids=lambda row: f"beta{row[0]}-L{row[1]}")
def test_u1_loops_and_susceptibility_are_those_of_the_table(row):
    beta, size, *loops, chi = row
    assert [exact.u1_loop(beta, size**2, area) for area in (1, 4, 9, 16)] == pytest.approx(loops, abs=1e-6)
    assert exact.susceptibility("U1", beta, size**2) == pytest.approx(chi, abs=1e-6)


def test_su2_loops_are_those_of_the_table():
    for beta, value in SU2_INFINITE.items():
        assert exact.su2_loop(beta, 1024, 1) == pytest.approx(value, abs=1e-6)
    for size, beta, area, value in SU2_SMALL:
        assert exact.su2_loop(beta, size**2, area) == pytest.approx(value, abs=1e-6)


def test_su3_plaquettes_are_those_of_the_table():
    for beta, value in SU3_INFINITE.items():
        assert exact.loop("SU3", beta, 1024, 1) == pytest.approx(value, abs=1e-6)
    assert exact.loop("SU3", 0.1, 1024, 1) == pytest.approx(0.1 / 18 + 0.1**2 / 216, rel=1e-3)


@pytest.mark.parametrize("row", U2_TABLE, ids=lambda row: f"beta{row[0]}")
def test_u2_plaquette_and_susceptibility_are_those_of_the_table(row):
    beta, plaquette, chi = row
    assert exact.loop("U2", beta, 1024, 1) == pytest.approx(plaquette, abs=1e-6)
    assert exact.susceptibility("U2", beta, 1024) == pytest.approx(chi, abs=1e-6)


@pytest.mark.parametrize(
    ("group", "beta", "volume"), [("U1", 3.0, 64), ("U1", 7.0, 36), ("U2", 3.0, 16), ("U2", 8.0, 64)]
)
def test_charges_are_distributed_with_the_variance_chi_v(group, beta, volume):
    largest = 12
    probability = exact.charge_distribution(group, beta, volume, largest)
    assert probability.min() > -1e-12
    assert probability.sum() == pytest.approx(1, abs=1e-9)
    variance = np.sum(np.arange(-largest, largest + 1) ** 2 * probability)
    assert variance == pytest.approx(volume * exact.susceptibility(group, beta, volume), rel=1e-7)


@pytest.mark.parametrize("group", ["U1", "SU2", "U2"])
def test_plaquette_pairs_are_a_mixed_derivative_of_the_free_energy(group):
    """Two plaquettes at couplings of their own: <p p'> = d^2 Z / d beta_1 d beta_2 / Z."""
    beta, volume, h = 2.5, 6, 1e-3
    trivial = {"U1": lambda b: iv(0, b), "SU2": lambda b: 2 * iv(1, b) / b}
    trivial["U2"] = lambda b: exact.character_ratio(2, False, b, (0, 0)) * math.exp(b)
    at = {b: np.array(list(exact.spectrum(group, b).values())) * trivial[group](b) for b in (beta - h, beta, beta + h)}
    slope = (at[beta + h] - at[beta - h]) / (2 * h)
    wanted = np.sum(at[beta] ** (volume - 2) * slope**2) / np.sum(at[beta] ** volume)
    assert exact.plaquette_pair(group, beta, volume) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("group", ["U1", "SU2", "U2"])
def test_one_polyakov_line_squared_is_one_and_the_adjoint_and_distance_is_periodic(group):
    beta, extents = 2.5, (3, 2)
    z, n = exact.spectrum(group, beta), gauge_group(group).n
    total = sum(value**6 for value in z.values())
    adjoint = sum(value**6 for (_, d), value in z.items() if d > 1) / total  # in r x r^* unless r has dimension 1
    wanted = 1.0 if n == 1 else (1 + adjoint) / n**2
    assert exact.polyakov_correlator(group, beta, extents, 0) == pytest.approx(wanted, rel=1e-9)
    there, back = (exact.polyakov_correlator(group, beta, extents, r) for r in (1, 2))
    assert there == pytest.approx(back, rel=1e-9)


@pytest.mark.parametrize("group", ["U1", "SU2", "SU3", "U2", "SU4"])
@pytest.mark.parametrize("volume", [4, 16, 64])
def test_plaquette_is_the_derivative_of_the_free_energy(group, volume):
    """P = d ln Z / d beta / V with Z = sum_r z_r^V: another route to the same number."""

    def log_z(beta: float) -> float:
        if group == "U1":
            z = iv(np.arange(-40, 41), beta)
        elif group == "SU2":
            z = 2 * iv(np.arange(1, 60), beta) / beta
        else:
            n, special = gauge_group(group).n, gauge_group(group).special
            rows = exact.representations(n, special)
            z = np.array([exact.character_ratio(n, special, beta, row) for row in rows]) * math.exp(beta)
        return math.log(np.sum(z**volume)) / volume

    step = 1e-4
    slope = (log_z(2 + step) - log_z(2 - step)) / (2 * step)
    assert exact.loop(group, 2.0, volume, 1) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("group", ["U2", "U3", "SU3", "SU4"])
def test_the_plaquette_of_a_large_torus_is_a_mean_over_eigenvalues(group):
    """One plaquette alone, V -> infinity: weight exp(beta Re tr U / N) times Weyl's measure prod |z_i - z_j|^2."""
    n, special, beta = gauge_group(group).n, gauge_group(group).special, 2.5
    angles = np.meshgrid(*[2 * np.pi * np.arange(24) / 24] * (n - special), indexing="ij")
    angles = [*angles, -sum(angles)] if special else angles
    z = np.exp(1j * np.array(angles)).reshape(n, -1)
    weight = np.exp(beta * (z.real.mean(0) - 1))
    for i in range(n):
        for j in range(i):
            weight *= abs(z[i] - z[j]) ** 2
    assert exact.loop(group, beta, 1024, 1) == pytest.approx(np.average(z.real.mean(0), weights=weight), rel=1e-9)
    if not special:
        assert exact.determinant_loop(n, beta, 1024) == pytest.approx(
            np.average(z.prod(0), weights=weight).real, rel=1e-9
        )


def test_u1_susceptibility_is_the_curvature_of_the_theta_vacuum():
    def log_z(theta: float, beta: float, volume: int) -> float:
        nodes, weights = np.polynomial.legendre.leggauss(300)
        a = (nodes + 1) * math.pi / 2
        charges = np.arange(-20, 21) + theta / (2 * math.pi)
        z = (np.exp(beta * np.cos(a)) * np.cos(np.outer(charges, a))) @ weights / 2
        return math.log(np.sum(z**volume))

    for beta, volume in ((1.0, 16), (3.0, 64)):
        h = 0.02
        curvature = (log_z(h, beta, volume) - 2 * log_z(0, beta, volume) + log_z(-h, beta, volume)) / h**2
        assert exact.susceptibility("U1", beta, volume) == pytest.approx(-curvature / volume, rel=1e-3)


def exact_rows():
    """(study, scale, row, ensemble) of every exact row of a 2D study."""
    for study in ("u1_2d", "su2_2d", "su3_2d", "u2_2d", "sampler_comparison"):
        for scale, file in (("full", "reference.csv"), ("tiny", "reference_tiny.csv")):
            ensembles = {ensemble.label: ensemble for ensemble in load_study(STUDIES / study, scale).ensembles}
            for row in read_references(STUDIES / study / file):
                yield study, scale, row, ensembles[row.name.partition("/")[0]]


def test_every_exact_row_is_recomputed_from_its_closed_form():
    rows = list(exact_rows())
    assert len(rows) > 100
    for study, scale, row, ensemble in rows:
        spec = ensemble.spec
        value = exact.study_value(spec.group, spec.extents, spec.beta, row.name.partition("/")[2])
        assert row.kind == "exact", (study, row.name)
        assert row.value == pytest.approx(value, abs=6e-9), (study, scale, row.name)
        assert row.error == 0


def test_exact_rows_ask_for_small_errors():
    for study, scale, row, ensemble in exact_rows():
        spec, observable = ensemble.spec, row.name.partition("/")[2]
        plaquette = exact.study_value(spec.group, spec.extents, spec.beta, "plaquette")
        share = {"plaquette": 0.001, "W(1)": 0.001, "chi_Q": 0.1}.get(observable)
        if share is not None:
            share *= {"full": 1, "tiny": 5 if observable != "chi_Q" else 2.5}[scale]
            value = row.value if observable == "chi_Q" else plaquette
            assert row.max_error <= share * value * (1 + 1e-9), (study, scale, row.name)


def test_every_ensemble_of_every_study_is_judged_itself_or_through_a_network():
    for folder in sorted(STUDIES.glob("[!_]*/study.yaml")):
        for scale, file in (("full", "reference.csv"), ("tiny", "reference_tiny.csv")):
            with (folder.parent / file).open() as stream:
                judged = {row["name"].partition("/")[0] for row in csv.DictReader(stream)}
            study = load_study(folder.parent, scale)
            labels = {ensemble.label for ensemble in study.ensembles}
            served = {training.label: {*training.train, *training.test} for training in study.trainings}
            through = {ensemble.label for name in judged & served.keys() for ensemble in served[name]}
            assert labels - judged - through == set(), (study.name, scale)
            assert judged - labels - served.keys() == set(), (study.name, scale)
