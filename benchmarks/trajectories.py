"""Whole HMC trajectories and flow steps: seconds, link updates per second, trajectories per core-hour, memory per site.

python benchmarks/trajectories.py        record in benchmarks/results/<processor>/trajectories.json

A trajectory has tau = 1 and the number of omf2 steps stated, which keeps the acceptance as the volume grows (as its
fourth root); it holds the momenta, both energies, the copy of the links, accept or reject, and reunitarisation. One
omf2 step has two forces and two link updates. A link update is one link with its force: links x forces / seconds.
Times are the thread's CPU time on one core. Memory is that of all arrays, per site and in units of links + momenta:
held by lattice, links and momenta between trajectories, and at the peak of planning and of a trajectory.
"""

import math
import time
import tracemalloc

import store

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.flow.gradient_flow import rk3_step
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import OMF2
from gaugeflow.samplers.start import start_links

TAU, BETA, SEED, FLOW_STEP = 1.0, 6.0, 1, 0.01
CASES = (
    ("U1", (16, 16), 1024, 10, "float64", 3),
    ("SU2", (16, 16), 256, 10, "float64", 3),
    ("SU2", (16, 16, 16, 16), 1, 12, "float64", 3),
    ("SU3", (8, 8, 8, 8), 1, 6, "float64", 3),
    ("SU3", (16, 16, 16, 16), 1, 12, "float64", 3),
    ("SU3", (16, 16, 16, 16), 1, 12, "float32", 3),
    ("SU3", (32, 32, 32, 32), 1, 24, "float64", 1),
)
"""Group, extents (x, ..., t), chains, steps of a trajectory, precision, repeats; rising memory."""

QUICK = (("U1", (4, 4), 2, 1, "float64", 1), ("SU3", (2, 2, 2, 4), 1, 1, "float64", 1))


def measure(group: str, extents, chains: int, n_steps: int, precision: str, repeats: int) -> dict:
    """Record of one case."""
    lattice = PackedLattice(group, extents, chains, precision=precision)
    hmc = HMC(WilsonAction(BETA), OMF2, TAU, n_steps, SEED)
    links, momenta = start_links(lattice, "cold", SEED), lattice.new_momenta()
    rk3_step(lattice, links, momenta, 0.0)  # every kernel is loaded and every page touched before time is taken
    times, flow_times = [], []
    for number in range(repeats):
        start = time.thread_time()
        links, _ = hmc.step(lattice, links, momenta, number)
        times.append(time.thread_time() - start)
    for _ in range(repeats):
        start = time.thread_time()
        rk3_step(lattice, links, momenta, FLOW_STEP)
        flow_times.append(time.thread_time() - start)
    sites, n = chains * math.prod(extents), lattice.n
    fields = sites * len(extents) * 3 * n * n * links.itemsize
    held, peak = memory(group, extents, chains, precision)
    seconds, forces = min(times), 2 * n_steps + 1
    return {
        "group": group,
        "extents": list(extents),
        "chains": chains,
        "precision": precision,
        "tau": TAU,
        "integrator": OMF2.name,
        "n_steps": n_steps,
        "seconds": seconds,
        "ns_per_site_and_step": seconds / sites / n_steps * 1e9,
        "flow_step_ns_per_site": min(flow_times) / sites * 1e9,
        "link_updates_per_second": forces * sites * len(extents) / seconds,
        "trajectories_per_core_hour": chains * 3600 / seconds,
        "bytes_per_site": held / sites,
        "held_fields": held / fields,
        "peak_fields": peak / fields,
    }


def memory(group: str, extents, chains: int, precision: str) -> tuple[int, int]:
    """Bytes of (what stays, the peak) of a lattice, its links and momenta and one trajectory."""
    tracemalloc.start()
    lattice = PackedLattice(group, extents, chains, precision=precision)
    links, momenta = start_links(lattice, "cold", SEED), lattice.new_momenta()
    links, _ = HMC(WilsonAction(BETA), OMF2, 0.1, 1, SEED).step(lattice, links, momenta, 0)
    found = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return found


def main() -> None:
    """Print one line per case."""
    options = store.parser(__doc__).parse_args()
    rows = []
    titles = [
        "steps",
        "s/trajectory",
        "ns/site/step",
        "flow-step",
        "Mlinks/s",
        "traj/core-hour",
        "B/site",
        "held",
        "peak",
    ]
    print(f"{'lattice':30}", *(f"{title:>14}" for title in titles))
    for case in QUICK if options.quick else CASES:
        row = measure(*case)
        rows.append(row)
        name = f"{row['group']} {store.volume_text(row['extents'])} x {row['chains']} {row['precision']}"
        numbers = (
            row["n_steps"], row["seconds"], row["ns_per_site_and_step"], row["flow_step_ns_per_site"],
            row["link_updates_per_second"] / 1e6, row["trajectories_per_core_hour"], row["bytes_per_site"],
            row["held_fields"], row["peak_fields"],
        )  # fmt: skip
        print(f"{name:30}", *(f"{number:14.4g}" for number in numbers), flush=True)
    store.write(options.out, "trajectories", {"rows": rows})


if __name__ == "__main__":
    main()
