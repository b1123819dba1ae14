"""`gaugeflow catalogue`: one chunk of an ensemble of other codes' files, checked and listed."""

from pathlib import Path
from typing import Annotated

import typer

from gaugeflow.cli.finished import already_complete
from gaugeflow.cli.options import Receipt
from gaugeflow.errors import ConfigError, FileError


def catalogue(
    study: Annotated[str, typer.Argument(help="Study name, folder or YAML file.")],
    ensemble: Annotated[str, typer.Option(help="Ensemble id or label.")],
    chunk: Annotated[int, typer.Option(help="Number of the chunk, from 0.", min=0)],
    out: Annotated[Path, typer.Option(help="HDF5 catalogue to write.")],
    scale: Annotated[str, typer.Option(help="full or tiny.")] = "full",
    receipt: Receipt = None,
) -> None:
    """Check every file of a chunk and write what it holds but its links; measure and flow read those where they are."""
    from gaugeflow.cli.progress import progress
    from gaugeflow.config.load import load_study
    from gaugeflow.config.spec_file import make_spec
    from gaugeflow.ensembles.atomic import require_writable
    from gaugeflow.ensembles.catalogue import Judged, judged, write_catalogue
    from gaugeflow.ensembles.complete import catalogue_complete
    from gaugeflow.ensembles.receipt import write_receipt
    from gaugeflow.formats.check import check_file
    from gaugeflow.jobs import attempts
    from gaugeflow.jobs.clock import check_clock

    chosen = load_study(study, scale).ensemble(ensemble)
    if chosen.foreign is None:
        raise ConfigError(f"{chosen.label}: is a chain, not files of another code; gaugeflow generate makes its chunks")
    found, spec = chosen.foreign.chunk(chunk), make_spec(chosen, None)
    require_writable(out)
    chains = len(found.chains)
    if catalogue_complete(out, found, spec, chunk):
        already_complete(out, receipt)
        return
    attempts.record("chunk", **spec.identity(chunk), files=len(found.paths))
    check_clock(out)
    files: list[Judged] = []
    problems: list[str] = []
    with progress("files", len(found.paths)) as advance:
        for path, name in zip(found.paths, (name for row in found.names for name in row), strict=True):
            try:
                verdict = check_file(path, extents=chosen.spec.extents, group=chosen.spec.group)
                files.append(judged(path, name, verdict))
            except FileError as error:
                problems.append(str(error))
            advance(len(files) + len(problems))
    if problems:
        raise FileError("\n".join(problems))
    rows = [files[i : i + chains] for i in range(0, len(files), chains)]
    digest = write_catalogue(out, rows, found.trajectories, spec, chunk)
    write_receipt(receipt, out)
    warnings = [
        f"{path}: {text}" for path, file in zip(found.paths, files, strict=True) for text in file.record.warnings
    ]
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"{out}: {len(rows)} configurations of {chains} chains, {len(warnings)} warnings, content {digest}")
