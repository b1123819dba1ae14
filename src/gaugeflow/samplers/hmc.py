"""Hybrid Monte Carlo, one trajectory for many independent chains in step.

Momenta are refreshed from the counter-based generator, H = p_a p_a / 2 + S is integrated for MD time tau, the end point
is accepted with probability min(1, exp(-dH)).                                     Duane et al., PLB 195 (1987) 216

Reunitarisation: after accept or reject every link is put back on the group by Gram-Schmidt; the largest change of a
matrix element is reported, so that a kernel that leaves the group is noticed.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from gaugeflow.actions.wilson import kinetic_energy
from gaugeflow.rng import Purpose, Stream
from gaugeflow.samplers.integrators import Splitting, integrate


class TrajectoryInfo(NamedTuple):
    """What a person wants to know of one trajectory; arrays over chains.

    A sampler without accept or reject (`metropolis` False) reports delta_h = 0 and accepted = True.
    """

    delta_h: np.ndarray
    accepted: np.ndarray
    plaquette: np.ndarray
    unitarity_defect: float


@dataclass(frozen=True)
class HMC:
    """One trajectory of HMC.

    action       offers sums, value, plaquette and kick
    splitting    integrator
    tau          MD time of a trajectory
    n_steps      integrator steps per trajectory
    seed         key of the random numbers
    momenta_purpose, accept_purpose   streams; a pilot chain has its own
    """

    metropolis: ClassVar[bool] = True

    action: object
    splitting: Splitting
    tau: float
    n_steps: int
    seed: int
    momenta_purpose: Purpose = Purpose.MOMENTA
    accept_purpose: Purpose = Purpose.ACCEPT

    def energy(self, lattice, links, momenta):
        """(H, plaquette) of every chain with one reduction over ranks."""
        totals = lattice.total(lattice.kinetic_sums(momenta), self.action.sums(lattice, links))
        h = kinetic_energy(lattice, totals[:, 0]) + self.action.value(lattice, totals[:, 1:])
        return h, self.action.plaquette(lattice, totals[:, 1:])

    def integrate(self, lattice, links, momenta) -> None:
        """Move links and momenta along a trajectory, in place."""
        force = lattice.new_momenta() if any(self.splitting.shifts) else None

        def kick(h, shift):
            place = links
            if shift:
                force[...] = 0.0
                self.action.kick(lattice, links, force, shift)
                place = lattice.copy(links)
                lattice.drift(place, force, 1.0)
            self.action.kick(lattice, place, momenta, h)

        def drift(h):
            lattice.drift(links, momenta, h)

        integrate(self.splitting, kick, drift, self.tau / self.n_steps, self.n_steps)

    def accept(self, delta_h, trajectory: int) -> np.ndarray:
        """Metropolis decisions; a NaN is never accepted."""
        chains = np.arange(len(delta_h))
        uniform = Stream(self.seed, self.accept_purpose).uniform(chain=chains, trajectory=trajectory)
        return uniform <= np.exp(np.minimum(-delta_h, 0.0))

    def step(self, lattice, links, momenta, trajectory: int, metropolis: bool = True):
        """(new links, info) of trajectory number `trajectory`; `momenta` are overwritten, `links` stay.

        metropolis  False accepts whatever dH is (but never a NaN): for the first trajectories of a thermalisation
        """
        lattice.refresh(momenta, self.seed, self.momenta_purpose, trajectory)
        before, plaquette_before = self.energy(lattice, links, momenta)
        proposal = lattice.copy(links)
        self.integrate(lattice, proposal, momenta)
        after, plaquette_after = self.energy(lattice, proposal, momenta)
        delta_h = after - before
        accepted = self.accept(delta_h, trajectory) if metropolis else np.isfinite(delta_h)
        lattice.select(accepted, proposal, links)
        defect = float(lattice.reunitarise(proposal).max())
        plaquette = np.where(accepted, plaquette_after, plaquette_before)
        return proposal, TrajectoryInfo(delta_h, accepted, plaquette, defect)
