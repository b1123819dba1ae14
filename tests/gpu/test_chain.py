"""On a card: chains and flow are those of the CPU within rounding."""

import numpy as np
import pytest
from laws import SEED

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.flow.gradient_flow import gradient_flow
from gaugeflow.kernels.devices.cuda import count_devices
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import OMF2
from gaugeflow.samplers.start import start_links

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not count_devices(), reason="no CUDA device on this machine"),
]
CASES = [("SU3", (8, 8, 8, 8), 1), ("SU2", (8, 8), 64), ("U1", (8, 8), 64), ("SU3", (4, 4, 4, 4), 16)]


def chain(device, group, extents, chains, trajectories):
    """Links and dH after some trajectories, flowed links and a snapshot taken before the last trajectory."""
    lattice = PackedLattice(group, extents, chains, device=device, width=8)
    links, momenta = start_links(lattice, "mixed", SEED), lattice.new_momenta()
    hmc, energies = HMC(WilsonAction(2.0), OMF2, 1.0, 10, SEED), []
    for number in range(trajectories):
        kept = lattice.snapshot(links)
        before = lattice.gather(links)
        links, info = hmc.step(lattice, links, momenta, number)
        energies.append(info.delta_h)
    assert np.array_equal(kept(), before)
    out = lattice.gather(links)
    for _ in gradient_flow(lattice, links, (0.1,), 0.02):
        flowed = lattice.gather(links)
    return out, np.array(energies), flowed


@pytest.mark.parametrize(("group", "extents", "chains"), CASES)
def test_ten_trajectories_on_the_card_are_those_of_the_cpu_within_rounding(group, extents, chains):
    links, energies, flowed = chain("cuda", group, extents, chains, 10)
    wanted = chain("cpu", group, extents, chains, 10)
    assert abs(links - wanted[0]).max() < 1e-10
    assert abs(energies - wanted[1]).max() < 1e-8
    assert abs(flowed - wanted[2]).max() < 1e-10
