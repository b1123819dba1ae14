"""Heat bath and overrelaxation for the Wilson action, one "trajectory" for many independent chains in step.

A trajectory is `heatbath` sweeps in which every link is drawn anew from its weight given its staples, then
`overrelaxation` sweeps that reflect links without a change of the action, then a return to the group by Gram-Schmidt.
Kennedy, Pendleton, PLB 156 (1985) 393; Cabibbo, Marinari, PLB 119 (1982) 387; Creutz, PRD 36 (1987) 515

Every factor of a sweep leaves exp(-S) alone exactly, so nothing is accepted or rejected: delta_h is 0 and `accepted`
true. Overrelaxation alone stays on its surface of constant action and is not ergodic, so it takes one heat bath sweep
at least.
"""

from dataclasses import dataclass

import numpy as np

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.errors import ConfigError
from gaugeflow.lattice.sweeps import LARGEST_NUMBER_OF_SWEEPS
from gaugeflow.samplers.hmc import TrajectoryInfo


@dataclass(frozen=True)
class HeatBath:
    """One trajectory of heat bath and overrelaxation sweeps.

    action           WilsonAction: a link stands once in each of its staples' plaquettes and nowhere else
    heatbath         heat bath sweeps of a trajectory, 1 .. 128
    overrelaxation   overrelaxation sweeps after them, 0 or more
    seed             key of the random numbers

    Raises           ConfigError for another action or number of sweeps
    """

    action: WilsonAction
    heatbath: int
    overrelaxation: int
    seed: int

    metropolis = False
    """Nothing is accepted or rejected: delta_h and accepted mean nothing."""

    def __post_init__(self):
        if not isinstance(self.action, WilsonAction):
            raise ConfigError(
                f"sampler heatbath: got action {type(self.action).__name__}, wanted WilsonAction: "
                "the weight of a link is known from its plaquettes alone; use action wilson, or sampler hmc"
            )
        if not 1 <= self.heatbath <= LARGEST_NUMBER_OF_SWEEPS:
            raise ConfigError(
                f"sampler heatbath: got {self.heatbath} heat bath sweeps, wanted 1 .. {LARGEST_NUMBER_OF_SWEEPS}"
                + (": overrelaxation alone is not ergodic" if self.heatbath < 1 else "; use more trajectories")
            )
        if self.overrelaxation < 0:
            raise ConfigError(f"sampler heatbath: got {self.overrelaxation} overrelaxation sweeps, wanted 0 or more")

    def step(self, lattice, links, momenta, trajectory: int, metropolis: bool = True):
        """(new links, info) of trajectory number `trajectory`; `links` stay, `momenta` and `metropolis` do nothing.

        Raises    GeometryError where an extent of the lattice is 1
        """
        new = lattice.copy(links)
        for sweep in range(self.heatbath):
            lattice.heatbath(new, self.action.beta, self.seed, trajectory, sweep)
        for _ in range(self.overrelaxation):
            lattice.overrelax(new)
        defect = float(lattice.reunitarise(new).max())
        totals = lattice.total(self.action.sums(lattice, new))
        plaquette = totals.mean(1) / (lattice.volume * lattice.n)
        return new, TrajectoryInfo(np.zeros(lattice.chains), np.ones(lattice.chains, bool), plaquette, defect)
