"""What one job of a chunk asks for: memory, run time and cards, from the cost model, growing with the attempt."""

import math
from collections.abc import Iterable

from gaugeflow.config.chunk_time import ChunkTime
from gaugeflow.config.cost import estimate, links_bytes
from gaugeflow.config.study import Ensemble, Study

PROGRAM_MB = 500  # a process before any field, with room
MEMORY_MARGIN = 1.5
SLICES_IN_MEMORY = 8  # of a file of another code while it is checked
START_MINUTES = 10  # compiling kernels, reading the chunk before
TIME_MARGIN = 3.0


def chunk_memory_mb(ensemble: Ensemble, studies: Iterable[Study] = (), attempt: int = 1) -> int:
    """MB of a job that generates, measures or flows a chunk, all ranks together; fields grow with the volume.

    studies    those that use the ensemble: a flow may need most
    """
    memory = max([estimate(ensemble).memory, *(estimate(ensemble, study.flows).memory for study in studies)])
    return int(attempt * (PROGRAM_MB + MEMORY_MARGIN * memory / 1e6))


def catalogue_memory_mb(ensemble: Ensemble, attempt: int = 1) -> int:
    """MB of a job that lists other codes' files: a few time slices of a file, whatever its size."""
    spec = ensemble.spec
    slice_bytes = links_bytes(spec) / spec.chains / spec.extents[-1]
    return int(attempt * (PROGRAM_MB + SLICES_IN_MEMORY * slice_bytes / 1e6))


def chunk_minutes(ensemble: Ensemble, studies: Iterable[Study], attempt: int = 1) -> int:
    """Minutes of a job of a chunk: three times the estimate of the dearest of the studies, on top of ten minutes."""
    seconds = max(estimate(ensemble, study.flows).core_hours * 3600 for study in studies)
    return int(attempt * (START_MINUTES + TIME_MARGIN * seconds / 60 / ensemble.chunks / ensemble.ranks))


def pilot_minutes(time: ChunkTime) -> int:
    """Minutes of a job that tunes."""
    return math.ceil(START_MINUTES + TIME_MARGIN * time.pilot / 60)


def packed_minutes(time: ChunkTime, step: str, number: int, starts: bool) -> int:
    """Minutes that a step adds to a job of many: three times its estimate, rounded so that only the sum is rounded.

    step      generate, measure or flow
    starts    whether it is the first step of its job, which takes ten minutes more

    A job that was stopped goes on where it stood: a second attempt needs no more than the first.
    """
    each = {"measure": time.measure, "flow": time.flow}.get(step)

    def until(n: int) -> int:
        seconds = n * each if each is not None else min(n, 1) * time.first + max(n - 1, 0) * time.other
        return math.ceil(TIME_MARGIN * seconds / 60)

    return until(number + 1) - until(number) + (START_MINUTES if starts else 0)


def cards(ranks: int, per_node: int) -> dict[str, int]:
    """Cards of a job, one per rank, and the nodes that have as many; with per_node 0 the scheduler chooses the nodes.

    Raises    ValueError where ranks fill some node in part
    """
    if not per_node or ranks == 1:
        return {"gpu": ranks}
    nodes = math.ceil(ranks / per_node)
    if nodes > 1 and ranks % nodes:
        raise ValueError(f"{ranks} ranks do not fill {nodes} nodes of {per_node} cards evenly")
    return {"gpu": ranks, "nodes": nodes}
