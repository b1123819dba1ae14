"""Cost of every integrator at acceptance 0.8: forces and seconds per unit of MD time, and the factors over leapfrog.

python benchmarks/integrators.py        record in benchmarks/results/<processor>/integrators.json

From an equilibrated SU(3) chain the variance of dH is measured for trajectories of tau = 1 with n - 1 and n steps, n
the smallest number whose acceptance erfc(sqrt(Var dH / 2) / 2) is at least 0.8. Between the two Var dH is taken as a
power of the number of steps, which gives the (real) number of steps at 0.8 exactly. Seconds are the thread's CPU time.
"""

import math
import time

import numpy as np
import store

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import INTEGRATORS, OMF2
from gaugeflow.samplers.start import start_links
from gaugeflow.samplers.tuning import next_steps, wanted_variance

ACCEPTANCE, TAU, SEED, FIRST = 0.8, 1.0, 20261124, 12
EXTENTS, CHAINS, BETAS = (8, 8, 8, 8), 4, (5.7, 6.0)
THERMALISATION, TRAJECTORIES = 40, 30
QUICK = {"extents": (2, 2, 2, 4), "chains": 4, "betas": (5.7,), "thermalisation": 5, "trajectories": 10}


class Trajectories:
    """Trajectories of one lattice in equilibrium, with any integrator."""

    def __init__(self, extents, chains, beta, thermalisation, trajectories):
        self.lattice, self.action = PackedLattice("SU3", extents, chains), WilsonAction(beta)
        self.momenta, self.trajectories, self.number = self.lattice.new_momenta(), trajectories, 0
        self.links = start_links(self.lattice, "hot", SEED)
        for _ in range(thermalisation):
            self._step(OMF2, FIRST)

    def _step(self, splitting, n_steps):
        hmc = HMC(self.action, splitting, TAU, n_steps, SEED)
        self.links, info = hmc.step(self.lattice, self.links, self.momenta, self.number)
        self.number += 1
        return info

    def measure(self, splitting, n_steps) -> dict:
        """Var dH, acceptance and plaquette of trajectories with this many steps; rejected ones count."""
        infos = [self._step(splitting, n_steps) for _ in range(self.trajectories)]
        return {
            "n_steps": n_steps,
            "variance": float(np.var([info.delta_h for info in infos])),
            "acceptance": float(np.mean([info.accepted for info in infos])),
            "plaquette": float(np.mean([info.plaquette for info in infos])),
        }

    def seconds(self, splitting, n_steps) -> float:
        """Least CPU time of an integration, of several, per chain."""
        hmc, times = HMC(self.action, splitting, TAU, n_steps, SEED), []
        for _ in range(5):
            links = self.lattice.copy(self.links)
            self.lattice.refresh(self.momenta, SEED, hmc.momenta_purpose, self.number)
            start = time.thread_time()
            hmc.integrate(self.lattice, links, self.momenta)
            times.append(time.thread_time() - start)
        return min(times) / self.lattice.chains


def steps_at(acceptance, below, above, order) -> float:
    """Real number of steps at this acceptance from two measurements; by the scaling law where there is only one."""
    wanted = wanted_variance(acceptance)
    if below is None:
        return above["n_steps"] * min(1.0, above["variance"] / wanted) ** (1 / (2 * order))
    n = math.log(above["n_steps"] / below["n_steps"])
    share = math.log(below["variance"] / wanted) / math.log(below["variance"] / above["variance"])
    return below["n_steps"] * math.exp(n * share)


def cost(trajectories: Trajectories, splitting) -> dict:
    """Record of one integrator."""
    found, steps = {}, FIRST
    while steps not in found:
        found[steps] = trajectories.measure(splitting, steps)
        measured = [(n, row["variance"]) for n, row in found.items()]
        steps = next_steps(ACCEPTANCE, [measured[0], *measured], splitting.order)  # all in equilibrium: all bound
    if steps > 1 and steps - 1 not in found:
        found[steps - 1] = trajectories.measure(splitting, steps - 1)
    exact = steps_at(ACCEPTANCE, found.get(steps - 1), found[steps], splitting.order)
    return {
        "integrator": splitting.name,
        "order": splitting.order,
        "measured": [found[n] for n in sorted(found)],
        "n_steps": exact,
        "forces": (splitting.forces_per_step * exact + 1) / TAU,
        "seconds": trajectories.seconds(splitting, steps) * exact / steps / TAU,
    }


def main() -> None:
    """Print one line per coupling and integrator."""
    options = store.parser(__doc__).parse_args()
    setting = {"extents": EXTENTS, "chains": CHAINS, "betas": BETAS, "thermalisation": THERMALISATION,
               "trajectories": TRAJECTORIES}  # fmt: skip
    setting |= QUICK if options.quick else {}
    betas, rows = setting.pop("betas"), []
    for beta in betas:
        trajectories = Trajectories(beta=beta, **setting)
        found = [cost(trajectories, splitting) for splitting in INTEGRATORS.values()]
        for row in found:
            forces, seconds = found[0]["forces"] / row["forces"], found[0]["seconds"] / row["seconds"]
            row |= {"group": "SU3", "extents": setting["extents"], "beta": beta, "tau": TAU, "target": ACCEPTANCE}
            row |= {"fewer_forces": forces, "faster": seconds}
            name = f"SU3 {store.volume_text(setting['extents'])} beta {beta} {row['integrator']:14}"
            print(
                f"{name} {row['n_steps']:6.2f} steps "
                f"{row['forces']:6.1f} forces {row['seconds'] * 1e3:8.3f} ms per unit trajectory: "
                f"{forces:.2f} x fewer forces, {seconds:.2f} x faster than leapfrog",
                flush=True,
            )
        rows += found
    store.write(options.out, "integrators", {"rows": rows})


if __name__ == "__main__":
    main()
