"""`gaugeflow info`: what a file holds and where it came from, without judging it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from gaugeflow.ensembles.reader import ChunkFile

LOG_WIDTH = 160
"""Columns where the output is no terminal."""


def info(file: Annotated[Path, typer.Argument(help="HDF5 file of any kind.")]) -> None:
    """Print identity, provenance, spec and datasets of a file; `gaugeflow check` says whether they can be trusted."""
    from rich.console import Console

    from gaugeflow.ensembles.reader import open_file

    console = Console()
    console = console if console.is_terminal else Console(width=LOG_WIDTH)
    with open_file(file) as opened:
        console.print(_identity(opened))
        console.print(_datasets(opened))


def _identity(file: "ChunkFile") -> "Table":
    from rich.table import Table
    from rich.text import Text

    from gaugeflow.ensembles.archive_record import events
    from gaugeflow.ensembles.schema import ARCHIVED

    table = Table("attribute", "value", title=file.name, title_justify="left", show_header=False)
    for name, value in sorted(file.attributes.items()):
        if name not in ("spec", "provenance"):
            table.add_row(name, Text(str(value), overflow="fold"))
    for event in events(file.path) if file.kind == ARCHIVED else []:
        place = f" {'from' if event.what == 'restored' else 'to'} {event.place}" if event.place else ""
        table.add_row("links", Text(f"{event.what}{place}, {event.when}", overflow="fold"))
    for name in ("spec", "provenance"):
        if name in file.attributes:
            table.add_section()
            for key, value in _flattened(name, getattr(file, name)):
                table.add_row(key, Text(str(value), overflow="fold"))
    return table


def _flattened(prefix: str, content: object) -> list[tuple[str, object]]:
    """Nested mappings as dotted keys: {"spec": {"seed": 1}} -> ("spec.seed", 1)."""
    if not isinstance(content, dict):
        return [(prefix, content)]
    return [row for key, value in content.items() for row in _flattened(f"{prefix}.{key}", value)]


def _datasets(file: "ChunkFile") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table("dataset", "shape", "type", "units", "description")
    for name in file.names:
        shape = " x ".join(map(str, file.shape(name)))
        table.add_row(name, shape, file.dtype(name), *map(Text, file.label(name)))
    return table
