"""Number of integrator steps for a wanted acceptance, from a pilot chain with random streams of its own.

For an area-preserving reversible integrator <dH> = Var(dH) / 2 and P_acc = erfc(sqrt(<dH>) / 2); for order k dH scales
as n_steps^-k at fixed tau. The pilot measures Var(dH) in rounds and rescales until the prediction stands.
                                                                            Gupta, Irback, Karsch, Petersson 1990
"""

from dataclasses import dataclass, replace
from math import ceil, erfc, sqrt

import numpy as np
from scipy.special import erfcinv

from gaugeflow.errors import PhysicsError
from gaugeflow.rng import Purpose
from gaugeflow.samplers.guard import check_trajectory
from gaugeflow.samplers.start import start_links

ROUNDS = 4
LARGEST_STEPS = 10_000


@dataclass(frozen=True)
class Tuning:
    """Result of a pilot: steps, what they were expected to give, and each round's (n_steps, acceptance, Var dH)."""

    n_steps: int
    predicted_acceptance: float
    rounds: tuple[tuple[int, float, float], ...]


def steps_for(acceptance: float, variance: float, n_steps: int, order: int) -> int:
    """Smallest number of steps whose predicted acceptance reaches `acceptance`, given Var(dH) at `n_steps`."""
    wanted = 2 * (2 * erfcinv(acceptance)) ** 2
    return max(1, ceil(n_steps * (variance / wanted) ** (1 / (2 * order)) - 1e-9))


def tune_steps(lattice, hmc, start: str, target: float, trajectories: int, guess: int) -> Tuning:
    """Tune `hmc.n_steps` on a pilot of `trajectories` trajectories a round.

    The first half of round one thermalises without accept or reject.

    PhysicsError if no number of steps up to 10 000 would do
    """
    hmc = replace(hmc, momenta_purpose=Purpose.PILOT_MOMENTA, accept_purpose=Purpose.PILOT_ACCEPT, n_steps=guess)
    links = start_links(lattice, start, hmc.seed, Purpose.PILOT_START)
    momenta, trajectory, rounds = lattice.new_momenta(), 0, []
    for _ in range(ROUNDS):
        delta_h, accepted = [], []
        for _ in range(trajectories):
            settled = trajectory >= trajectories // 2
            links, info = hmc.step(lattice, links, momenta, trajectory, metropolis=settled)
            check_trajectory(info, trajectory, lattice.precision)
            trajectory += 1
            delta_h.append(info.delta_h)
            accepted.append(info.accepted)
        variance = float(np.mean(np.array(delta_h[len(delta_h) // 2 :]) ** 2))
        rounds.append((hmc.n_steps, float(np.mean(accepted[len(accepted) // 2 :])), variance))
        steps = steps_for(target, variance, hmc.n_steps, hmc.splitting.order)
        if steps > LARGEST_STEPS:
            raise PhysicsError(f"pilot: acceptance {target} would need {steps} steps; shorten tau or ask for less")
        if steps == hmc.n_steps and len(rounds) > 1:
            break
        hmc = replace(hmc, n_steps=steps)
    scaled = variance * (rounds[-1][0] / hmc.n_steps) ** (2 * hmc.splitting.order)
    return Tuning(hmc.n_steps, erfc(sqrt(scaled / 2) / 2), tuple(rounds))
