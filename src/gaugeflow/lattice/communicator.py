"""MPI behind a few verbs; a serial world has the same ones. mpi4py is imported only in worlds that a launcher made."""

import os
from typing import Any, Protocol

import numpy as np

from gaugeflow.errors import ConfigError

LAUNCHER_VARIABLES = ("PMI_SIZE", "PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_SIZE")
"""Environment variables by which launchers announce themselves to a process."""


class Communicator(Protocol):
    """What the lattice needs from a set of ranks; every call is collective and unconditional."""

    rank: int
    size: int

    def sum_integers(self, values: np.ndarray) -> np.ndarray: ...

    def maximum(self, values: np.ndarray) -> np.ndarray: ...

    def any(self, flag: bool) -> bool: ...

    def broadcast(self, value: Any) -> Any: ...

    def gather(self, array: np.ndarray) -> list[np.ndarray] | None: ...

    def scatter(self, arrays: list[np.ndarray] | None) -> np.ndarray: ...

    def exchange(self, messages: list[tuple[int, int, np.ndarray, np.ndarray]]) -> None: ...

    def on_node(self, value: Any) -> list[Any]: ...

    def first(self, value: Any) -> Any: ...


class Serial:
    """One rank."""

    rank, size = 0, 1

    def sum_integers(self, values):
        """Sum over ranks."""
        return values

    def maximum(self, values):
        """Maximum over ranks."""
        return values

    def any(self, flag):
        """True where some rank says so."""
        return bool(flag)

    def broadcast(self, value):
        """Rank 0's value."""
        return value

    def gather(self, array):
        """Every rank's array, on rank 0; None elsewhere."""
        return [array]

    def scatter(self, arrays):
        """This rank's part of rank 0's list."""
        return arrays[0]

    def exchange(self, messages):
        """(destination, source, outgoing, incoming) for every message; here all to itself."""
        for _, _, outgoing, incoming in messages:
            incoming[...] = outgoing

    def on_node(self, value):
        """Values of all ranks that share this rank's memory."""
        return [value]

    def first(self, value):
        """The first rank's value that is not None."""
        return value


class Mirror(Serial):
    """Rank 0 of a world whose other ranks hold copies of its part: halos are filled as on several ranks, by itself."""

    def __init__(self, size: int):
        self.size = size

    def gather(self, array):
        """This rank's array in the place of every other."""
        return [array] * self.size


class Mpi:
    """Ranks of MPI.COMM_WORLD."""

    def __init__(self):
        from mpi4py import MPI

        self._mpi, self._comm = MPI, MPI.COMM_WORLD
        self.rank, self.size = self._comm.rank, self._comm.size

    def sum_integers(self, values):
        """Sum over ranks."""
        out = np.empty_like(values)
        self._comm.Allreduce(values, out, op=self._mpi.SUM)
        return out

    def maximum(self, values):
        """Maximum over ranks."""
        out = np.empty_like(values)
        self._comm.Allreduce(values, out, op=self._mpi.MAX)
        return out

    def any(self, flag):
        """True where some rank says so."""
        return bool(self._comm.allreduce(bool(flag), op=self._mpi.LOR))

    def broadcast(self, value):
        """Rank 0's value."""
        return self._comm.bcast(value, root=0)

    def gather(self, array):
        """Every rank's array (equal shapes), on rank 0; None elsewhere."""
        out = np.empty((self.size, *array.shape), array.dtype) if self.rank == 0 else None
        self._comm.Gather(np.ascontiguousarray(array), out, root=0)
        return None if out is None else list(out)

    def scatter(self, arrays):
        """This rank's part of rank 0's list of equal-shaped arrays."""
        head = self._comm.bcast((arrays[0].shape, arrays[0].dtype) if arrays else None, root=0)
        out = np.empty(*head)
        self._comm.Scatter(np.ascontiguousarray(np.stack(arrays)) if arrays else None, out, root=0)
        return out

    def exchange(self, messages):
        """(destination, source, outgoing, incoming) for every message, posted at once; the position is the tag."""
        requests = []
        for tag, (_, source, _, incoming) in enumerate(messages):
            requests.append(self._comm.Irecv(incoming, source, tag))
        for tag, (destination, _, outgoing, _) in enumerate(messages):
            requests.append(self._comm.Isend(outgoing, destination, tag))
        self._mpi.Request.Waitall(requests)

    def on_node(self, value):
        """Values of all ranks that share this rank's memory."""
        node = self._comm.Split_type(self._mpi.COMM_TYPE_SHARED)
        values = node.allgather(value)
        node.Free()
        return values

    def first(self, value):
        """The first rank's value that is not None."""
        return next((found for found in self._comm.allgather(value) if found is not None), None)


def world(ranks: int) -> Communicator:
    """The communicator of this job; ConfigError unless it has exactly `ranks` ranks.

    Some launchers silently start worlds of one rank, so the number asked for is always compared.
    """
    launched = any(name in os.environ for name in LAUNCHER_VARIABLES)
    if ranks == 1 and not launched:
        return Serial()
    comm = Mpi()
    if comm.size != ranks:
        raise ConfigError(
            f"MPI: asked for {ranks} ranks, this world has {comm.size}; start it with 'mpiexec -n {ranks}' "
            "(or 'srun --mpi=...' of the kind this MPI was built for) and pass the same number as --ranks"
        )
    return comm
