"""Number of integrator steps for a wanted acceptance, from a pilot chain with random streams of its own.

For an area-preserving reversible integrator <dH> = Var(dH) / 2 and P_acc = erfc(sqrt(<dH>) / 2); for order k dH scales
as n_steps^-k at fixed tau. The pilot measures Var(dH) in rounds and rescales until the prediction stands. Large steps
leave that law before they leave the wanted acceptance (the more so at order 4), so a round at most halves the number of
steps, and between a number that failed and one that passed the search goes on by bisection.
                                                                            Gupta, Irback, Karsch, Petersson 1990
"""

from dataclasses import dataclass, replace
from math import ceil, erfc, inf, isqrt, sqrt

import numpy as np
from scipy.special import erfcinv

from gaugeflow.errors import PhysicsError
from gaugeflow.rng import Purpose
from gaugeflow.samplers.guard import check_trajectory
from gaugeflow.samplers.start import start_links

ROUNDS = 8
LARGEST_STEPS = 10_000


@dataclass(frozen=True)
class Tuning:
    """Result of a pilot: steps, what they were expected to give, and each round's (n_steps, acceptance, Var dH)."""

    n_steps: int
    predicted_acceptance: float
    rounds: tuple[tuple[int, float, float], ...]


def steps_for(acceptance: float, variance: float, n_steps: int, order: int) -> int:
    """Smallest number of steps whose predicted acceptance reaches `acceptance`, given Var(dH) at `n_steps`."""
    return max(1, ceil(n_steps * (variance / wanted_variance(acceptance)) ** (1 / (2 * order)) - 1e-9))


def wanted_variance(acceptance: float) -> float:
    """Var(dH) at which P_acc = erfc(sqrt(Var(dH) / 2) / 2) is `acceptance`."""
    return float(2 * (2 * erfcinv(acceptance)) ** 2)


def next_steps(acceptance: float, measured: list[tuple[int, float]], order: int) -> int:
    """Number of steps to try next, or the answer if it is among those of `measured` after the first.

    measured   (n_steps, Var dH) of every round; the first may not be in equilibrium and bounds nothing
    """
    n_steps, variance = measured[-1]
    steps = max(steps_for(acceptance, variance, n_steps, order), ceil(n_steps / 2))
    limit = wanted_variance(acceptance)
    low = max((n for n, v in measured[1:] if v > limit), default=0)
    high = min((n for n, v in measured[1:] if v <= limit), default=inf)
    if low < steps <= high:
        return steps
    if high == inf:
        return low + 1
    if high - low <= 1:
        return int(max(low, high))
    return min(max(isqrt(low * int(high)), low + 1), int(high) - 1)


def tune_steps(lattice, hmc, start: str, target: float, trajectories: int, guess: int) -> Tuning:
    """Tune `hmc.n_steps` on a pilot of `trajectories` trajectories a round.

    The first half of round one thermalises without accept or reject.

    PhysicsError if no number of steps up to 10 000 would do
    """
    hmc = replace(hmc, momenta_purpose=Purpose.PILOT_MOMENTA, accept_purpose=Purpose.PILOT_ACCEPT, n_steps=guess)
    links = start_links(lattice, start, hmc.seed, Purpose.PILOT_START)
    momenta, trajectory, rounds = lattice.new_momenta(), 0, []
    order, measured = hmc.splitting.order, []
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
        measured.append((hmc.n_steps, variance))
        steps = next_steps(target, measured, order)
        if steps > LARGEST_STEPS:
            raise PhysicsError(f"pilot: acceptance {target} would need {steps} steps; shorten tau or ask for less")
        hmc = replace(hmc, n_steps=steps)
        if steps in dict(measured[1:]):
            break
    else:
        passed = [n for n, v in measured[1:] if v <= wanted_variance(target)]
        hmc = replace(hmc, n_steps=min(passed, default=hmc.n_steps))
    last, variance = (hmc.n_steps, dict(measured)[hmc.n_steps]) if hmc.n_steps in dict(measured) else measured[-1]
    scaled = variance * (last / hmc.n_steps) ** (2 * order)
    return Tuning(hmc.n_steps, erfc(sqrt(scaled / 2) / 2), tuple(rounds))
