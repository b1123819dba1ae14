"""What one job of a chunk asks for: memory and run time from the cost model, growing with the attempt."""

from collections.abc import Iterable

from gaugeflow.config.cost import estimate, links_bytes
from gaugeflow.config.study import Ensemble, Study

PROGRAM_MB = 500  # a process before any field, with room
MEMORY_MARGIN = 1.5
SLICES_IN_MEMORY = 8  # of a file of another code while it is checked
START_MINUTES = 10  # compiling kernels, reading the chunk before
TIME_MARGIN = 3.0


def chunk_memory_mb(ensemble: Ensemble, attempt: int = 1) -> int:
    """MB of a job that generates, measures or flows a chunk, all ranks together."""
    return int(attempt * (PROGRAM_MB + MEMORY_MARGIN * estimate(ensemble).memory / 1e6))


def catalogue_memory_mb(ensemble: Ensemble, attempt: int = 1) -> int:
    """MB of a job that lists other codes' files: a few time slices of a file, whatever its size."""
    spec = ensemble.spec
    slice_bytes = links_bytes(spec) / spec.chains / spec.extents[-1]
    return int(attempt * (PROGRAM_MB + SLICES_IN_MEMORY * slice_bytes / 1e6))


def chunk_minutes(ensemble: Ensemble, studies: Iterable[Study], attempt: int = 1) -> int:
    """Minutes of a job of a chunk: three times the estimate of the dearest of the studies, on top of ten minutes."""
    seconds = max(estimate(ensemble, study.flows).core_hours * 3600 for study in studies)
    return int(attempt * (START_MINUTES + TIME_MARGIN * seconds / 60 / ensemble.chunks / ensemble.ranks))
