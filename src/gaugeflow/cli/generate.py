"""`gaugeflow generate`: one chunk of an ensemble, continued from wherever it stands."""

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaugeflow.cli.finished import already_complete
from gaugeflow.cli.options import (
    Device,
    Grid,
    Oversubscribe,
    Ranks,
    Receipt,
    Threads,
    parse_band,
    parse_grid,
    start_ranks,
)
from gaugeflow.errors import ConfigError

if TYPE_CHECKING:
    from gaugeflow.config.spec_file import SpecFile
    from gaugeflow.ensembles.production import ChunkRun
    from gaugeflow.ensembles.source import Source

logger = logging.getLogger(__name__)


def generate(
    spec: Annotated[Path, typer.Argument(help="spec.json of the ensemble.")],
    chunk: Annotated[int, typer.Option(help="Number of the chunk, from 0.", min=0)],
    out: Annotated[Path, typer.Option(help="HDF5 file of configurations to write.")],
    previous: Annotated[Path | None, typer.Option(help="Chunk before this one; needed from chunk 1 on.")] = None,
    ranks: Ranks = 1,
    grid: Grid = None,
    threads: Threads = 1,
    oversubscribe: Oversubscribe = False,
    device: Device = "cpu",
    acceptance_band: Annotated[str, typer.Option(help="Allowed acceptance, low,high.")] = "0.0,1.0",
    checkpoint_seconds: Annotated[
        float,
        typer.Option(
            help="Seconds between saved states; 0 saves every trajectory.",
            min=0,
            envvar="GAUGEFLOW_CHECKPOINT_SECONDS",
        ),
    ] = 30.0,
    output_mode: Annotated[
        str, typer.Option(help="gather: rank 0 writes; parallel: all ranks by MPI-IO; auto: the latter where it pays.")
    ] = "auto",
    receipt: Receipt = None,
) -> None:
    """Generate one chunk of an ensemble; a killed or stopped job continues when the same line runs again."""
    from gaugeflow.assembly import make_lattice, make_sampler
    from gaugeflow.config.foreign import ForeignSpec
    from gaugeflow.config.spec_file import read_spec
    from gaugeflow.ensembles.production import ChunkRun
    from gaugeflow.ensembles.room import require_room
    from gaugeflow.ensembles.source import published
    from gaugeflow.jobs.deadline import find_deadline

    band, process_grid = parse_band(acceptance_band), parse_grid(grid)
    if (chunk == 0) != (previous is None):
        raise ConfigError(f"--previous: chunk {chunk} {'starts the chain, give none' if chunk == 0 else 'needs one'}")
    resolved = read_spec(spec)
    if isinstance(resolved.spec, ForeignSpec):
        raise ConfigError(f"{spec}: is of files of another code; gaugeflow catalogue reads them, nothing is generated")
    comm = start_ranks(ranks, threads, oversubscribe)
    if comm.broadcast(comm.rank == 0 and published(out, resolved, chunk)):
        if comm.rank == 0:
            already_complete(out, receipt)
        return
    deadline = None
    if comm.rank == 0:
        require_room(out, resolved.spec, chunk)
        deadline = find_deadline()
    options = {"grid": process_grid, "threads": threads, "device": device, "precision": resolved.spec.precision}
    lattice = make_lattice(resolved.spec, comm, **options)
    source = _source(resolved, chunk, previous) if comm.rank == 0 else None
    options = {"source": source, "acceptance_band": band, "checkpoint_seconds": checkpoint_seconds}
    options |= {"output_mode": output_mode, "deadline": deadline}
    run = ChunkRun(lattice, make_sampler(resolved.spec), resolved, chunk, out, **options)
    if comm.rank == 0:
        _announce(resolved, run, threads, device)
    _finish(run, receipt)


def _finish(run: "ChunkRun", receipt: Path | None) -> None:
    """Run the chunk to its end and say so."""
    from gaugeflow.cli.progress import progress
    from gaugeflow.ensembles.receipt import write_receipt

    began, first = time.monotonic(), run.lattice.comm.rank == 0
    counted = {"steps": "trajectories", "before": None, "quiet": not first}
    with progress(f"chunk {run.chunk}", run.trajectories, **counted) as run.advance:
        digest = run.run()
    if first:
        write_receipt(receipt, run.out)
        typer.echo(f"{run.out}: {run.trajectories} trajectories in {time.monotonic() - began:.1f} s, content {digest}")


def _announce(resolved: "SpecFile", run: "ChunkRun", threads: int, device: str) -> None:
    """Say in both logs what runs, so that either alone lets one run it again."""
    from gaugeflow.ensembles.source import trajectory_on_disk
    from gaugeflow.jobs import attempts
    from gaugeflow.lattice.cores import affinity, cores_text

    where = "x".join(map(str, run.lattice.grid)), threads, cores_text(affinity()), device
    logger.info("%s chunk %d: seed %d", resolved.ensemble_id, run.chunk, resolved.spec.seed)
    logger.info("grid %s, %d threads on cores %s, device %s", *where)
    logger.info("spec %s", resolved.text)
    work = {"trajectories": run.trajectories, "continued_after": trajectory_on_disk(run.out)}
    attempts.record("chunk", **resolved.identity(run.chunk), **work)


def _source(resolved: "SpecFile", chunk: int, previous: Path | None) -> "Source | None":
    from gaugeflow.config.schema import FileStart
    from gaugeflow.conventions import gauge_group
    from gaugeflow.ensembles.source import read_previous, read_start

    if previous is not None:
        return read_previous(previous, resolved, chunk)
    start = resolved.spec.start
    if not isinstance(start, FileStart):
        return None
    n = gauge_group(resolved.spec.group).n
    shape = (resolved.spec.chains, *reversed(resolved.spec.extents), resolved.spec.ndim, n, n)
    return read_start(start, shape)
