"""Whether a chunk can be written at all: clocks that agree, and room for its files; asked before anything runs."""

from pathlib import Path

from gaugeflow.config.cost import chunk_bytes, links_bytes
from gaugeflow.config.ensemble import EnsembleSpec
from gaugeflow.ensembles.scratch import scratch_folder
from gaugeflow.jobs.clock import check_clock
from gaugeflow.jobs.disk import require_free


def require_room(out: Path, spec: EnsembleSpec, chunk: int) -> None:
    """Refuse a chunk that does not fit on its disk, what an earlier attempt saved left out, or whose clock is wrong.

    Raises    FileError
    """
    check_clock(out)
    written = sum(path.stat().st_size for path in scratch_folder(out).glob("config_*.h5"))
    saved = min(written // links_bytes(spec), spec.configs_per_chunk)
    require_free(out, chunk_bytes(spec, saved), f"chunk {chunk}")
