"""Weak and strong scaling over MPI ranks, and threads of one rank: leapfrog steps of SU(3), 16^4 per rank or in all.

python benchmarks/rank_scaling.py [--ranks 1,2,4]      record in benchmarks/results/<processor>/rank_scaling.json

Speed-up is sites per second against one rank. Beside it stands what the cores' memory gives: the bandwidth of that many
threads on arrays as large as the fields over that of one, in the same run. Halo time is wall time inside the exchange,
packing and waiting included, averaged over ranks. Worlds with more ranks than cores are marked.
"""

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import store

GROUP, EXTENT, STEPS, REPEATS = "SU3", 16, 10, 5
EXCHANGES = ("begin", "finish")
"""Methods of `lattice.halo` that are timed."""


def extents_of(mode: str, ranks: int, extent: int) -> tuple[int, ...]:
    """(x, y, z, t) of the whole lattice: t grows with the ranks where the lattice of one rank stays."""
    return (extent, extent, extent, extent * (ranks if mode == "weak" else 1))


def work(mode: str, workers: int, extent: int, steps: int, repeats: int) -> None:
    """One rank: time leapfrog steps and print a JSON line on rank 0."""
    import numpy as np

    from gaugeflow.cli.timings import operations
    from gaugeflow.lattice.communicator import world
    from gaugeflow.lattice.packed import PackedLattice

    ranks = 1 if mode == "threads" else workers
    comm = world(ranks)
    threads = workers if mode == "threads" else 1
    lattice = PackedLattice(GROUP, extents_of(mode, workers, extent), 1, comm=comm, threads=threads)
    halo = timed_exchange(lattice.halo)
    step = operations(lattice)["leapfrog"]
    step()
    samples = []
    for _ in range(repeats):
        comm.any(False)  # all ranks start together
        halo.clear()
        start = time.perf_counter()
        for _ in range(steps):
            step()
        comm.any(False)
        samples.append((time.perf_counter() - start, sum(halo)))
    wall, inside = min(samples)
    inside = comm.sum_integers(np.array([int(inside * 1e9)], np.int64))[0] / 1e9 / ranks
    if comm.rank == 0:
        print(json.dumps({"seconds": wall / steps, "halo_seconds": inside / steps, "grid": list(lattice.grid)}))


def timed_exchange(halo) -> list[float]:
    """List that receives the seconds of every exchange from now on."""
    found: list[float] = []

    def timed(call):
        def exchange(*arguments):
            start = time.perf_counter()
            out = call(*arguments)
            found.append(time.perf_counter() - start)
            return out

        return exchange

    for name in EXCHANGES:
        setattr(halo, name, timed(getattr(halo, name)))
    return found


def run(mode: str, ranks: int, extent: int, steps: int, repeats: int) -> dict:
    """Numbers of one world."""
    line = [sys.executable, __file__, "--worker", mode, str(ranks), str(extent), str(steps), str(repeats)]
    if ranks > 1 and mode != "threads":
        line = [str(Path(sys.executable).with_name("mpiexec")), "-n", str(ranks), *line]
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(line)}\n{done.stderr}")
    return json.loads(done.stdout)


def bandwidth_gain(workers: int, extent: int) -> float:
    """Bandwidth of that many threads over that of one, on arrays as large as a rank's fields."""
    from gaugeflow.kernels.limits import measure_streams

    bytes_per_rank = 16 * 9 * 4 * extent**4 // 2  # links and momenta as three arrays
    return max(measure_streams(bytes_per_rank, workers)) / max(measure_streams(bytes_per_rank, 1))


def main() -> None:
    """Print one line per world."""
    if sys.argv[1:2] == ["--worker"]:
        return work(sys.argv[2], *map(int, sys.argv[3:]))
    parser = store.parser(__doc__)
    parser.add_argument("--ranks", default="1,2,4", help="numbers of ranks, the first is what others are compared with")
    options = parser.parse_args()
    extent, steps, repeats = (4, 2, 1) if options.quick else (EXTENT, STEPS, REPEATS)
    cores, worlds, rows = len(os.sched_getaffinity(0)), [int(r) for r in options.ranks.split(",")], []
    gain = {ranks: bandwidth_gain(ranks, extent) for ranks in worlds if ranks <= cores}
    print("mode    count  lattice            ns/site  speed-up  efficiency  bandwidth's  halo us  halo share")
    for mode in ("weak", "strong", "threads"):
        for ranks in worlds:
            row = {"mode": mode, "ranks": ranks, **run(mode, ranks, extent, steps, repeats)}
            sites = math.prod(extents_of(mode, ranks, extent))
            row |= {"extents": extents_of(mode, ranks, extent), "oversubscribed": ranks > cores}
            row["ns"] = row["seconds"] / sites * 1e9
            first = next((r for r in rows if r["mode"] == mode), row)
            row["speedup"] = first["ns"] / row["ns"]
            row["efficiency"] = row["speedup"] * worlds[0] / ranks
            row["bandwidth_speedup"] = gain.get(ranks)
            row["halo_share"] = row["halo_seconds"] / row["seconds"]
            rows.append(row)
            beside = f"{row['bandwidth_speedup']:11.2f}" if ranks in gain else f"{'-':>11}"
            print(
                f"{mode:7} {ranks:5}  {store.volume_text(row['extents']):16} {row['ns']:9.1f} {row['speedup']:9.2f} "
                f"{row['efficiency']:11.2f} {beside} {row['halo_seconds'] * 1e6:8.0f} {row['halo_share']:11.3f}"
                + (f"   oversubscribed: {cores} cores" if row["oversubscribed"] else ""),
                flush=True,
            )
    store.write(options.out, "rank_scaling", {"group": GROUP, "operation": "leapfrog", "rows": rows})
    return None


if __name__ == "__main__":
    main()
