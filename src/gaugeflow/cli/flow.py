"""`gaugeflow flow`: gradient flow of one chunk of configurations."""

from pathlib import Path
from typing import Annotated

import typer

from gaugeflow.cli.finished import already_complete
from gaugeflow.cli.options import Device, Grid, Oversubscribe, Ranks, Receipt, Threads, parse_grid, start_ranks


def flow(
    configurations: Annotated[Path, typer.Argument(help="HDF5 file of configurations.")],
    study: Annotated[str, typer.Option(help="Study whose flow settings are used.")],
    out: Annotated[Path, typer.Option(help="HDF5 file of flowed energies and charges to write.")],
    scale: Annotated[str, typer.Option(help="full or tiny.")] = "full",
    settings: Annotated[str | None, typer.Option(help="Which of several flows: its kind or settings id.")] = None,
    ranks: Ranks = 1,
    grid: Grid = None,
    threads: Threads = 1,
    oversubscribe: Oversubscribe = False,
    device: Device = "cpu",
    receipt: Receipt = None,
) -> None:
    """Flow every configuration of a chunk and measure E (plaquette and clover) and Q at the flow times of a study."""
    import numpy as np

    from gaugeflow.assembly import make_lattice
    from gaugeflow.cli.progress import progress
    from gaugeflow.config.canonical import canonical_json
    from gaugeflow.config.load import load_study
    from gaugeflow.ensembles.complete import series_complete
    from gaugeflow.ensembles.receipt import write_receipt
    from gaugeflow.ensembles.series import chunk_of, measure_series, read_header, write_series
    from gaugeflow.jobs import attempts
    from gaugeflow.observables.flowed import flowed_series

    process_grid, chosen = parse_grid(grid), load_study(study, scale)
    chosen_flow = chosen.flow(settings)
    comm = start_ranks(ranks, threads, oversubscribe)
    attributes = {"settings": canonical_json(chosen_flow)}
    if series_complete(out, "flow", configurations, attributes, comm):
        if comm.rank == 0:
            already_complete(out, receipt)
        return
    spec, n = read_header(configurations, out, comm)
    options = {"grid": process_grid, "threads": threads, "device": device, "precision": chosen_flow.precision}
    lattice = make_lattice(spec.spec, comm, **options)
    times = chosen_flow.flow_times()
    if comm.rank == 0:
        attempts.record(
            "chunk", **spec.identity(chunk_of(configurations)), configurations=n, settings=chosen_flow.settings_id
        )
    with progress("configurations", n, quiet=comm.rank > 0) as advance:
        series = measure_series(
            configurations,
            lattice,
            n,
            lambda links: flowed_series(lattice, links, times, chosen_flow),
            advance,
            chosen.folder_of_files(spec.ensemble_id),
        )
    if comm.rank == 0:
        series |= {"flow_time": np.array(times)}
        digest = write_series(out, "flow", configurations, series, attributes)
        write_receipt(receipt, out)
        typer.echo(f"{out}: {n} configurations of {lattice.chains} chains to t/a^2 = {times[-1]}, content {digest}")
