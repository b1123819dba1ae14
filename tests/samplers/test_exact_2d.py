"""The exact samplers of two dimensions: everything that has a closed form, independence, one chain on its own."""

from functools import cache

import exact
import numpy as np
import pytest
from laws import SEED, case_name, pull
from samplers.test_hmc import run
from scipy.integrate import quad
from scipy.special import ive

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.errors import ConfigError
from gaugeflow.kernels.targets import oracle
from gaugeflow.lattice.oracle import OracleLattice
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.loops import wilson_loops
from gaugeflow.observables.polyakov import polyakov_loop
from gaugeflow.observables.topology import charge_geometric
from gaugeflow.samplers import fourier
from gaugeflow.samplers.exact_2d import Exact2D
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import OMF2
from gaugeflow.samplers.start import start_links

CASES = [
    ("U1", (8, 8), 7.0),
    ("U1", (5, 7), 2.0),
    ("SU2", (6, 5), 6.0),
    ("SU2", (3, 3), 12.0),
    ("U2", (4, 6), 8.0),
    ("U2", (5, 3), 2.0),
]
CHAINS, TRAJECTORIES = 1024, 3
TWIN = 1.05
"""Factor on the coupling of the twin that must fail."""


@cache
def sample(group, extents, beta):
    """Observables of CHAINS * TRAJECTORIES independent configurations by name, one number each."""
    lattice = PackedLattice(group, extents, CHAINS)
    sampler, out = Exact2D(WilsonAction(beta), SEED), {}
    for trajectory in range(TRAJECTORIES):
        links, info = sampler.step(lattice, None, None, trajectory)
        loops = wilson_loops(lattice, links, 3, 3)["loops"]
        found = {"plaquette": info.plaquette, "W(4)": loops[:, 1, 1], "W(9)": loops[:, 2, 2]}
        line = polyakov_loop(lattice, links)
        found |= {"P": line.real, "P^2": abs(line) ** 2}
        if group != "SU2":
            found |= {"Im P": line.imag, "Q": charge_geometric(lattice, links)}
            found["Q^2"] = found["Q"] ** 2
        p = np.trace(oracle.plaquette(lattice.gather(links), 0, 1), axis1=-2, axis2=-1).real / lattice.n
        for name, step in (("neighbours", (0, 1)), ("far", (extents[1] // 2, extents[0] // 2))):
            found[name] = (p * np.roll(p, step, (1, 2))).mean((1, 2))
        for name, values in found.items():
            out.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in out.items()}


def wanted(group, extents, beta):
    """Exact means of `sample`."""
    length, volume = extents[0], extents[0] * extents[1]
    out = {name: exact.loop(group, beta, volume, area) for name, area in (("plaquette", 1), ("W(4)", 4))}
    if min(extents) > 3:
        out["W(9)"] = exact.loop(group, beta, volume, 9)
    correlator = [exact.polyakov_correlator(group, beta, extents, r) for r in range(length)]
    out |= {"P": 0.0, "P^2": float(np.mean(correlator))}
    out |= dict.fromkeys(("neighbours", "far"), exact.plaquette_pair(group, beta, volume))
    if group != "SU2":
        out |= {"Im P": 0.0, "Q": 0.0, "Q^2": volume * exact.susceptibility(group, beta, volume)}
    return out


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_every_mean_is_exact_and_with_another_coupling_it_is_not(case):
    group, extents, beta = case
    found, means = sample(*case), wanted(*case)
    for name, mean in means.items():
        assert abs(pull(found[name], mean)[0]) < 3, name
    distance, error = pull(found["plaquette"], wanted(group, extents, TWIN * beta)["plaquette"])
    assert abs(distance) > 6
    assert error < 2e-3


@pytest.mark.parametrize("case", [case for case in CASES if case[0] != "SU2"], ids=case_name)
def test_charges_are_integers_with_their_exact_distribution(case):
    group, extents, beta = case
    charge, volume = sample(*case)["Q"], extents[0] * extents[1]
    assert np.array_equal(charge, np.rint(charge))

    def chi_square(coupling):
        probability = exact.charge_distribution(group, coupling, volume, 5)
        expected = probability * charge.size
        counted = np.array([np.sum(charge == q) for q in range(-5, 6)])
        often = expected > 5
        terms = (counted - expected)[often] ** 2 / expected[often]
        return (terms.sum() - often.sum() + 1) / np.sqrt(2 * (often.sum() - 1))

    assert abs(chi_square(beta)) < 3
    assert chi_square(1.5 * beta) > 6


def test_rare_charges_appear_at_their_exact_rate():
    """U(1) at beta = 11 on 8^2, where HMC does not leave a sector: P(|Q| = 1) = 0.07."""
    links = Exact2D(WilsonAction(11.0), SEED).configuration("U1", (8, 8), np.arange(2500), 0)
    charge = np.rint(np.angle(oracle.plaquette(links, 0, 1)).sum((1, 2, 3, 4)) / (2 * np.pi))
    probability = exact.charge_distribution("U1", 11.0, 64, 1)
    for q in (-1, 0, 1):
        assert abs(pull(charge == q, probability[q + 1])[0]) < 3
    assert abs(pull(charge**2 / 64, 0.001147)[0]) < 3


@pytest.mark.parametrize("group", ["U1", "SU2", "U2"])
def test_links_are_haar_distributed_and_gauges_of_sites_are_independent(group):
    """Of every link alone: <U> = 0, <|tr U|^2> = 1; of two links side by side: <tr U tr U'^dagger> = 0."""
    links = Exact2D(WilsonAction(4.0), SEED).configuration(group, (4, 3), np.arange(3000), 5)
    traces = np.trace(links, axis1=-2, axis2=-1)
    assert abs(links.mean(0)).max() < 5 / np.sqrt(len(links))
    squares = abs(traces) ** 2
    assert abs(squares.mean(0) - 1).max() < 5 * max(squares.std(0).max(), 1e-12) / np.sqrt(len(links))
    assert abs((traces * np.roll(traces, 1, 2).conj()).mean(0)).max() < 5 / np.sqrt(len(links))


@pytest.mark.parametrize("case", CASES[::2], ids=case_name)
def test_successive_configurations_are_independent(case):
    found = sample(*case)
    for name in ("plaquette", "W(4)", "P^2") if case[0] != "U1" else ("plaquette", "W(4)", "Q"):
        x = found[name].reshape(TRAJECTORIES, CHAINS)
        x = (x - x.mean()) / x.std()
        for a, b in ((x[:-1], x[1:]), (x[:, :-1], x[:, 1:])):  # trajectories, chains
            assert abs(pull((a * b).ravel(), 0.0)[0]) < 3, name


@pytest.mark.parametrize("group", ["U1", "SU2", "U2"])
def test_hmc_agrees_with_independent_configurations(group):
    beta, extents = {"U1": 2.0, "SU2": 3.0, "U2": 3.0}[group], (4, 5)
    lattice, hmc = PackedLattice(group, extents, 128), HMC(WilsonAction(beta), OMF2, 1.0, 4, SEED)
    links, _ = run(lattice, hmc, start_links(lattice, "mixed", SEED), 40)
    _, infos = run(lattice, hmc, links, 100, first=40)
    chains = np.mean([info.plaquette for info in infos], 0)
    mean, error = np.mean(chains), np.std(chains, ddof=1) / np.sqrt(len(chains))

    def difference(coupling):
        values = [Exact2D(WilsonAction(coupling), SEED).step(lattice, None, None, n)[1].plaquette for n in range(20)]
        values = np.ravel(values)
        return (np.mean(values) - mean) / np.hypot(np.std(values) / np.sqrt(len(values)), error)

    assert abs(difference(beta)) < 3
    assert abs(difference(1.1 * beta)) > 6


@pytest.mark.parametrize(
    ("group", "extents", "beta"), [("U1", (8, 6), 9.0), ("SU2", (5, 7), 3.0), ("U2", (4, 5), 20.0)]
)
def test_a_configuration_is_a_function_of_seed_trajectory_and_chain(group, extents, beta):
    sampler = Exact2D(WilsonAction(beta), SEED)
    together = sampler.configuration(group, extents, np.arange(7), 3)
    for chain in range(7):
        assert np.array_equal(sampler.configuration(group, extents, np.array([chain]), 3), together[chain : chain + 1])
    lattice = PackedLattice(group, extents, 7)
    for trajectory in (2, 3):
        links, info = sampler.step(lattice, None, None, trajectory)
    assert abs(lattice.gather(links) - together).max() < 1e-13  # on the group again
    assert info.accepted.all()
    assert not info.delta_h.any()
    slow = OracleLattice(group, extents, 7)
    assert abs(sampler.step(slow, None, None, 3)[0] - together).max() < 1e-13
    for other in (Exact2D(WilsonAction(beta), SEED + 1), sampler):
        moved = other.configuration(group, extents, np.arange(7), 3 + (other is sampler))
        assert abs(moved - together).max() > 0.1


@pytest.mark.parametrize(
    ("group", "beta"), [("U1", 0.0), ("SU2", 0.0), ("U2", 0.0), ("U1", 40.0), ("SU2", 40.0), ("U2", 40.0)]
)
def test_the_ends_of_the_range_of_couplings_work(group, beta):
    sampler = Exact2D(WilsonAction(beta), SEED)
    links = sampler.configuration(group, (6, 6), np.arange(100), 0)
    p = np.trace(oracle.plaquette(links, 0, 1), axis1=-2, axis2=-1).real.mean((1, 2)) / links.shape[-1]
    volume = 36
    mean = 0.0 if beta == 0 else plaquette_of_spectrum(group, beta, volume)
    assert abs(pull(p, mean)[0]) < 3


def plaquette_of_spectrum(group, beta, volume):
    """d ln Z / d beta / V by a difference of ln Z, beyond the table of `exact.loop`."""

    def log_z(b):
        scale = {"U1": lambda: ive(0, b) * np.exp(b), "SU2": lambda: 2 * ive(1, b) / b * np.exp(b)}
        scale["U2"] = lambda: exact.character_ratio(2, False, b, (0, 0)) * np.exp(b)
        z = np.array(list(exact.spectrum(group, b).values()))
        return np.log(scale[group]()) + np.log(np.sum(z**volume)) / volume

    return (log_z(beta + 1e-3) - log_z(beta - 1e-3)) / 2e-3


def test_a_large_u1_lattice_has_its_plaquette_and_susceptibility():
    """Q of 64^2 is Gaussian: Q^2 / V chi has the variance 2."""
    lattice = PackedLattice("U1", (64, 64), 48)
    links, info = Exact2D(WilsonAction(3.0), SEED).step(lattice, None, None, 0)
    assert abs(pull(info.plaquette, exact.u1_loop(3.0, 4096, 1))[0]) < 3
    ratio = charge_geometric(lattice, links) ** 2 / (4096 * exact.susceptibility("U1", 3.0, 4096))
    assert abs(ratio.mean() - 1) < 3 * np.sqrt(2 / 48)


def test_draws_invert_the_distribution_function():
    """Von Mises with kappa = 20: F(draw(u)) = u to rounding, also in its tails."""
    kappa, modes = 20.0, 60
    points = fourier.grid_size(modes)
    density = np.exp(kappa * (np.cos(2 * np.pi * np.arange(points) / points) - 1))
    u = np.array([1e-9, 1e-4, 0.1, 0.3, 0.5 - 1e-6, 0.5, 0.9, 1 - 1e-9, 1.0])
    x = fourier.draw(np.repeat(density[None], len(u), 0), modes, u)
    norm = 2 * np.pi * ive(0, kappa)
    for share, place in zip(u, x, strict=True):
        reached = quad(lambda a: np.exp(kappa * (np.cos(a) - 1)), 0, place, points=[min(place, 0.5)], epsabs=1e-14)[0]
        assert reached / norm == pytest.approx(share, abs=1e-12)


class OtherAction:
    """Not the Wilson action."""

    beta = 1.0


def test_what_has_no_exact_sampler_is_refused():
    with pytest.raises(ConfigError, match="OtherAction"):
        Exact2D(OtherAction(), SEED)
    sampler = Exact2D(WilsonAction(2.0), SEED)
    for group, extents in (("SU3", (4, 4)), ("U1", (4, 4, 4)), ("U3", (4, 4))):
        lattice = OracleLattice(group, extents, 1)
        with pytest.raises(ConfigError, match="wanted"):
            sampler.step(lattice, None, None, 0)
