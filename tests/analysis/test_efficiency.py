"""Cost of samplers: evaluations are those that the samplers make, and the table has what it says."""

from types import SimpleNamespace

import pytest
from autoregressive import ar1

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.analysis.efficiency import evaluations, sampler_table
from gaugeflow.config.samplers import HeatbathSampler, HmcSampler, LangevinSampler, MalaSampler
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.rng import Purpose
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import INTEGRATORS
from gaugeflow.samplers.langevin import Langevin, mala
from gaugeflow.stats.jackknife import jackknife


class Counted(WilsonAction):
    """Counts its forces."""

    calls = 0

    def kick(self, lattice, links, momenta, eps):
        Counted.calls += 1
        super().kick(lattice, links, momenta, eps)


def forces_of(sampler):
    lattice = PackedLattice("U1", (4, 4), 8)
    Counted.calls = 0
    sampler.step(lattice, lattice.hot(1, Purpose.START), lattice.new_momenta(), 0)
    return Counted.calls


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_evaluations_of_hmc_are_the_forces_it_computes(integrator):
    settings = HmcSampler(kind="hmc", integrator=integrator, tau=1.0, n_steps=3)
    made = forces_of(HMC(Counted(1.0), INTEGRATORS[integrator], 1.0, 3, 1))
    assert evaluations(settings) == (made, "forces")


def test_evaluations_of_langevin_and_mala_are_the_forces_they_compute():
    assert evaluations(LangevinSampler(kind="langevin", step=0.1))[0] == forces_of(Langevin(Counted(1.0), 0.1, 1))
    assert evaluations(MalaSampler(kind="mala", step=0.1))[0] == forces_of(mala(Counted(1.0), 0.1, 1))


def test_the_table_counts_in_updates():
    """Saved after every third update: tau_int and cost are three times those per measurement."""
    sampler = HeatbathSampler(kind="heatbath", heatbath=1, overrelaxation=3)
    spec = SimpleNamespace(sampler=sampler, save_every=3)
    estimate = jackknife(ar1(0.8, 4000, 4, 11), key="chain")
    table = sampler_table({"a": SimpleNamespace(foreign=False, spec=spec)}, {"x": {"a": estimate}, "y": {}})
    [[label, text, work, tau, cost, *absent]] = table.rows
    assert (label, text, work) == ("a", sampler.text, "4 sweeps")
    assert float(tau.partition("(")[0]) == pytest.approx(3 * estimate.tau_int, rel=0.1)
    assert float(cost.partition("(")[0]) == pytest.approx(8 * 3 * estimate.tau_int, rel=0.1)
    assert 3 * 4.0 < 3 * estimate.tau_int < 3 * 5.0, "exact: (1 + rho) / (1 - rho) / 2 = 4.5"
    assert absent == ["", ""]
