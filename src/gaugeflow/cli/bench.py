"""`gaugeflow bench`: how fast the kernels are here, and how much of the machine that is."""

from typing import TYPE_CHECKING, Annotated

import typer

from gaugeflow.cli.options import Oversubscribe, start_alone
from gaugeflow.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

DEFAULT_KERNELS = "force,drift,plaquette,leapfrog"
LOG_WIDTH = 160
"""Columns where the output is no terminal."""


def bench(
    group: Annotated[str, typer.Option(help="U1, U2, .. or SU2, SU3, .. up to N = 8.")] = "SU3",
    extents: Annotated[str, typer.Option(help="Extents x,..,t of one lattice, 2 to 4 of them.")] = "8,8,8,8",
    chains: Annotated[int, typer.Option(help="Lattices at once.", min=1)] = 1,
    threads: Annotated[int, typer.Option(help="Threads, one per core.", min=1)] = 1,
    precision: Annotated[str, typer.Option(help="float64 or float32, of fields and arithmetic.")] = "float64",
    oversubscribe: Oversubscribe = False,
    kernels: Annotated[str, typer.Option(help="Names separated by commas, or 'all'.")] = DEFAULT_KERNELS,
    repeats: Annotated[int, typer.Option(help="Samples of which the fastest counts.", min=1)] = 5,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Time kernels beside the multiply-add peak and the bandwidth measured in the same run.

    executed: operations that run; nominal: those of the textbook algorithm. Bytes are the compulsory ones, bandwidth is
    that of arrays as large as the fields. The roofline is the larger of operations / peak and bytes / bandwidth, as a
    share of the time measured. One thread is timed by its own CPU time, several by the wall clock.
    """
    start_alone(threads, oversubscribe)
    record = measure(group, _numbers(extents), chains, threads, kernels, repeats, precision)
    if json:
        import json as json_module

        typer.echo(json_module.dumps(record, indent=1))
        return
    from rich.console import Console

    console = Console()
    console = console if console.is_terminal else Console(width=LOG_WIDTH)
    console.print(_table(record))


def measure(
    group: str,
    extents: tuple[int, ...],
    chains: int = 1,
    threads: int = 1,
    kernels: str = "all",
    repeats: int = 5,
    precision: str = "float64",
    least: float | None = None,
) -> dict:
    """Record of one run: {"lattice": ..., "limits": ..., "kernels": {name: numbers per site}}.

    least   seconds of a sample, if not the usual ones
    """
    from dataclasses import asdict

    from gaugeflow.cli.timings import LEAST_SECONDS, clock_for, fastest, needs, operations
    from gaugeflow.kernels.counts import counts
    from gaugeflow.kernels.limits import measure_limits
    from gaugeflow.lattice.packed import PackedLattice

    lattice = PackedLattice(group, extents, chains, threads=threads, precision=precision)
    calls = operations(lattice)
    chosen = list(calls) if kernels == "all" else kernels.split(",")
    if unknown := [name for name in chosen if name not in calls]:
        raise ConfigError(f"--kernels: got {', '.join(unknown)}, wanted some of {', '.join(calls)}")
    sites, count = lattice.volume * chains, counts(group, len(extents), precision)
    footprint = sites * (count["reunitarise"].moved // 2 + count["momenta"].moved)  # links and momenta
    before = measure_limits(footprint, threads, repeats, precision)
    least = LEAST_SECONDS if least is None else least
    seconds = fastest({name: calls[name] for name in chosen}, repeats, clock_for(threads), least)
    limits = before + measure_limits(footprint, threads, repeats, precision)
    return {
        "lattice": {
            "group": group,
            "extents": list(extents),
            "chains": chains,
            "threads": threads,
            "precision": precision,
        },
        "pace": asdict(lattice.partition.pace),
        "limits": asdict(limits),
        "kernels": {name: needs(seconds[name] / sites, count[name], limits.flop, limits.fields) for name in chosen},
    }


def _numbers(text: str) -> tuple[int, ...]:
    try:
        extents = tuple(int(part) for part in text.split(","))
    except ValueError:
        extents = ()
    if not 2 <= len(extents) <= 4 or min(extents) < 2:
        raise ConfigError(f"--extents: got {text!r}, wanted 2 to 4 whole numbers of at least 2, like 8,8,8,8")
    return extents


def _table(record: dict) -> "Table":
    from rich.table import Table

    lattice, limits, pace = record["lattice"], record["limits"], record["pace"]
    table = Table(
        title=f"{lattice['group']} {'x'.join(map(str, lattice['extents']))}, {lattice['chains']} chains, "
        f"{lattice['threads']} threads, {lattice['precision']}: "
        f"peak {limits['flop'] / 1e9:.1f} GFLOP/s ({limits['width']} lanes), "
        f"copy {limits['copy'] / 1e9:.1f}, triad {limits['triad'] / 1e9:.1f} GB/s, "
        f"second-level cache {limits['l2'] / 1e9:.0f}, arrays like these fields {limits['fields'] / 1e9:.1f} GB/s, "
        f"tiles of {pace['tile_matrices']} matrices per MiB, fetched {pace['far']} units ahead",
        title_justify="left",
    )
    table.add_column("kernel")
    for title in (
        "ns/site",
        "GFLOP/s executed",
        "nominal",
        "% of peak",
        "GB/s",
        "% of bandwidth",
        "% of roofline",
    ):
        table.add_column(title, justify="right")
    for name, row in record["kernels"].items():
        table.add_row(
            name,
            f"{row['ns']:.4g}",
            f"{row['gflops']:.1f}",
            f"{row['gflops_nominal']:.1f}",
            f"{100 * row['peak_share']:.0f}",
            f"{row['gbytes']:.1f}",
            f"{100 * row['bandwidth_share']:.0f}",
            f"{100 * row['roofline_share']:.0f}",
        )
    return table
