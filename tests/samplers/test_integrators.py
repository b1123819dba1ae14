"""Integrators: measured order of dH, reversibility, the sign of the force gradient, life on a card; tuning of each."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from kernels.host_emulation import host_device
from laws import CASES, EXTENTS, SEED, case_name, there_and_back
from samplers.test_hmc import BETA, run

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.errors import PhysicsError
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import FORCE_GRADIENT, INTEGRATORS, LEAPFROG, OMF2, OMF4, integrate
from gaugeflow.samplers.start import start_links
from gaugeflow.samplers.tuning import next_steps, steps_for, tune_steps

WRONG_SIGN = replace(FORCE_GRADIENT, order=2, shifts=tuple(-shift for shift in FORCE_GRADIENT.shifts))


def thermal(group, extents, chains, **packing):
    lattice = PackedLattice(group, extents, chains, **packing)
    hmc = HMC(WilsonAction(BETA[group]), OMF2, 1.0, 10, SEED)
    links, _ = run(lattice, hmc, start_links(lattice, "hot", SEED), 20)
    return lattice, links


def half_variance(lattice, links, splitting, n_steps):
    """Var(dH) / 2, which is <dH>, of one trajectory of every chain from given links."""
    hmc = HMC(WilsonAction(BETA[lattice.group]), splitting, 1.0, n_steps, SEED)
    _, info = hmc.step(lattice, links, lattice.new_momenta(), 777)
    return np.var(info.delta_h) / 2


@pytest.mark.parametrize(("group", "ndim"), CASES, ids=case_name)
def test_dh_falls_with_the_order_of_the_integrator(group, ndim):
    """<dH> = Var(dH) / 2 goes as the step to twice the order: 2, 2, 4, 4, and 2 with the wrong sign of the shift."""
    lattice, links = thermal(group, EXTENTS[ndim], 16)
    assert [splitting.order for splitting in INTEGRATORS.values()] == [2, 2, 4, 4]
    size = {}
    for splitting in (*INTEGRATORS.values(), WRONG_SIGN):
        coarse, fine = (half_variance(lattice, links, splitting, n) for n in (16, 32))
        assert np.log2(coarse / fine) / 2 == pytest.approx(splitting.order, abs=0.1), splitting
        size[splitting] = fine
    assert size[OMF2] < size[LEAPFROG] / 4
    assert size[OMF4] < size[FORCE_GRADIENT] < size[WRONG_SIGN] / 1000


@pytest.mark.parametrize(("group", "ndim"), CASES, ids=case_name)
@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_trajectories_are_reversible(group, ndim, integrator):
    lattice, links = thermal(group, EXTENTS[ndim], 2)
    hmc = HMC(WilsonAction(BETA[group]), INTEGRATORS[integrator], 1.0, 8, SEED)
    moved, left = there_and_back(hmc, lattice, links)
    assert abs(lattice.gather(moved) - lattice.gather(links)).max() <= 1e-10
    assert abs(left).max() <= 1e-10


@pytest.mark.parametrize("splitting", INTEGRATORS.values(), ids=INTEGRATORS)
def test_a_table_is_a_palindrome_of_unit_length_and_counts_its_forces(splitting):
    momentum, link = splitting.coefficients[::2], splitting.coefficients[1::2]
    assert splitting.coefficients == pytest.approx(splitting.coefficients[::-1], abs=1e-15)
    assert splitting.shifts == splitting.shifts[::-1]
    assert sum(momentum) == pytest.approx(1)
    assert sum(link) == pytest.approx(1)
    forces = []
    integrate(splitting, lambda h, shift: forces.extend([h, shift][: 1 + bool(shift)]), lambda h: None, 0.1, 5)
    assert len(forces) == 5 * splitting.forces_per_step + 1


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
@pytest.mark.parametrize("integrator", ["omf4", "force_gradient"])
def test_a_trajectory_stays_on_the_card(integrator, tmp_path_factory, monkeypatch):
    """The kernels' CUDA text built for the host: the CPU's bits, and no copy to or from the host on the way."""
    results = []
    for device in ("cpu", host_device(tmp_path_factory.getbasetemp())):
        lattice = PackedLattice("U1", EXTENTS[2], 3, width=8, device=device)
        links, momenta = start_links(lattice, "hot", SEED), lattice.new_momenta()
        hmc = HMC(WilsonAction(2.0), INTEGRATORS[integrator], 1.0, 3, SEED)
        hmc.step(lattice, links, momenta, 0)
        with monkeypatch.context() as patch:
            if device != "cpu":
                for name in ("to_host", "to_device"):
                    patch.setattr(lattice.device.driver, name, lambda *_: pytest.fail("a copy between host and card"))
            hmc.integrate(lattice, links, momenta)
        results.append(lattice.gather(links))
    assert results[0].tobytes() == results[1].tobytes()


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_tuned_steps_reach_the_asked_acceptance(integrator):
    lattice = PackedLattice("SU2", (8, 8), 32)
    hmc = HMC(WilsonAction(4.0), INTEGRATORS[integrator], 2.0, 10, SEED)
    tuning = tune_steps(lattice, hmc, "cold", 0.8, 40, 10)
    links, _ = run(lattice, replace(hmc, n_steps=tuning.n_steps), start_links(lattice, "hot", SEED), 40)

    def acceptance(n_steps):
        _, infos = run(lattice, replace(hmc, n_steps=n_steps), links, 60, first=40)
        return np.mean([i.accepted for i in infos])

    assert acceptance(tuning.n_steps) >= 0.78
    assert acceptance(tuning.n_steps) == pytest.approx(tuning.predicted_acceptance, abs=0.04)
    assert acceptance(tuning.n_steps - 1) < 0.83


def test_steps_follow_the_scaling_of_the_integrator():
    assert steps_for(0.8, 0.5, 10, 2) == steps_for(0.8, 0.5 * 16, 5, 2)
    assert steps_for(0.8, 0.5, 10, 4) == steps_for(0.8, 0.5 * 256, 5, 4)
    assert steps_for(0.9, 0.5, 10, 2) > steps_for(0.7, 0.5, 10, 2)
    lattice = PackedLattice("U1", (4, 4), 8)
    with pytest.raises(PhysicsError, match="would need"):
        tune_steps(lattice, HMC(WilsonAction(1.0), LEAPFROG, 1e5, 10, SEED), "hot", 0.99, 2, 10)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 10, 11, 40])
@pytest.mark.parametrize("order", [2, 4])
def test_the_search_finds_the_limit_even_where_the_scaling_breaks_down(limit, order):
    """dH is tiny for `limit` steps and more and explodes below, as beyond the limit of stability."""
    measured = [(10, 1e-9 if limit <= 10 else 1e6)]
    for _ in range(12):
        steps = next_steps(0.8, measured, order)
        if steps in dict(measured[1:]):
            break
        measured.append((steps, 1e-9 if steps >= limit else 1e6))
    assert steps == limit
