"""How far a submission is: from its files, its attempts' logs and the scheduler, whether a coordinator lives or not."""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from gaugeflow.config.foreign import ForeignSpec
from gaugeflow.config.study import Ensemble, Study
from gaugeflow.coordinator.attempted import (
    Failure,
    computed,
    failure,
    failures_below,
    last_attempt,
    progress_of,
    runs,
)
from gaugeflow.coordinator.chunks import ChunkFiles, chunk_files, first_of, listed, trajectories_of, trajectories_total
from gaugeflow.coordinator.leftovers import live_jobs
from gaugeflow.coordinator.presence import Coordinator, last_coordinator, living_coordinator
from gaugeflow.coordinator.run_folder import RunFolder
from gaugeflow.ensembles.source import trajectory_on_disk
from gaugeflow.errors import FileError
from gaugeflow.jobs import scheduler
from gaugeflow.jobs.lease import shows_life
from gaugeflow.jobs.scheduler import Job

CHUNK_RULES = frozenset({"generate", "catalogue", "measure", "flow"})
RATED_CHUNKS = 3  # latest chunks from whose attempts the speed is taken


@dataclass(frozen=True)
class EnsembleState:
    """How far one ensemble is.

    done + running + queued + failed + waiting = chunks, of its configurations
    flowed                   None if the study flows nothing
    trajectories_per_hour    of its chain while a job runs; None before the first has said something
    seconds_left             of generation at that speed; None if it is not known
    """

    ensemble_id: str
    label: str
    chunks: int
    done: int
    running: int
    queued: int
    failed: int
    waiting: int
    measured: int
    flowed: int | None
    trajectories_done: int
    trajectories_total: int
    trajectories_per_hour: float | None
    seconds_left: float | None


@dataclass(frozen=True)
class Survey:
    """Everything that `gaugeflow status` shows.

    jobs               of this root under the scheduler; None if it does not answer or is not used
    scheduler          what is to be said about it; empty if it answered
    coordinator        the last one; alive: whether it lives
    finished           whether the final tables are there
    """

    study: str
    scale: str
    root: str
    ensembles: tuple[EnsembleState, ...]
    failures: tuple[Failure, ...]
    jobs: tuple[Job, ...] | None
    scheduler: str
    coordinator: Coordinator | None
    alive: bool
    finished: bool


@dataclass
class _Chunks:
    """Chunks of one ensemble that are not done, by what happens to them."""

    running: set[int] = field(default_factory=set)
    queued: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)


def survey(folder: RunFolder, study: Study, executor: str) -> Survey:
    """Look once; reads names of files, logs of what is not done, and asks the scheduler once.

    Raises    nothing of its own: what cannot be read is left out
    """
    jobs, said = _jobs(folder, executor)
    running_jobs = None if jobs is None else {job.job_id for job in jobs if not job.waits}
    failures: list[Failure] = []
    states = [_state(folder, study, ensemble, jobs or (), running_jobs, failures) for ensemble in study.ensembles]
    others = failures_below(folder.root, running_jobs, _other_rules(folder))
    return Survey(
        study=study.name,
        scale=study.scale,
        root=str(folder.root),
        ensembles=tuple(states),
        failures=(*failures, *others),
        jobs=jobs,
        scheduler=said,
        coordinator=last_coordinator(folder),
        alive=living_coordinator(folder) is not None,
        finished=(folder.root / "results" / "scoreboard.csv").is_file()
        and all(state.done == state.measured == state.chunks for state in states),
    )


def _jobs(folder: RunFolder, executor: str) -> tuple[tuple[Job, ...] | None, str]:
    if executor != "slurm":
        return None, f"no scheduler: jobs run as processes ({executor})"
    if not scheduler.present():
        return None, "the scheduler's programs are not installed here: what is queued is not known"
    try:
        return tuple(live_jobs(folder)), ""
    except FileError as error:
        return None, str(error)


def _state(
    folder: RunFolder,
    study: Study,
    ensemble: Ensemble,
    jobs: Sequence[Job],
    running_jobs: Set[str] | None,
    failures: list[Failure],
) -> EnsembleState:
    files = chunk_files(folder.ensembles, ensemble, study)
    missing = frozenset(range(ensemble.chunks)) - files.configs
    rule = "catalogue" if isinstance(ensemble.spec, ForeignSpec) else "generate"
    chunks = _Chunks()
    _from_jobs(chunks, ensemble, rule, missing, jobs)
    place = folder.attempts / rule / ensemble.ensemble_id
    begun, speeds = 0, []
    for chunk in sorted(_attempted(place) & missing | files.begun):
        attempt = last_attempt(place / f"{chunk:04d}")
        saved = _saved(folder, ensemble, chunk) if chunk in files.begun else 0
        begun += min(max(saved, progress_of(attempt) if attempt else 0), trajectories_of(ensemble, chunk))
        owned = _owned(folder, ensemble, chunk) if chunk in files.begun else None
        if attempt is not None and runs(attempt, running_jobs, owned):
            chunks.running.add(chunk)
            speeds.append((computed(attempt, first_of(ensemble, chunk)), attempt.seconds))
        elif owned:
            chunks.running.add(chunk)
        elif (
            attempt is not None
            and chunk not in chunks.running | chunks.queued
            and (found := failure(folder.root, place / f"{chunk:04d}", attempt))
        ):
            chunks.failed.add(chunk)
            failures.append(found)
    chunks.queued -= chunks.running
    speeds += _past_speeds(place, ensemble, files)
    failures += _series_failures(folder, study, ensemble, files, running_jobs)
    total = trajectories_total(ensemble)
    done = sum(trajectories_of(ensemble, chunk) for chunk in files.configs) + begun
    rate = _rate(speeds)
    return EnsembleState(
        ensemble_id=ensemble.ensemble_id,
        label=ensemble.label,
        chunks=ensemble.chunks,
        done=len(files.configs),
        running=len(chunks.running),
        queued=len(chunks.queued),
        failed=len(chunks.failed),
        waiting=len(missing) - len(chunks.running | chunks.queued | chunks.failed),
        measured=len(files.measured),
        flowed=len(files.flowed) if study.flows else None,
        trajectories_done=done,
        trajectories_total=total,
        trajectories_per_hour=rate,
        seconds_left=0.0 if done >= total else (total - done) / rate * 3600 if rate else None,
    )


def _from_jobs(chunks: _Chunks, ensemble: Ensemble, rule: str, missing: Set[int], jobs: Sequence[Job]) -> None:
    """Chunks of an ensemble that the scheduler has; of a job of several the first that is missing runs."""
    others = tuple(f"rule_{name}_wildcards_" for name in (CHUNK_RULES | {"tune"}) - {rule})
    for job in jobs:
        if ensemble.ensemble_id not in job.comment or job.comment.startswith(others):
            continue
        named = re.search(r"_(\d{4})(?:-(\d{4}))?$", job.comment)
        first, last = (int(named[1]), int(named[2] or named[1])) if named else (0, 0)
        held = [chunk for chunk in range(first, last + 1) if chunk in missing] if named else sorted(missing)[:1]
        if held and not job.waits:
            chunks.running.add(held.pop(0))
        chunks.queued.update(held)
    chunks.queued -= chunks.running


def _saved(folder: RunFolder, ensemble: Ensemble, chunk: int) -> int:
    """Trajectories of a chunk that its restart state holds; 0 where it cannot be read."""
    out = folder.ensembles / ensemble.ensemble_id / "configs" / f"{chunk:04d}.h5"
    try:
        number = trajectory_on_disk(out)
    except (FileError, OSError):
        return 0
    return 0 if number is None else number + 1 - first_of(ensemble, chunk)


def _owned(folder: RunFolder, ensemble: Ensemble, chunk: int) -> bool | None:
    """Whether a living process works on a chunk; None where its lease cannot be read."""
    try:
        return shows_life(folder.ensembles / ensemble.ensemble_id / "configs" / f"{chunk:04d}.h5.partial")
    except OSError:
        return None


def _past_speeds(place: Path, ensemble: Ensemble, files: ChunkFiles) -> list[tuple[int, float]]:
    latest = sorted(files.configs)[-RATED_CHUNKS:]
    found = [(chunk, last_attempt(place / f"{chunk:04d}")) for chunk in latest]
    return [(computed(attempt, first_of(ensemble, chunk)), attempt.seconds) for chunk, attempt in found if attempt]


def _rate(speeds: Sequence[tuple[int, float]]) -> float | None:
    """Trajectories per hour of attempts that computed some."""
    used = [(count, seconds) for count, seconds in speeds if count > 0 and seconds > 0]
    return 3600 * sum(count for count, _ in used) / sum(seconds for _, seconds in used) if used else None


def _series_failures(
    folder: RunFolder, study: Study, ensemble: Ensemble, files: ChunkFiles, running_jobs: Set[str] | None
) -> list[Failure]:
    """Measurements and flows whose file is missing and whose last attempt failed."""
    ident = ensemble.ensemble_id
    places = [(folder.attempts / "measure" / ident / study.measure.settings_id, files.measured)]
    places += [(folder.attempts / "flow" / ident / flow.settings_id, files.flowed) for flow in study.flows]
    found = []
    for place, there in places:
        for chunk in sorted(_attempted(place) - there):
            attempt = last_attempt(place / f"{chunk:04d}")
            if attempt is not None and not runs(attempt, running_jobs):
                found.append(failure(folder.root, place / f"{chunk:04d}", attempt))
    return [one for one in found if one is not None]


def _attempted(place: Path) -> frozenset[int]:
    return frozenset(int(name) for name in listed(place) if name.isascii() and name.isdigit())


def _other_rules(folder: RunFolder) -> frozenset[str]:
    return frozenset(listed(folder.attempts)) - CHUNK_RULES
