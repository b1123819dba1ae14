"""Cores that this process may use, and the refusal to put more threads on a node than it gives."""

import os
from collections.abc import Iterable
from pathlib import Path

from gaugeflow.errors import ConfigError

CGROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")


def affinity() -> frozenset[int]:
    """Numbers of the cores that the scheduler may run this process on."""
    return frozenset(os.sched_getaffinity(0))


def quota(groups: Path = OWN_GROUPS, root: Path = CGROUPS) -> float | None:
    """Cores' worth of time that the control groups of this process allow, the least of all levels; None: no limit."""
    found = []
    for line in groups.read_text().splitlines() if groups.exists() else ():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root if not controllers else root / controllers
        folder = base / path.lstrip("/")
        for level in (folder, *(p for p in folder.parents if p == base or base in p.parents)):
            found += _limit(level)
    return min(found, default=None)


def _limit(folder: Path) -> list[float]:
    """Cores of one control group: cpu.max (version 2) or the pair of cpu.cfs files (version 1)."""
    if (folder / "cpu.max").exists():
        words = (folder / "cpu.max").read_text().split()
    elif (folder / "cpu.cfs_quota_us").exists():
        words = [(folder / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period")]
    else:
        return []
    return [] if words[0] in ("max", "-1") else [int(words[0]) / int(words[1])]


def cores_text(cores: Iterable[int]) -> str:
    """{0, 1, 2, 5} -> "0-2,5"."""
    runs: list[list[int]] = []
    for core in sorted(cores):
        if runs and runs[-1][-1] == core - 1:
            runs[-1][1:] = [core]
        else:
            runs.append([core])
    return ",".join("-".join(map(str, run)) for run in runs)


def check_cores(comm, threads: int) -> None:
    """Refuse more threads than cores, on every rank alike.

    comm      ranks of this job; those that share memory are on one node
    threads   of each rank

    Raises    ConfigError if the threads of a node's ranks are more than the cores that affinity and quota give them
              together, or if one rank has more threads than the cores it is bound to
    """
    own = affinity()
    ranks = comm.on_node(own)
    message = comm.first(excess(threads, own, ranks, quota()))
    if message is not None:
        raise ConfigError(message)


def excess(threads: int, own: frozenset[int], ranks: list[frozenset[int]], limit: float | None) -> str | None:
    """What is wrong with `threads` on a rank bound to `own`, on a node whose ranks are bound to `ranks`; or None."""
    together = frozenset().union(*ranks)
    cores = len(together) if limit is None else max(1, min(len(together), int(limit)))
    count, wanted = len(ranks), threads * len(ranks)
    given = f"cores {cores_text(together)}" + ("" if limit is None else f", a quota of {limit:g} cores")
    slow = "or --oversubscribe to run slowly on purpose"
    if wanted > cores:
        advice = f"--threads {cores // count}" if count <= cores else f"--threads 1 on at most {cores} ranks per node"
        return (
            f"--threads: {threads} threads x {count} ranks on this node = {wanted}, wanted at most {cores} ({given}); "
            f"use {advice}, {slow}"
        )
    if threads > len(own):
        return (
            f"--threads: {threads} threads on a rank bound to {len(own)} core(s) ({cores_text(own)}), wanted at most "
            f"{len(own)}; give each rank {threads} cores (srun --cpus-per-task={threads}, mpiexec -bind-to "
            f"core:{threads}), use --threads {len(own)}, {slow}"
        )
    return None
