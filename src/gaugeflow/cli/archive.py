"""`gaugeflow archive`: move the links of finished chunks elsewhere, delete them, or bring them back."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaugeflow.errors import ConfigError, FileError

if TYPE_CHECKING:
    from gaugeflow.ensembles.needs import Held, Wanted


def archive(
    chunks: Annotated[list[Path], typer.Argument(help="HDF5 files of configurations.")],
    to: Annotated[Path | None, typer.Option(help="Folder to move them to, as FOLDER/<ensemble id>/<name>.")] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the links; nothing else of the files.")] = False,
    restore: Annotated[bool, typer.Option("--restore", help="Bring the links back from where they went.")] = False,
    source: Annotated[
        Path | None, typer.Option("--from", help="With --restore: the archived file, if it is not where it was moved.")
    ] = None,
    final: Annotated[
        bool, typer.Option("--final", help="The last chunk of a chain may go: the chain will not be continued.")
    ] = False,
    study: Annotated[
        list[str] | None, typer.Option(help="Keep what this study needs as well; may be given several times.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge everything and say what would be done.")] = False,
) -> None:
    """Move or delete the links of chunks that nobody needs any more; a small file with all the rest takes their place.

    For the workflow and the analysis nothing changes. Every file is verified, and every reason to keep one is named,
    before the first is touched. What was done is written to <chunk>.archive.json.
    """
    if (to is not None) + delete + restore != 1:
        raise ConfigError("archive: give one of --to FOLDER, --delete and --restore")
    if source is not None and not (restore and len(chunks) == 1):
        raise ConfigError("--from: goes with --restore and a single file")
    _refuse_links_and_doubles(chunks)
    if restore:
        _restore(chunks, source, dry_run)
        return
    planned = _plan(chunks, to, final, _wanted(study or []))
    for path, held, place in planned:
        _archive_one(path, held, place, dry_run)


def _refuse_links_and_doubles(chunks: list[Path]) -> None:
    for path in chunks:
        if path.is_symlink():
            raise FileError(f"{path}: is a link to {path.readlink()}; give the file itself")
    absolute = [path.resolve() for path in chunks]
    if twice := next((path for path in absolute if absolute.count(path) > 1), None):
        raise ConfigError(f"{twice}: was given twice; give every file once")


def _plan(
    chunks: list[Path], to: Path | None, final: bool, wanted: "Wanted"
) -> list[tuple[Path, "Held | None", Path | None]]:
    """(file, what it holds or None if it is archived, where it goes or None if nowhere), everything judged.

    Raises    FileError that lists every reason to keep a file
    """
    from gaugeflow.ensembles.archive import check_place, is_archived, place_in
    from gaugeflow.ensembles.needs import Held, needs
    from gaugeflow.ensembles.verify import verify_file

    verify = cache(verify_file)
    planned: list[tuple[Path, Held | None, Path | None]] = []
    problems: list[str] = []
    for path in chunks:
        if not (result := verify(path)).ok:
            problems.append(f"{path}: {result.problems[0]}")
        elif is_archived(path):
            planned.append((path, None, None))
        else:
            held = Held(path, verify)
            problems += [f"{path}: {reason}" for reason in needs(held, wanted, final=final, forever=to is None)]
            planned.append((path, held, to and place_in(to, held)))
    for _, held, place in planned:
        if not problems and held and place:
            check_place(held, place)
    if problems:
        raise FileError("nothing was archived:\n" + "\n".join(f"  {problem}" for problem in problems))
    return planned


def _archive_one(path: Path, held: "Held | None", place: Path | None, dry_run: bool) -> None:
    from gaugeflow.ensembles.archive import clean, move

    if held is None:
        clean(path)
        typer.echo(f"{path}: is archived already")
        return
    size = path.stat().st_size
    if not dry_run:
        move(held, place)
    freed = f"{(size - path.stat().st_size) / 1e6:.1f} MB freed" if not dry_run else f"{size / 1e6:.1f} MB, dry run"
    typer.echo(f"{path}: links {f'moved to {place}' if place else 'deleted'}, {freed}")


def _restore(chunks: list[Path], source: Path | None, dry_run: bool) -> None:
    from gaugeflow.ensembles.archive import clean, is_archived, restore

    for path in chunks:
        if not is_archived(path):
            if not dry_run:
                clean(path)
            typer.echo(f"{path}: its links are here")
        elif dry_run:
            typer.echo(f"{path}: would be restored")
        else:
            found = restore(path, source)
            typer.echo(f"{path}: restored from {found}, which stays")


def _wanted(names: list[str]) -> "Wanted":
    """Series and starts of these studies at both scales."""
    from gaugeflow.config.load import SCALES, load_study
    from gaugeflow.config.schema import FileStart
    from gaugeflow.ensembles.needs import Wanted

    series: dict[str, frozenset[str]] = {}
    starts: dict[str, str] = {}
    for study in (load_study(name, scale) for name in names for scale in SCALES):
        folders = {study.measure_folder, *study.flow_folders}
        for ensemble in study.ensembles:
            series[ensemble.ensemble_id] = series.get(ensemble.ensemble_id, frozenset()) | folders
            if ensemble.foreign is None and isinstance(ensemble.spec.start, FileStart):
                starts[ensemble.spec.start.content_sha256] = ensemble.label
    return Wanted(series, starts)
