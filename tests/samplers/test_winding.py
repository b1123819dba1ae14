"""Winding updates: they move the charge by one and back, keep the exact distribution, and thaw what HMC freezes."""

from dataclasses import dataclass

import exact
import numpy as np
import pytest
from laws import SEED, case_name, gauge_transform, pull, random_rotations
from samplers.test_hmc import run

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.errors import ConfigError
from gaugeflow.kernels.targets import oracle
from gaugeflow.lattice.oracle import OracleLattice
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.topology import charge_geometric
from gaugeflow.samplers.exact_2d import Exact2D
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import OMF2
from gaugeflow.samplers.start import start_links
from gaugeflow.samplers.winding import Winding

LATTICES = [("U1", (8, 8), 9.0), ("U1", (5, 3), 2.0), ("U2", (6, 8), 8.0), ("U2", (3, 5), 4.0), ("U3", (4, 3), 9.0)]


@dataclass(frozen=True)
class WrongRatio(Winding):
    """Accepts with exp(-dS / 2)."""

    def accept(self, delta, trajectory, number):
        """Decisions with half of dS."""
        return super().accept(0.5 * delta, trajectory, number)


def exact_start(group, extents, beta, chains, trajectory=0):
    lattice, action = PackedLattice(group, extents, chains), WilsonAction(beta)
    if group in ("U1", "U2"):
        return lattice, action, Exact2D(action, SEED).step(lattice, None, None, trajectory)[0]
    return lattice, action, lattice.hot(SEED, 1)


@pytest.mark.parametrize(("group", "extents", "beta"), LATTICES, ids=case_name)
def test_a_proposal_inserts_one_flux_quantum_in_every_plaquette_and_its_inverse_takes_it_out(group, extents, beta):
    lattice, action, links = exact_start(group, extents, beta, 6)
    winding, up = Winding(None, action, 1, SEED), np.array([True, False] * 3)
    proposal = winding.propose(lattice, links, up)
    before, after = (oracle.plaquette(lattice.gather(u), 0, 1) for u in (links, proposal))
    turn = np.exp(2j * np.pi / lattice.volume * np.where(up, 1, -1))[:, None, None]
    assert abs(np.linalg.det(after) - np.linalg.det(before) * turn).max() < 1e-12
    back = winding.propose(lattice, proposal, ~up)
    assert abs(lattice.gather(back) - lattice.gather(links)).max() < 1e-11
    defect = oracle.dagger(lattice.gather(proposal)) @ lattice.gather(proposal) - np.eye(lattice.n)
    assert abs(defect).max() < 1e-12


def test_a_winding_lattice_of_ones_has_constant_field_strength_and_charge_one():
    for group in ("U1", "U2", "U3"):
        lattice, action = PackedLattice(group, (6, 5), 4), WilsonAction(8.0)
        up = np.array([True, False, True, False])
        proposal = Winding(None, action, 1, SEED).propose(lattice, lattice.cold(), up)
        assert np.array_equal(charge_geometric(lattice, proposal), np.where(up, 1, -1))
        wanted = 8.0 / lattice.n * 30 * (1 - np.cos(2 * np.pi / 30))
        assert np.allclose(action(lattice, proposal), wanted, rtol=1e-12)


def test_the_action_of_a_proposal_does_not_depend_on_the_gauge():
    """Rotations of all sites but the origin, whose frame is where D is diagonal; turned there, D is another."""
    lattice, action, links = exact_start("U2", (5, 4), 8.0, 4)
    slow = OracleLattice("U2", (5, 4), 4)
    rotations = random_rotations(slow)
    elsewhere = rotations.copy()
    elsewhere[:, 0, 0] = np.eye(2)
    fields = [links, *(lattice.scatter(gauge_transform(lattice.gather(links), g)) for g in (elsewhere, rotations))]
    winding, up = Winding(None, action, 1, SEED), np.ones(4, bool)
    changes = [action(lattice, winding.propose(lattice, u, up)) - action(lattice, u) for u in fields]
    assert abs(changes[1] - changes[0]).max() < 1e-11
    assert abs(changes[2] - changes[0]).min() > 1e-3


BALANCE = [("U1", (8, 8), 3.0), ("U2", (6, 6), 6.0)]


@pytest.mark.parametrize(("group", "extents", "beta"), BALANCE, ids=case_name)
def test_detailed_balance_from_exact_samples_and_with_a_wrong_ratio_it_fails(group, extents, beta):
    """From the exact ensemble as many go away from Q = 0 as come nearer, and <exp(-dS)> = 1."""

    def flows(kind):
        net, rates, boltzmann = [], [], []
        for trajectory in range(2):
            lattice, action, links = exact_start(group, extents, beta, 1024, trajectory)
            winding = kind(None, action, 1, SEED)
            new, accepted, delta = winding.update(lattice, links, trajectory, 0)
            size = np.abs(charge_geometric(lattice, new)) - np.abs(charge_geometric(lattice, links))
            net.append(np.where(accepted, size, 0))
            rates.append(accepted)
            boltzmann.append(np.exp(-delta))
        return np.concatenate(net), np.mean(rates), np.concatenate(boltzmann)

    net, rate, boltzmann = flows(Winding)
    assert 0.4 < rate < 0.8
    assert abs(pull(net, 0.0)[0]) < 3
    assert abs(pull(boltzmann, 1.0)[0]) < 3
    assert abs(pull(flows(WrongRatio)[0], 0.0)[0]) > 4


@pytest.mark.parametrize(("group", "extents", "beta"), BALANCE, ids=case_name)
def test_winding_updates_alone_keep_the_exact_ensemble(group, extents, beta):
    volume = extents[0] * extents[1]

    def after_updates(kind):
        lattice, action, links = exact_start(group, extents, beta, 1024)
        winding = kind(Exact2D(action, SEED), action, 3, SEED)
        links, info = winding.step(lattice, links, None, 0)
        return info.plaquette, charge_geometric(lattice, links) ** 2 / volume

    plaquette, chi = after_updates(Winding)
    assert abs(pull(plaquette, exact.loop(group, beta, volume, 1))[0]) < 3
    assert abs(pull(chi, exact.susceptibility(group, beta, volume))[0]) < 3
    assert abs(pull(after_updates(WrongRatio)[1], exact.susceptibility(group, beta, volume))[0]) > 4


@pytest.mark.parametrize(
    ("group", "extents", "beta", "chains", "frozen"),
    [("U1", (8, 8), 7.0, 128, True), ("U1", (16, 16), 9.0, 64, True), ("U2", (8, 8), 8.0, 64, False)],
    ids=case_name,
)
def test_hmc_with_winding_has_the_exact_susceptibility_where_hmc_is_frozen(group, extents, beta, chains, frozen):
    lattice, action = PackedLattice(group, extents, chains), WilsonAction(beta)
    tau, steps = (
        (0.35, 3) if group == "U1" else (1.0, 6)
    )  # modes turn by sqrt(beta) k tau, whole half turns stand still
    hmc, volume = HMC(action, OMF2, tau, steps, SEED), extents[0] * extents[1]

    def measure(sampler, trajectories, first):
        links, charges, plaquettes = start_links(lattice, "cold", SEED), [], []
        for number in range(trajectories):
            links, infos = run(lattice, sampler, links, 1, first=number)
            if number >= first:
                charges.append(charge_geometric(lattice, links))
                plaquettes.append(infos[0].plaquette)
        moves = np.mean(np.diff(charges, axis=0) != 0)
        return np.mean(np.square(charges), 0) / volume, np.mean(plaquettes, 0), moves

    wanted = exact.susceptibility(group, beta, volume)
    chi, plaquette, moves = measure(Winding(hmc, action, 4, SEED), *((360, 160) if frozen else (160, 40)))
    distance, error = pull(chi, wanted)
    assert abs(distance) < 3
    assert error < 0.15 * wanted
    assert abs(pull(plaquette, exact.loop(group, beta, volume, 1))[0]) < 3
    assert moves > 0.25
    if frozen:
        alone, _, alone_moves = measure(hmc, 80, 20)
        assert alone_moves < 0.01
        assert np.mean(alone) < 0.2 * wanted


def test_no_winding_updates_leave_the_chain_alone_and_some_do_not_change_its_decisions():
    lattice, action = PackedLattice("U2", (4, 4), 4), WilsonAction(4.0)
    hmc, momenta = HMC(action, OMF2, 1.0, 4, SEED), lattice.new_momenta()
    plain, info = hmc.step(lattice, lattice.hot(SEED, 1), momenta, 3)
    same, same_info = Winding(hmc, action, 0, SEED).step(lattice, lattice.hot(SEED, 1), momenta, 3)
    assert np.array_equal(lattice.gather(same), lattice.gather(plain))
    assert np.array_equal(same_info.plaquette, info.plaquette)
    wound, wound_info = Winding(hmc, action, 3, SEED).step(lattice, lattice.hot(SEED, 1), momenta, 3)
    assert np.array_equal(wound_info.delta_h, info.delta_h)
    assert np.array_equal(wound_info.accepted, info.accepted)
    assert not np.array_equal(lattice.gather(wound), lattice.gather(plain))
    total = lattice.total(lattice.plaquette_sums(wound))[:, 0] / (16 * 2)
    assert np.allclose(wound_info.plaquette, total, atol=1e-13)


def test_many_updates_stay_on_the_group():
    for precision, allowed in (("float64", 1e-12), ("float32", 1e-4)):
        lattice, action = PackedLattice("U2", (8, 8), 8, precision=precision), WilsonAction(8.0)
        hmc = HMC(action, OMF2, 1.0, 6, SEED)
        links, info = Winding(hmc, action, 30, SEED).step(
            lattice, start_links(lattice, "hot", SEED), lattice.new_momenta(), 0
        )
        assert info.unitarity_defect < allowed
        whole = lattice.gather(links)
        assert abs(oracle.dagger(whole) @ whole - np.eye(2)).max() < allowed


@pytest.mark.parametrize(("group", "extents"), [("U1", (6, 4)), ("U2", (5, 4))])
def test_the_oracle_winds_the_same_chain(group, extents):
    out = []
    for lattice in (PackedLattice(group, extents, 5), OracleLattice(group, extents, 5)):
        action = WilsonAction(6.0)
        sampler = Winding(HMC(action, OMF2, 1.0, 4, SEED), action, 3, SEED)
        links, _ = run(lattice, sampler, start_links(lattice, "cold", SEED), 4)
        out.append(lattice.gather(links))
    assert abs(out[0] - out[1]).max() < 1e-10


def test_what_has_no_winding_is_refused():
    for group, extents in (("SU2", (4, 4)), ("U1", (4, 4, 4))):
        lattice, action = OracleLattice(group, extents, 1), WilsonAction(2.0)
        with pytest.raises(ConfigError, match="wanted U\\(N\\) in 2"):
            Winding(None, action, 1, SEED).step(lattice, None, None, 0)
