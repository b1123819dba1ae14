"""`gaugeflow check`: is every file whole, and does it hold what it says?"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaugeflow.errors import FileError

if TYPE_CHECKING:
    from gaugeflow.ensembles.verify import Verification


def check(
    files: Annotated[list[Path], typer.Argument(help="HDF5 files of any kind.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list instead of lines.")] = False,
) -> None:
    """Verify structure, hash, checksums, unitarity, stored plaquettes and numbering; exit code 3 if anything fails."""
    from gaugeflow.ensembles.verify import verify_file

    results = []
    for path in files:
        results.append(verify_file(path))
        if not as_json:
            typer.echo(_line(results[-1]))
    results += _gaps(files)
    if as_json:
        listed = [{"file": r.path, "ok": r.ok, "problems": list(r.problems), **r.summary} for r in results]
        typer.echo(json.dumps(listed, indent=2))
    else:
        for gap in results[len(files) :]:
            typer.echo(_line(gap))
    if not all(result.ok for result in results):
        raise typer.Exit(FileError.exit_code)


def _line(result: "Verification") -> str:
    if result.ok:
        s = result.summary
        chains = f" x {s['chains']} chains" if "chains" in s else ""
        count = f", {s['configurations']} configurations{chains}" if "configurations" in s else ""
        return f"ok      {result.path}: {s['kind']}, chunk {s['chunk']}{count}, {s.get('ensemble_id', 'restart file')}"
    more = f" (and {len(result.problems) - 1} more)" if result.problems[1:] else ""
    return f"FAILED  {result.path}: {result.problems[0]}{more}"


def _gaps(files: list[Path]) -> list["Verification"]:
    """One failure for every folder of the given files that lacks a chunk between two others."""
    from gaugeflow.ensembles.verify import Verification, missing_chunks

    folders = sorted({path.parent for path in files if path.is_file()})
    gaps = {folder: missing_chunks(folder) for folder in folders}
    return [
        Verification(str(folder), (f"{', '.join(missing)} missing between other chunks: make it again",), {})
        for folder, missing in gaps.items()
        if missing
    ]
