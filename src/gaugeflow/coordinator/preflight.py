"""What can be known to fail before anything runs: the root, the study against what exists, disk, profile, scheduler."""

from collections.abc import Iterable, Mapping

from gaugeflow.config.cost import estimate
from gaugeflow.config.study import Study
from gaugeflow.coordinator.chunks import chunk_files, listed
from gaugeflow.coordinator.cluster import check_cluster
from gaugeflow.coordinator.profile import Profile
from gaugeflow.coordinator.run_folder import RunFolder
from gaugeflow.ensembles.atomic import require_writable
from gaugeflow.errors import ConfigError
from gaugeflow.jobs.clock import check_clock
from gaugeflow.jobs.disk import require_free

SHOWN = 10


def check(
    folder: RunFolder,
    study: Study,
    profile: Profile,
    *,
    settings: Mapping[str, str] | None = None,
    accept_changes: bool = False,
) -> None:
    """Refuse what cannot run to its end.

    settings          of the workflow, over the profile's
    accept_changes    the study may leave out ensembles that exist and ask for new ones; nothing is deleted

    Raises            ConfigError for a study that was changed, placeholders of a profile, what the scheduler refuses;
                      FileError for a root that cannot be written, clocks apart, a disk that is too small, a
                      scheduler that is down
    """
    if profile.placeholders:
        raise ConfigError(
            f"{profile.file}: {', '.join(profile.placeholders)} still to be filled in; put in what your site says, "
            "see cluster/README.md"
        )
    require_writable(folder.record)
    check_clock(folder.record)
    if not accept_changes:
        check_unchanged(folder, study)
    check_disk(folder, study)
    if profile.executor == "slurm":
        check_cluster(study, profile, settings)


def check_same_run(folder: RunFolder, study: Study) -> None:
    """Refuse a root that belongs to another study or scale.

    Raises    ConfigError
    """
    if not folder.record.is_file():
        return
    before = folder.read()
    if (before.name, before.scale) != (study.name, study.scale):
        raise ConfigError(
            f"{folder.root}: holds study {before.name} at scale {before.scale}, wanted {study.name} at scale "
            f"{study.scale}; choose another --root"
        )


def check_unchanged(folder: RunFolder, study: Study) -> None:
    """Refuse a study whose ensembles were changed after they were made: the old ones would lie idle, new ones begin.

    Raises    ConfigError listing both
    """
    there = set(listed(folder.ensembles))
    left = sorted(there - {ensemble.ensemble_id for ensemble in study.ensembles})
    new = [ensemble for ensemble in study.ensembles if ensemble.ensemble_id not in there]
    if left and new:
        raise ConfigError(
            f"{study.file}: was changed after its ensembles were made. In {folder.ensembles} and not in the study any "
            f"more: {_list(left)}; in the study and not there: {_list(f'{e.ensemble_id} ({e.label})' for e in new)}. "
            "Undo the change, or choose another --root, or say --accept-changes to keep the old ones and make the new"
        )


def check_disk(folder: RunFolder, study: Study) -> None:
    """Refuse if the chunks that are missing do not fit: their configurations, and the restart state of the largest.

    Raises    FileError
    """
    missing = {
        ensemble: ensemble.chunks - len(chunk_files(folder.ensembles, ensemble, study).configs)
        for ensemble in study.ensembles
    }
    sizes = {ensemble: estimate(ensemble).disk / ensemble.chunks for ensemble, count in missing.items() if count}
    needed = sum(size * missing[ensemble] for ensemble, size in sizes.items()) + max(sizes.values(), default=0.0)
    chunks = sum(missing.values())
    require_free(folder.root, int(needed), f"{chunks} chunk{'s' if chunks > 1 else ''} of {study.name}")


def _list(entries: Iterable[str]) -> str:
    found = list(entries)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more
