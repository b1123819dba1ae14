"""`gaugeflow measure`: time series of observables on one chunk of configurations."""

from pathlib import Path
from typing import Annotated

import typer

from gaugeflow.cli.finished import already_complete
from gaugeflow.cli.options import Device, Grid, Oversubscribe, Ranks, Receipt, Threads, parse_grid, start_ranks


def measure(
    configurations: Annotated[Path, typer.Argument(help="HDF5 file of configurations.")],
    study: Annotated[str, typer.Option(help="Study whose measure settings are used.")],
    out: Annotated[Path, typer.Option(help="HDF5 file of measurements to write.")],
    scale: Annotated[str, typer.Option(help="full or tiny.")] = "full",
    ranks: Ranks = 1,
    grid: Grid = None,
    threads: Threads = 1,
    oversubscribe: Oversubscribe = False,
    device: Device = "cpu",
    receipt: Receipt = None,
) -> None:
    """Measure the observables that a study asks for on every configuration of a chunk."""
    from gaugeflow.assembly import make_lattice
    from gaugeflow.cli.progress import progress
    from gaugeflow.config.canonical import canonical_json
    from gaugeflow.config.load import load_study
    from gaugeflow.ensembles.complete import series_complete
    from gaugeflow.ensembles.receipt import write_receipt
    from gaugeflow.ensembles.series import chunk_of, measure_series, read_header, write_series
    from gaugeflow.jobs import attempts
    from gaugeflow.observables.registry import check_measure, measure_all

    process_grid, chosen = parse_grid(grid), load_study(study, scale)
    settings = chosen.measure
    comm = start_ranks(ranks, threads, oversubscribe)
    attributes = {"settings": canonical_json(settings)}
    if series_complete(out, "measurements", configurations, attributes, comm):
        if comm.rank == 0:
            already_complete(out, receipt)
        return
    spec, n = read_header(configurations, out, comm)
    check_measure(settings, spec.spec, f"study {study} at scale {scale}, for {configurations}: measure")
    lattice = make_lattice(spec.spec, comm, grid=process_grid, threads=threads, device=device)
    if comm.rank == 0:
        attempts.record(
            "chunk", **spec.identity(chunk_of(configurations)), configurations=n, settings=settings.settings_id
        )
    with progress("configurations", n, quiet=comm.rank > 0) as advance:
        series = measure_series(
            configurations,
            lattice,
            n,
            lambda links: measure_all(lattice, links, settings),
            advance,
            chosen.folder_of_files(spec.ensemble_id),
        )
    if comm.rank == 0:
        digest = write_series(out, "measurements", configurations, series, attributes)
        write_receipt(receipt, out)
        typer.echo(f"{out}: {n} configurations of {lattice.chains} chains, content {digest}")
