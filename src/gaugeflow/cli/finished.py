"""What the stages that write a chunk's file do alike at their end."""

from pathlib import Path

import typer


def already_complete(out: Path, receipt: Path | None) -> None:
    """Say that there is nothing to do, and write the receipt that the workflow may miss; for one rank."""
    from gaugeflow.ensembles.receipt import write_receipt

    write_receipt(receipt, out)
    typer.echo(f"{out}: already complete")
