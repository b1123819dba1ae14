"""Ranks that a launcher made: of MPI, or tasks of SLURM that no MPI connects (srun --mpi=none).

Such tasks meet at a store on the node of the first one and have the verbs of a Communicator that training needs.
"""

import json
import os
import platform
import subprocess
from typing import Any

import numpy as np
import torch.distributed as distributed

from gaugeflow.errors import ConfigError
from gaugeflow.lattice.communicator import LAUNCHER_VARIABLES, world
from gaugeflow.lattice.cores import check_cores
from gaugeflow.training.world import TIMEOUT

FIRST_PORT, PORTS = 20000, 20000
"""Ports below those that systems give out; SLURM's numbers of job and step choose one."""


def start_world(ranks: int, threads: int, oversubscribe: bool) -> Any:
    """The communicator of this job.

    Raises    ConfigError for another number of ranks than was started, or for more threads than cores
    """
    comm = Tasks() if _only_slurm(ranks) else world(ranks)
    if comm.size != ranks:
        raise ConfigError(f"SLURM: asked for {ranks} ranks, this step has {comm.size} tasks; pass that as --ranks")
    if not oversubscribe:
        check_cores(comm, threads)
    return comm


def _only_slurm(ranks: int) -> bool:
    launched = any(name in os.environ for name in LAUNCHER_VARIABLES)
    tasks = os.environ.get("SLURM_STEP_NUM_TASKS", "1")
    return ranks > 1 and not launched and tasks != "1" and "SLURM_PROCID" in os.environ


class Tasks:
    """Tasks of one step of SLURM."""

    handle = None

    def __init__(self) -> None:
        self.rank, self.size = int(os.environ["SLURM_PROCID"]), int(os.environ["SLURM_STEP_NUM_TASKS"])
        port = FIRST_PORT + (int(os.environ["SLURM_JOB_ID"]) * 31 + int(os.environ["SLURM_STEP_ID"])) % PORTS
        self._store = distributed.TCPStore(
            _first_node(), port, self.size, is_master=self.rank == 0, timeout=TIMEOUT, wait_for_workers=False
        )
        self._calls = 0

    def gathered(self, value: bytes) -> list[bytes]:
        """The bytes of all tasks in their order."""
        self._calls += 1
        key = f"gaugeflow/{self._calls}"
        self._store.set(f"{key}/{self.rank}", value)
        found = [self._store.get(f"{key}/{rank}") for rank in range(self.size)]
        if self._calls > 2:  # all tasks have read what lies two calls back
            self._store.delete_key(f"gaugeflow/{self._calls - 2}/{self.rank}")
        return found

    def maximum(self, values: np.ndarray) -> np.ndarray:
        """Maximum over tasks of float64 numbers."""
        pieces = self.gathered(np.ascontiguousarray(values, np.float64).tobytes())
        return np.max([np.frombuffer(piece).reshape(np.shape(values)) for piece in pieces], axis=0)

    def any(self, flag: bool) -> bool:
        """True where some task says so."""
        return b"1" in self.gathered(b"1" if flag else b"0")

    def broadcast(self, value: Any) -> Any:
        """Task 0's value."""
        return self._objects(value if self.rank == 0 else None)[0]

    def on_node(self, value: Any) -> list[Any]:
        """Values of all tasks on this node."""
        here = platform.node()
        return [found for node, found in self._objects((here, value)) if node == here]

    def first(self, value: Any) -> Any:
        """The first task's value that is not None."""
        return next((found for found in self._objects(value) if found is not None), None)

    def _objects(self, value: Any) -> list[Any]:
        """JSON values of all tasks; sets become lists. A port may be reached by others: nothing here is unpickled."""
        return [json.loads(piece) for piece in self.gathered(json.dumps(value, default=sorted).encode())]


def _first_node() -> str:
    """Node of task 0."""
    nodes = os.environ.get("SLURM_STEP_NODELIST") or os.environ["SLURM_JOB_NODELIST"]
    if "[" not in nodes and "," not in nodes:
        return nodes
    done = subprocess.run(["scontrol", "show", "hostnames", nodes], capture_output=True, text=True, check=True)
    return done.stdout.split()[0]
