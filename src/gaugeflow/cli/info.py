"""`gaugeflow info`: what a file holds and where it came from, without judging it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gaugeflow.cli.options import FileExtents, FileGroup, parse_extents

if TYPE_CHECKING:
    from rich.table import Table

    from gaugeflow.ensembles.reader import ChunkFile
    from gaugeflow.formats.header import Header

LOG_WIDTH = 160
"""Columns where the output is no terminal."""


def info(
    file: Annotated[
        Path,
        typer.Argument(help="Our HDF5 file of any kind, weights of a network, or a configuration of another code."),
    ],
    extents: FileExtents = None,
    group: FileGroup = None,
) -> None:
    """Print identity, provenance and content of a file; `gaugeflow check` says whether they can be trusted."""
    from rich.console import Console

    from gaugeflow.ensembles.weights_file import is_weights
    from gaugeflow.formats.reading import is_hdf5, read_header

    console = Console()
    console = console if console.is_terminal else Console(width=LOG_WIDTH)
    if not is_hdf5(file) and is_weights(file):
        console.print(_weights(file))
        return
    if not is_hdf5(file):
        console.print(_header(str(file), read_header(file, extents=parse_extents(extents), group=group)))
        return
    from gaugeflow.ensembles.reader import open_file

    with open_file(file) as opened:
        console.print(_identity(opened))
        console.print(_datasets(opened))


BYTE_ORDERS = {">": "big", "<": "little"}


def header_summary(header: "Header") -> dict[str, Any]:
    """What a header says, as JSON types."""
    return {
        "format": header.format,
        "group": header.group,
        "extents": list(header.extents),
        "precision": header.precision,
        "byte_order": BYTE_ORDERS[header.dtype.str[0]],
        "rows": header.rows,
    }


def header_text(header: "Header") -> str:
    """The same in one line."""
    lattice = "x".join(map(str, header.extents))
    rows = f", {header.rows} of {header.n} rows" if header.rows < header.n else ""
    order = BYTE_ORDERS[header.dtype.str[0]]
    return f"{header.format}, {header.group} {lattice}, {header.precision} {order}-endian{rows}"


def _header(name: str, header: "Header") -> "Table":
    from rich.table import Table
    from rich.text import Text

    from gaugeflow.formats.check import checksum_text

    table = Table("attribute", "value", title=name, title_justify="left", show_header=False)
    rows = {**header_summary(header), "extents": " x ".join(map(str, header.extents)) + "  (x, y, z, t)"}
    rows["links begin at byte"] = header.offset
    claims = header.claims
    rows |= {"plaquette": claims.plaquette, "link trace": claims.link_trace}
    rows |= {f"{kind} checksum": checksum_text(values) for kind, values in claims.checksums.items()}
    for key, value in rows.items():
        if value is not None:
            table.add_row(key, Text(str(value), overflow="fold"))
    if header.facts:
        table.add_section()
    for key, value in header.facts.items():
        table.add_row(key, Text(value, overflow="fold"))
    if header.warnings:
        table.add_section()
    for warning in header.warnings:
        table.add_row("warning", Text(warning, overflow="fold"))
    return table


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


def _weights(path: Path) -> "Table":
    from rich.table import Table
    from rich.text import Text

    from gaugeflow.ensembles.catalogue import file_sha256
    from gaugeflow.ensembles.weights_file import read_weights_header

    found, (size, sha256) = read_weights_header(path), file_sha256(path)
    table = Table("attribute", "value", title=str(path), title_justify="left", show_header=False)
    rows = {"bytes": size, "sha256": sha256, **{k: v for k, v in found.text.items() if not isinstance(v, dict)}}
    for key, value in rows.items():
        table.add_row(key, Text(str(value), overflow="fold"))
    for name in (key for key, value in found.text.items() if isinstance(value, dict)):
        table.add_section()
        for key, value in _flattened(name, found.text[name]):
            table.add_row(key, Text(str(value), overflow="fold"))
    table.add_section()
    for name, dtype, shape, *_ in found.tensors:
        table.add_row(name, f"{' x '.join(map(str, shape))} {dtype}")
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
