"""Does this MPI read a card's memory? The library is asked, and believed only after a message has arrived.

Handing device memory to an MPI that cannot read it ends the process, so nothing is tried where the library says no or
does not know. GAUGEFLOW_GPU_AWARE_MPI=0 forbids it.
"""

import ctypes
import logging
import os

QUERIES = ("MPIX_Query_cuda_support", "MPIX_GPU_query_support")
"""Open MPI: f() -> 1 or 0.  MPICH: f(kind, int* is supported), kind 0 is CUDA."""

VARIABLE = "GAUGEFLOW_GPU_AWARE_MPI"
PROBE = 1024

logger = logging.getLogger(__name__)


def library_says_yes(library: ctypes.CDLL) -> bool:
    """What the library that this process has loaded says of itself; False where it has neither query."""
    if hasattr(library, QUERIES[0]):
        return bool(getattr(library, QUERIES[0])())
    if hasattr(library, QUERIES[1]):
        answer = ctypes.c_int(0)
        getattr(library, QUERIES[1])(0, ctypes.byref(answer))
        return bool(answer.value)
    return False


def mpi_reads_device_memory(comm) -> bool:
    """Collective; the same answer on every rank."""
    if os.environ.get(VARIABLE) == "0":
        logger.info("halos: %s=0 forbids messages from a card's memory", VARIABLE)
        return False
    from mpi4py import MPI

    said = library_says_yes(ctypes.CDLL(MPI.__file__))
    if not comm.allreduce(said, op=MPI.LAND):
        return False
    return bool(comm.allreduce(_message_arrives(comm), op=MPI.LAND))


def _message_arrives(comm) -> bool:
    import cupy

    sent = cupy.arange(PROBE, dtype=cupy.float64) + comm.rank
    received = cupy.zeros_like(sent)
    cupy.cuda.get_current_stream().synchronize()
    ahead, behind = (comm.rank + 1) % comm.size, (comm.rank - 1) % comm.size
    comm.Sendrecv(sent, ahead, recvbuf=received, source=behind)
    return bool((received == cupy.arange(PROBE, dtype=cupy.float64) + behind).all())
