"""`gaugeflow convert`: one configuration from any format into any other, slice by slice."""

from pathlib import Path
from typing import Annotated

import typer

from gaugeflow.cli.options import FileExtents, FileGroup, Oversubscribe, Ranks, parse_extents, start_ranks
from gaugeflow.errors import ConfigError, FileError

SUFFIXES = {
    ".ildg": "ildg",
    ".lime": "ildg",
    ".scidac": "scidac",
    ".nersc": "nersc",
    ".milc": "milc",
    ".openqcd": "openqcd",
    ".h5": "gaugeflow",
    ".hdf5": "gaugeflow",
}
"""Suffix of OUT -> format, where --to is not given."""

FORMATS = ("ildg", "scidac", "nersc", "milc", "milc_v4", "openqcd", "gaugeflow")


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Configuration of any format, ours included.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File to write; it must not exist.")],
    to: Annotated[
        str | None, typer.Option(help=f"{', '.join(FORMATS)}; told from the suffix of OUT if not given.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="float32 or float64; that of IN, or the format's only one.")
    ] = None,
    byte_order: Annotated[
        str | None, typer.Option(help="big or little, where the format leaves the choice (nersc, milc).")
    ] = None,
    two_rows: Annotated[bool, typer.Option("--two-rows", help="nersc, SU(3): leave out the third row.")] = False,
    reunitarise: Annotated[
        bool, typer.Option("--reunitarise", help="Move links to the group: float32 links in a float64 file need it.")
    ] = False,
    configuration: Annotated[int | None, typer.Option(help="Which one of an HDF5 file, from 0.", min=0)] = None,
    chain: Annotated[int | None, typer.Option(help="Which chain of an HDF5 file, from 0.", min=0)] = None,
    extents: FileExtents = None,
    group: FileGroup = None,
    ranks: Ranks = 1,
    oversubscribe: Oversubscribe = False,
) -> None:
    """Convert a sound configuration; it is checked before, and what was written is read back and checked after.

    Links are written as they are, bit for bit where the precision stays. Several ranks read and write their own slices.
    """
    from gaugeflow.cli.conversion import open_source, wanted_file, write_foreign, write_ours
    from gaugeflow.ensembles.atomic import require_writable

    target, choices = _format(out, to), (precision, byte_order, two_rows, reunitarise)
    if target == "gaugeflow" and (ranks > 1 or any(choices)):
        raise ConfigError(
            f"--to {target}: our files keep the links as they are and are written by one rank; leave other options out"
        )
    given = parse_extents(extents)
    comm = start_ranks(ranks, 1, oversubscribe)
    if out.exists():
        raise FileError(f"{out}: is there already; remove it or give another name")
    require_writable(out)
    opened = open_source(source, configuration, chain, given, group, comm)
    if target == "gaugeflow":
        text = write_ours(opened, out)
    else:
        text = write_foreign(*wanted_file(opened, target, *choices), out, comm)
    if comm.rank == 0:
        typer.echo(f"{out}: {text}")


def _format(out: Path, to: str | None) -> str:
    if to is None:
        to = SUFFIXES.get(out.suffix)
        if to is None:
            raise ConfigError(f"{out}: no format goes with this suffix; say --to {', '.join(FORMATS)}")
    if to not in FORMATS:
        raise ConfigError(f"--to: got {to!r}, wanted one of {', '.join(FORMATS)}")
    return to
