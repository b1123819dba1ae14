"""Faults of a night on a cluster, and what happens when they are let loose on a chain, alone or two at once."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import psutil
from slurm.chain import Chain
from slurm.configuration import ACCOUNT

DELAY = 3.0
"""Faults come up to so many seconds after a state was saved."""

LIMIT_CHECK = 40.0
"""SLURM looks for jobs over their limit twice a minute."""


@dataclass(frozen=True)
class Fault:
    """Kinds that come together, and when: seconds after a state was saved; `draw` in [0, 1) chooses among processes."""

    kinds: tuple[str, ...]
    delay: float
    draw: float


@dataclass(frozen=True)
class Happened:
    """A fault that was let loose: on which chunk, after which trajectory that was seen saved, with what effect."""

    fault: Fault
    chunk: int
    trajectory: int
    effects: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Types of JSON."""
        return {**asdict(self.fault), "chunk": self.chunk, "trajectory": self.trajectory, "effects": list(self.effects)}


def time_limit(chain: Chain, job: dict[str, str], draw: float) -> str:
    """The job's limit is now: SLURM warns it and ends it when it looks next."""
    chain.cluster.run("scontrol", "update", f"jobid={job['id']}", "EndTime=now")
    until = time.monotonic() + LIMIT_CHECK
    while time.monotonic() < until:
        states = {found["id"]: found["state"] for found in chain.cluster.jobs("all")}
        if states.get(job["id"]) not in ("RUNNING", "COMPLETING"):
            return f"job {states.get(job['id'])}"
        time.sleep(0.5)
    return "job lived on"


def scancel(chain: Chain, job: dict[str, str], draw: float) -> str:
    """A job is cancelled by hand."""
    chain.cluster.run("scancel", job["id"])
    return "job cancelled"


def requeue(chain: Chain, job: dict[str, str], draw: float) -> str:
    """A running job goes back into the queue."""
    return "job queued again" if chain.cluster.run("scontrol", "requeue", job["id"]).returncode == 0 else "refused"


def kill_rank(chain: Chain, job: dict[str, str], draw: float) -> str:
    """SIGKILL of one rank."""
    ranks = chain.ranks(job)
    if not ranks:
        return "no rank"
    with suppress(psutil.NoSuchProcess):
        ranks[int(draw * len(ranks))].kill()
    return f"one of {len(ranks)} ranks killed"


def kill_slurmd(chain: Chain, job: dict[str, str], draw: float) -> str:
    """SIGKILL of the daemon of a node of the job; it is started again after two seconds."""
    return f"slurmd of {_taken_away(chain, job, draw, chain.cluster.kill_slurmd)} killed and started"


def kill_coordinator(chain: Chain, job: dict[str, str], draw: float) -> str:
    """SIGKILL of the coordinator; its jobs live on for five seconds alone, then it is resumed."""
    chain.kill_coordinator()
    time.sleep(5)
    left = len(chain.all_jobs())
    chain.resume()
    return f"coordinator killed, {left} jobs lived on"


def restart_coordinator(chain: Chain, job: dict[str, str], draw: float) -> str:
    """SIGKILL of the coordinator, resumed at once beside its running jobs."""
    chain.kill_coordinator()
    chain.resume()
    return "coordinator killed and resumed"


def disk_full(chain: Chain, job: dict[str, str], draw: float) -> str:
    """The file system of the root is full for five seconds."""
    filler = chain.root.parent / "filler"
    said = chain.cluster.run("dd", "if=/dev/zero", f"of={filler}", "bs=1M")
    time.sleep(5)
    chain.cluster.run("rm", "-f", filler)
    return "full" if "No space left" in said.stderr else f"not full: {said.stderr}"


def node_down(chain: Chain, job: dict[str, str], draw: float) -> str:
    """A node of the job is set down and given back after two seconds."""
    return f"{_taken_away(chain, job, draw, chain.cluster.node_down)} down and up"


def power_off(chain: Chain, job: dict[str, str], draw: float) -> str:
    """A node of the job loses its power, and has it again after two seconds."""
    return f"{_taken_away(chain, job, draw, chain.cluster.power_off)} off and on"


def preemption(chain: Chain, job: dict[str, str], draw: float) -> str:
    """A job of a higher partition takes a node of the job for three seconds."""
    node = _node(chain, job, draw)
    line = ("sbatch", "-A", ACCOUNT, "-p", "urgent", "-w", node, "-o", "/dev/null", "--wrap", "sleep 3")
    chain.cluster.run(*line)
    with suppress(TimeoutError):
        chain.cluster.wait_for(lambda: job["id"] not in [j["id"] for j in chain.jobs("RUNNING")], "preempted", 10)
        return f"preempted on {node}"
    return "not preempted"


KINDS: dict[str, Callable[[Chain, dict[str, str], float], str]] = {
    kind.__name__: kind
    for kind in (
        time_limit, scancel, requeue, kill_rank, kill_slurmd, kill_coordinator, restart_coordinator, disk_full,
        node_down, power_off, preemption,
    )
}  # fmt: skip


def _node(chain: Chain, job: dict[str, str], draw: float) -> str:
    """One of the nodes of a job: of n[1-2], n[1,3] or n4."""
    names = chain.cluster.run("scontrol", "show", "hostnames", job["nodes"]).stdout.split()
    return names[int(draw * len(names))]


def _taken_away(chain: Chain, job: dict[str, str], draw: float, take: Callable[[str], None]) -> str:
    """Take one of the nodes of a job away, give it back after two seconds; its name."""
    node = _node(chain, job, draw)
    take(node)
    time.sleep(2)
    chain.cluster.node_up(node)
    return node


def planned(seed: int, each: int, pairs: int) -> list[Fault]:
    """Every kind `each` times alone and `pairs` of two kinds, in an order and at moments that the seed decides."""
    rng = np.random.default_rng(seed)
    kinds = [(kind,) for kind in KINDS for _ in range(each)]
    kinds += [tuple(str(kind) for kind in rng.choice(list(KINDS), 2, replace=False)) for _ in range(pairs)]
    rng.shuffle(order := list(range(len(kinds))))
    return [Fault(kinds[i], float(rng.uniform(0, DELAY)), float(rng.uniform())) for i in order]


def endure(chain: Chain, plan: list[Fault]) -> list[Happened]:
    """Let faults loose on a chain one after the other, each while it computes, until the chain is finished."""
    happened = []
    for fault in plan:
        if not chain.wait_until_it_computes():
            break
        time.sleep(fault.delay)
        running = chain.jobs("RUNNING")
        if not running:
            continue
        last = chain.seen[-1]
        effects = tuple(KINDS[kind](chain, running[0], fault.draw) for kind in fault.kinds)
        happened.append(Happened(fault, last.chunk, -1 if last.trajectory is None else last.trajectory, effects))
    return happened
