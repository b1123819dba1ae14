"""From what a user asks for to a coordinator at work: record, preflight, start."""

import logging
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import gaugeflow
from gaugeflow.config.load import find_study, load_study
from gaugeflow.config.study import Study
from gaugeflow.coordinator import preflight
from gaugeflow.coordinator.command import checked_options, checked_settings, checked_study, snakefile
from gaugeflow.coordinator.coordinate import TIME_IS_UP, coordinate, require_alone
from gaugeflow.coordinator.failures import failure_lines
from gaugeflow.coordinator.finding import default_root
from gaugeflow.coordinator.leftovers import Leftovers, coordinator_jobs
from gaugeflow.coordinator.profile import Profile, load_profile
from gaugeflow.coordinator.run_folder import RunFolder, RunRecord, folder_at, now
from gaugeflow.coordinator.starting import Way, handle_of_this_process, start_as_job, start_in_tmux
from gaugeflow.ensembles.provenance import commit
from gaugeflow.errors import ConfigError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Submission:
    """A run that has been checked and may start."""

    folder: RunFolder
    record: RunRecord
    study: Study
    profile: Profile


def new_submission(
    study: str, scale: str, root: str | None, profile: str, settings: list[str], options: list[str]
) -> Submission:
    """What a submission would be; nothing is written.

    settings    KEY=VALUE for Snakemake's --config
    options     further arguments of Snakemake

    Raises      ConfigError for anything that is not valid, or a root of another study
    """
    loaded = load_study(study, scale)
    folder = folder_at(root if root is not None else default_root(loaded.name, scale))
    chosen = load_profile(profile)
    snakefile()
    record = RunRecord(
        study=checked_study(find_study(study)),
        name=loaded.name,
        scale=scale,
        profile=str(chosen.folder),
        settings=checked_settings(settings),
        options=checked_options(options),
        versions=_versions(),
        submitted=now(),
    )
    preflight.check_same_run(folder, loaded)
    return Submission(folder, record, loaded, chosen)


def earlier_submission(folder: RunFolder) -> Submission:
    """The submission of a root, its study and profile read again.

    Raises    ConfigError, FileError
    """
    record = folder.read()
    return Submission(folder, record, load_study(record.study, record.scale), load_profile(record.profile))


def start(
    submission: Submission, way: Way, *, minutes: int, leftovers: Leftovers, accept_changes: bool, renew: bool
) -> tuple[int, str]:
    """Check, note what was asked for, and coordinate here or start who does; exit code and what to tell the user.

    minutes    time limit of a coordinator that is a job
    renew      write run.json: a new submission

    Raises     ConfigError, FileError: nothing was started
    """
    folder, record, profile = submission.folder, submission.record, submission.profile
    require_alone(folder)
    own_way, handle = handle_of_this_process(folder)
    if profile.executor == "slurm" and (others := coordinator_jobs(folder, handle)):
        raise ConfigError(
            f"{folder.root}: job {others[0].job_id} ({others[0].state}) coordinates it or is about to; "
            f"`gaugeflow cancel {folder.root}` stops it; nothing was started"
        )
    preflight.check(folder, submission.study, profile, settings=record.settings, accept_changes=accept_changes)
    if renew:
        folder.write(record)
    if way is Way.TMUX:
        return 0, start_in_tmux(folder, leftovers)
    if way is Way.JOB:
        return 0, start_as_job(folder, profile, minutes, leftovers)
    code, log = coordinate(folder, record, profile, how=own_way, handle=handle, leftovers=leftovers)
    if code == TIME_IS_UP and own_way is Way.JOB:
        return 0, start_as_job(folder, profile, minutes, Leftovers.WAIT_RUNNING, after=handle)
    return (75 if code == TIME_IS_UP else code), _ended(folder, code, log)


def _ended(folder: RunFolder, code: int, log: Path | None) -> str:
    if code == 0:
        return (
            f"{folder.root}: done; results in {folder.root / 'results'}, report {folder.root / 'results/report.html'}"
        )
    how = {TIME_IS_UP: "stopped", 75: "stopped", 130: "interrupted"}.get(code, "failed")
    lines = failure_lines(folder, log) if code == 1 and log is not None else []
    last = f"{folder.root}: {how}; what was saved stays; go on with: gaugeflow resume {folder.root}; log {log}"
    return "\n".join([*lines, last])


def _versions() -> dict[str, str]:
    return {
        "gaugeflow": gaugeflow.__version__,
        "commit": commit(),
        "snakemake": metadata.version("snakemake"),
        "python": platform.python_version(),
    }
