"""Final tables from whatever a run has finished, with marks on what is preliminary.

Only ROOT/data is read, and only whole files: it does not matter whether jobs run, or who coordinates them.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gaugeflow.analysis.loading import Chunk, study_data
from gaugeflow.analysis.loading_models import tested_models
from gaugeflow.analysis.partial import is_incomplete, with_partial
from gaugeflow.analysis.results import write_results
from gaugeflow.analysis.runner import analyse_study
from gaugeflow.config.study import Study
from gaugeflow.coordinator.leading_run import LeadingRun, leading_run
from gaugeflow.coordinator.places import Places
from gaugeflow.ensembles.atomic import atomic_path
from gaugeflow.errors import ConfigError, FileError
from gaugeflow.report.latex import macros_file, table_file
from gaugeflow.report.tables import csv_table

STATE = "state.json"
"""State of all ensembles, written whether the analysis succeeds or not."""


@dataclass(frozen=True)
class Failure:
    """The study's analysis does not get through with what is complete.

    function    what failed, with file and line; empty if there was nothing to analyse
    reason      type and text of the error
    needs       labels of ensembles that were left out and may be what it wants
    """

    function: str
    reason: str
    needs: tuple[str, ...]

    def __str__(self) -> str:
        if not self.function:
            return self.reason
        wanted = f"; it had to do without {', '.join(self.needs)}" if self.needs else ""
        return f"{self.function} failed on what is complete: {self.reason}{wanted}"


@dataclass(frozen=True, eq=False)
class Collected:
    """Results of a run as far as it is: content of results.json or a Failure, and the state of every ensemble."""

    study: Study
    runs: tuple[LeadingRun, ...]
    results: dict[str, Any] | None
    failure: Failure | None

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return all(run.used == run.wanted.chunks for run in self.runs)

    @property
    def state(self) -> list[dict[str, Any]]:
        """Entries as in `partial.ensembles`, of all ensembles."""
        return [run.as_json() for run in self.runs]


def collect(study: Study, places: Places) -> Collected:
    """Analyse the complete chunks of a run.

    Raises  FileError if there is no run in `places`; what the analysis raises, if nothing is missing
    """
    if not places.ensembles.is_dir():
        raise FileError(
            f"{places.ensembles}: not there: nothing of study {study.name} ({study.scale}) was run under {places.root}"
            "; run gaugeflow submit first, or say where with --root"
        )
    runs = tuple(leading_run(study, ensemble, places) for ensemble in study.ensembles)
    if not any(run.used for run in runs):
        return Collected(study, runs, None, Failure("", _nothing(study, places), ()))
    present = [run for run in runs if run.used]
    whole = {run.wanted.ensemble_id for run in runs if run.used == run.wanted.chunks}
    models = [t for t in tested_models(study, places.models) if whole.issuperset(e.ensemble_id for e in t.test)]
    shorter = replace(study, ensembles=tuple(run.ensemble for run in present), trainings=tuple(models))
    entries = [run.as_json() for run in runs]
    files = [chunk for run in present for chunk in run.files]
    if not any(is_incomplete(entry) for entry in entries):
        return Collected(study, runs, analyse_study(shorter, study_data(shorter, files, places.models)), None)
    try:
        results = _analysed(shorter, files, places.models, left_out=[run.wanted.label for run in runs if not run.used])
    except StudyFailed as error:
        return Collected(study, runs, None, error.failure)
    return Collected(study, runs, with_partial(results, entries), None)


def require_own(folder: Path, places: Places) -> None:
    """ConfigError for a folder inside data/ or results/ of the run, which are the workflow's."""
    for taken in (places.data, places.results):
        if folder.resolve().is_relative_to(taken.resolve()):
            raise ConfigError(f"--out: got {folder}, wanted a folder outside of {taken}, which is the workflow's")


def write(collected: Collected, folder: Path, places: Places) -> list[Path]:
    """Write results.json, table.csv, numbers.tex, <study>.tex and the state; each appears whole or not at all.

    Without results only the state is written, and the others of an earlier call are removed.

    Returns   what was written
    Raises    ConfigError for a folder inside data/ or results/ of the run, which are the workflow's
    """
    require_own(folder, places)
    study, results = collected.study, collected.results
    names = ("results.json", "table.csv", "numbers.tex", f"{study.name}.tex")
    if results is None:
        if (folder / STATE).is_file():
            for name in names:
                (folder / name).unlink(missing_ok=True)
        return [_write(folder / STATE, _state_text(collected))]
    texts = (csv_table(results), macros_file([results]), table_file(results))
    write_results(folder / names[0], results)
    written = [_write(folder / name, text) for name, text in zip(names[1:], texts, strict=True)]
    return [folder / names[0], *written, _write(folder / STATE, _state_text(collected))]


class StudyFailed(Exception):
    """The study's analysis raised something."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


def _analysed(study: Study, files: Sequence[Chunk], models: Path, left_out: Sequence[str]) -> dict[str, Any]:
    data = study_data(study, files, models)
    try:
        return analyse_study(study, data)
    except Exception as error:
        raise StudyFailed(_failure(study, error, left_out)) from error


def _failure(study: Study, error: Exception, left_out: Sequence[str]) -> Failure:
    """The innermost function of the study that the error passed through, or where it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).parent == study.folder]
    frame = (own or frames)[-1]
    where = f"{frame.name} ({frame.filename if own else Path(frame.filename).name}, line {frame.lineno})"
    text = f"{type(error).__name__}: {error}"
    named = tuple(label for label in left_out if label in text)
    return Failure(where, text, named or tuple(left_out))


def _nothing(study: Study, places: Places) -> str:
    """Why there is nothing to analyse, and what may be the reason."""
    wanted = {ensemble.ensemble_id for ensemble in study.ensembles}
    others = sorted(path.name for path in places.ensembles.iterdir() if path.is_dir() and path.name not in wanted)
    text = f"no ensemble of study {study.name} ({study.scale}) has a complete chunk under {places.root}"
    if others and len(others) == sum(path.is_dir() for path in places.ensembles.iterdir()):
        return (
            f"{text}, and none of the {len(others)} ensembles there is of this study ({others[0]}, ..): "
            "it was changed since, or is of another scale or root"
        )
    return text


def _state_text(collected: Collected) -> str:
    failure = collected.failure
    content = {
        "study": collected.study.name,
        "scale": collected.study.scale,
        "complete": collected.complete,
        "ensembles": collected.state,
        "failure": None if failure is None else asdict(failure),
    }
    return json.dumps(content, indent=1) + "\n"


def _write(path: Path, text: str) -> Path:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path
