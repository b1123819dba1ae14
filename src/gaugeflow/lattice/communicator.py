"""MPI behind a few verbs; a serial world has the same ones. mpi4py is imported only in worlds that a launcher made."""

import os
from typing import Any, Protocol

import numpy as np

from gaugeflow.errors import ConfigError
from gaugeflow.timing import MPI, timed

LAUNCHER_VARIABLES = ("PMI_SIZE", "PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_SIZE")
"""Environment variables by which launchers announce themselves to a process."""

SIZE_VARIABLES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
"""Those that say how many ranks there are."""

COLLECT, DISTRIBUTE = 1001, 1002
"""Tags of messages to and from rank 0; those of `exchange` count from 0."""


class Communicator(Protocol):
    """What the lattice needs from a set of ranks; every call is collective and unconditional."""

    rank: int
    size: int
    handle: Any
    """For libraries that take an MPI communicator themselves; None in a serial world."""

    def sum_integers(self, values: np.ndarray) -> np.ndarray: ...

    def exclusive_or(self, values: np.ndarray) -> np.ndarray: ...

    def maximum(self, values: np.ndarray) -> np.ndarray: ...

    def any(self, flag: bool) -> bool: ...

    def reads_device_memory(self) -> bool: ...

    def broadcast(self, value: Any) -> Any: ...

    def collect(self, piece: np.ndarray | None, incoming: list[tuple[int, np.ndarray]]) -> None: ...

    def distribute(self, outgoing: list[tuple[int, np.ndarray]], piece: np.ndarray | None) -> None: ...

    def start(self, messages: list[tuple[int, int, np.ndarray, np.ndarray]]) -> Any: ...

    def finish(self, requests: Any) -> None: ...

    def on_node(self, value: Any) -> list[Any]: ...

    def first(self, value: Any) -> Any: ...


class Serial:
    """One rank."""

    rank, size, handle = 0, 1, None

    def sum_integers(self, values):
        """Sum over ranks."""
        return values

    def exclusive_or(self, values):
        """Exclusive or of integers over ranks."""
        return values

    def maximum(self, values):
        """Maximum over ranks."""
        return values

    def any(self, flag):
        """True where some rank says so."""
        return bool(flag)

    def reads_device_memory(self):
        """Whether messages may lie in a card's memory; nothing is sent here."""
        return True

    def broadcast(self, value):
        """Rank 0's value."""
        return value

    def collect(self, piece, incoming):
        """Pieces of other ranks to rank 0: there are none."""

    def distribute(self, outgoing, piece):
        """Pieces from rank 0 to others: there are none."""

    def start(self, messages):
        """(destination, source, outgoing, incoming) for every message; here all to itself."""
        for _, _, outgoing, incoming in messages:
            incoming[...] = outgoing.reshape(incoming.shape)

    def finish(self, requests):
        """Everything has arrived."""

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

    def collect(self, piece, incoming):
        """Pieces of the others to rank 0: zeros."""
        for _, array in incoming:
            array[...] = 0

    def start(self, messages):
        """Every message to itself; the answer says that some are under way."""
        super().start(messages)
        return len(messages)


class Mpi:
    """Ranks of MPI.COMM_WORLD."""

    def __init__(self):
        from mpi4py import MPI as mpi

        self._mpi, self._comm = mpi, mpi.COMM_WORLD
        self.rank, self.size = self._comm.rank, self._comm.size
        self.handle = self._comm

    @timed(MPI)
    def sum_integers(self, values):
        """Sum over ranks."""
        out = np.empty_like(values)
        self._comm.Allreduce(values, out, op=self._mpi.SUM)
        return out

    @timed(MPI)
    def exclusive_or(self, values):
        """Exclusive or of integers over ranks."""
        out = np.empty_like(values)
        self._comm.Allreduce(values, out, op=self._mpi.BXOR)
        return out

    @timed(MPI)
    def maximum(self, values):
        """Maximum over ranks."""
        out = np.empty_like(values)
        self._comm.Allreduce(values, out, op=self._mpi.MAX)
        return out

    def reads_device_memory(self):
        """Whether messages may lie in a card's memory: this MPI says so, and a message of a card's memory arrives."""
        from gaugeflow.lattice.device_memory import mpi_reads_device_memory

        return mpi_reads_device_memory(self._comm)

    @timed(MPI)
    def any(self, flag):
        """True where some rank says so."""
        return bool(self._comm.allreduce(bool(flag), op=self._mpi.LOR))

    @timed(MPI)
    def broadcast(self, value):
        """Rank 0's value."""
        return self._comm.bcast(value, root=0)

    @timed(MPI)
    def collect(self, piece, incoming):
        """`piece` of every other rank that has one goes to rank 0, which lists (rank, memory for its piece)."""
        if self.rank == 0:
            self._mpi.Request.Waitall([self._comm.Irecv(array, rank, COLLECT) for rank, array in incoming])
        elif piece is not None:
            self._comm.Send(piece, 0, COLLECT)

    @timed(MPI)
    def distribute(self, outgoing, piece):
        """(rank, its piece) of rank 0's list go into `piece` of those ranks, None where nothing comes."""
        if self.rank == 0:
            self._mpi.Request.Waitall([self._comm.Isend(array, rank, DISTRIBUTE) for rank, array in outgoing])
        elif piece is not None:
            self._comm.Recv(piece, 0, DISTRIBUTE)

    @timed(MPI)
    def start(self, messages):
        """(destination, source, outgoing, incoming) for every message, posted at once; the position is the tag."""
        requests = []
        for tag, (_, source, _, incoming) in enumerate(messages):
            requests.append(self._comm.Irecv(incoming, source, tag))
        for tag, (destination, _, outgoing, _) in enumerate(messages):
            requests.append(self._comm.Isend(outgoing, destination, tag))
        return requests

    @timed(MPI)
    def finish(self, requests):
        """Wait for the messages of one `start`."""
        self._mpi.Request.Waitall(requests)

    @timed(MPI)
    def on_node(self, value):
        """Values of all ranks that share this rank's memory."""
        node = self._comm.Split_type(self._mpi.COMM_TYPE_SHARED)
        values = node.allgather(value)
        node.Free()
        return values

    @timed(MPI)
    def first(self, value):
        """The first rank's value that is not None."""
        return next((found for found in self._comm.allgather(value) if found is not None), None)


def world(ranks: int) -> Communicator:
    """The communicator of this job; ConfigError unless it has exactly `ranks` ranks.

    Some launchers silently start worlds of one rank, so the number asked for is always compared.
    """
    launched = any(name in os.environ for name in LAUNCHER_VARIABLES)
    if ranks == 1 and (not launched or any(os.environ.get(name) == "1" for name in SIZE_VARIABLES)):
        return Serial()  # also where srun starts one task around a shell: its connection is not handed down
    comm = Mpi()
    if comm.size != ranks:
        raise ConfigError(
            f"MPI: asked for {ranks} ranks, this world has {comm.size}; start it with 'mpiexec -n {ranks}' "
            "(or 'srun --mpi=...' of the kind this MPI was built for) and pass the same number as --ranks"
        )
    return comm
