"""`gaugeflow check`: is every file whole, and does it hold what it says?  Our files and other codes' configurations."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gaugeflow.cli.options import FileExtents, FileGroup, parse_extents
from gaugeflow.errors import FileError

if TYPE_CHECKING:
    from gaugeflow.ensembles.verify import Verification
    from gaugeflow.formats.check import Verdict


@dataclass(frozen=True)
class Outcome:
    """What is said about one file or folder.

    text      what it holds, in words
    summary   the same for programs
    """

    path: str
    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    text: str = ""
    summary: dict[str, Any] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """One line, and one for every warning."""
        first = (
            f"FAILED  {self.path}: {'; '.join(self.problems)}" if self.problems else f"ok      {self.path}: {self.text}"
        )
        return [first, *(f"warning {self.path}: {warning}" for warning in self.warnings)]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON types."""
        found = {"problems": list(self.problems), "warnings": list(self.warnings)}
        return {"file": self.path, "ok": not self.problems, **found, **self.summary}

    def strict(self) -> "Outcome":
        """Warnings as problems."""
        return dataclasses.replace(self, problems=self.problems + self.warnings, warnings=())


def check(
    files: Annotated[list[Path], typer.Argument(help="Our HDF5 files, or configurations of other codes.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list instead of lines.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for failures.")] = False,
    extents: FileExtents = None,
    group: FileGroup = None,
) -> None:
    """Verify structure, checksums, plaquette, unitarity and what else a file says; exit code 3 if anything fails.

    Formats are told from the content: ILDG and SciDAC (LIME), NERSC, MILC, openQCD, our HDF5 files of any kind, and
    weights of networks.
    """
    outcomes = []
    for path in files:
        outcome = _outcome(path, parse_extents(extents), group, links=as_json)
        outcomes.append(outcome.strict() if strict else outcome)
        if not as_json:
            _print(outcomes[-1])
    gaps = _gaps(files)
    if as_json:
        typer.echo(json.dumps([outcome.as_json() for outcome in outcomes + gaps], indent=2))
    else:
        for gap in gaps:
            _print(gap)
    if any(outcome.problems for outcome in outcomes + gaps):
        raise typer.Exit(FileError.exit_code)


def _print(outcome: Outcome) -> None:
    for line in outcome.lines():
        typer.echo(line)


def _outcome(path: Path, extents: tuple[int, ...] | None, group: str | None, *, links: bool) -> Outcome:
    from gaugeflow.formats.reading import is_hdf5

    try:
        ours = is_hdf5(path)
    except FileError as error:
        return Outcome(str(path), (str(error).removeprefix(f"{path}: "),))
    if ours:
        from gaugeflow.ensembles.verify import verify_file

        return _ours(verify_file(path))
    from gaugeflow.ensembles.weights_file import is_weights, verify_weights

    if is_weights(path):
        return _ours(verify_weights(path))
    from gaugeflow.cli.progress import progress
    from gaugeflow.formats.check import check_file

    return _foreign(check_file(path, extents=extents, group=group, watch=progress, links=links))


def _ours(result: "Verification") -> Outcome:
    s = result.summary
    if not result.ok:
        return Outcome(result.path, result.problems, summary=s)
    chains = f" x {s['chains']} chains" if "chains" in s else ""
    count = f", {s['configurations']} configurations{chains}" if "configurations" in s else ""
    count += f", {s['epochs']} epochs" if "epochs" in s else ""
    count += f", {s['tensors']} tensors" if "tensors" in s else ""
    chunk = f", chunk {s['chunk']}" if "chunk" in s else ""
    text = f"{s['kind']}{chunk}{count}, {s.get('model_id') or s.get('ensemble_id', 'restart file')}"
    return Outcome(result.path, (), text=text, summary=s)


def _foreign(verdict: "Verdict") -> Outcome:
    from gaugeflow.formats.check import checksum_text

    summary: dict[str, Any] = {}
    text = ""
    if verdict.header is not None:
        from gaugeflow.cli.info import header_summary, header_text

        summary, text = header_summary(verdict.header), header_text(verdict.header)
    if verdict.judgement is not None:
        summary |= dataclasses.asdict(verdict.judgement)
        summary["checksums"] = {name: checksum_text(values) for name, values in verdict.checksums.items()}
        text += f", plaquette {verdict.judgement.plaquette:.10g}"
    for name in verdict.header.claims.checksums if verdict.header else ():
        if name in verdict.checksums:
            text += f", {name} checksum {checksum_text(verdict.checksums[name])}"
    return Outcome(verdict.path, verdict.problems, verdict.warnings, text, summary)


def _gaps(files: list[Path]) -> list[Outcome]:
    """One failure for every folder of the given files that lacks a chunk between two others."""
    from gaugeflow.ensembles.verify import missing_chunks

    folders = sorted({path.parent for path in files if path.is_file()})
    gaps = {folder: missing_chunks(folder) for folder in folders}
    return [
        Outcome(str(folder), (f"{', '.join(missing)} missing between other chunks: make it again",))
        for folder, missing in gaps.items()
        if missing
    ]
