"""Ranks of a training: those of MPI, or tasks of SLURM without MPI, joined in a process group of torch.distributed.

MPI (or the first task) agrees on who is where; gradients go through gloo on CPUs and nccl on cards.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as distributed
from torch import Tensor

from gaugeflow.errors import ConfigError, FileError, GaugeflowError, PhysicsError

TIMEOUT = timedelta(minutes=30)
INTERFACE = "GLOO_SOCKET_IFNAME"
LOOPBACK = "lo"
ERRORS = {kind.exit_code: kind for kind in (ConfigError, FileError, PhysicsError)}


class World:
    """This rank among others.

    comm          a Communicator of lattice.communicator
    device        of torch where this rank computes
    neighbours    ranks on this node, itself included
    """

    def __init__(self, comm: Any, device: torch.device, neighbours: int = 1) -> None:
        self.comm, self.device, self.neighbours = comm, device, neighbours
        self.rank, self.size = comm.rank, comm.size

    def gather(self, vector: Tensor) -> list[Tensor]:
        """The vectors of all ranks, in their order; all have one shape and type."""
        if self.size == 1:
            return [vector]
        out = [torch.empty_like(vector) for _ in range(self.size)]
        distributed.all_gather(out, vector.contiguous())
        return out

    def agree(self, problem: GaugeflowError | None) -> None:
        """Collective: raise on all ranks what went wrong on the first rank that has a problem; nothing if none has."""
        if self.comm.any(problem is not None):
            code, message = self.comm.first(None if problem is None else (problem.exit_code, str(problem)))
            raise ERRORS.get(code, GaugeflowError)(message)


@contextmanager
def joined(comm: Any, device: str) -> Iterator[World]:
    """The world of this job, closed at the end; collective.

    comm      Serial, Mpi or anything with its verbs
    device    cpu, cuda, or auto: cuda where there is a card

    Raises    ConfigError if there is no card, or fewer than ranks on a node
    """
    ranks = comm.on_node(comm.rank)
    chosen = _device(device, ranks.index(comm.rank), len(ranks))
    if comm.size == 1:
        yield World(comm, chosen, len(ranks))
        return
    alone = not comm.any(len(ranks) < comm.size)  # every rank has to hear it
    if alone and chosen.type == "cpu":
        os.environ.setdefault(INTERFACE, LOOPBACK)
    store = _store(comm, "127.0.0.1" if alone else socket.gethostname())
    backend = "nccl" if chosen.type == "cuda" else "gloo"
    distributed.init_process_group(backend, store=store, rank=comm.rank, world_size=comm.size, timeout=TIMEOUT)
    try:
        yield World(comm, chosen, len(ranks))
        comm.any(False)  # rank 0 keeps the store: it leaves last
    finally:
        distributed.destroy_process_group()


def _store(comm: Any, host: str) -> distributed.TCPStore:
    """A store on a free port of rank 0, whose address all others hear."""
    store = None
    if comm.rank == 0:
        store = distributed.TCPStore(host, 0, comm.size, is_master=True, timeout=TIMEOUT, wait_for_workers=False)
    host, port = comm.broadcast((host, store.port if store is not None else 0))
    if store is None:
        store = distributed.TCPStore(host, port, comm.size, is_master=False, timeout=TIMEOUT, wait_for_workers=False)
    return store


def _device(name: str, index: int, ranks: int) -> torch.device:
    if name not in ("cpu", "cuda", "auto"):
        raise ConfigError(f"device: got {name!r}, wanted one of cpu, cuda, auto")
    cards = torch.cuda.device_count() if name != "cpu" else 0
    if name == "cpu" or (name == "auto" and not cards):
        return torch.device("cpu")
    if cards < ranks:
        raise ConfigError(
            f"device cuda: {ranks} ranks on a node with {cards} cards; start one rank per card, or use --device cpu"
        )
    torch.cuda.set_device(index)
    return torch.device("cuda", index)


def settle(threads: int) -> None:
    """Threads of this rank, and arithmetic that repeats itself to the bit."""
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
