"""Which run is meant: by the study that was submitted, or by its root."""

import json
import os
from pathlib import Path

from gaugeflow.config.load import FILE_NAME, find_study, load_study
from gaugeflow.config.study import Study
from gaugeflow.coordinator.places import Places
from gaugeflow.coordinator.run_folder import RunFolder, folder_at
from gaugeflow.errors import ConfigError, FileError

DEFAULT_SCALE = "full"


def default_root(name: str, scale: str) -> Path:
    """Where a study's outputs go if nobody says otherwise."""
    return Path("runs") / f"{name}-{scale}"


def submitted(study_or_root: str, root: str | None = None, scale: str | None = None) -> RunFolder:
    """The run folder of an earlier submission, named by its root or by the study that was submitted.

    scale     None: full, or the other one if only that was submitted

    Raises    ConfigError if the study is not known, FileError if it was never submitted
    """
    if root is not None:
        places = [Path(root)]
    elif (Path(study_or_root) / "run" / "run.json").is_file():
        places = [Path(study_or_root)]
    else:
        name = _name(study_or_root)
        places = [default_root(name, one) for one in ([scale] if scale else [DEFAULT_SCALE, "tiny"])]
    for place in places:
        folder = folder_at(place)
        if folder.record.is_file():
            folder.read()
            return folder
    looked = ", ".join(str(place) for place in places)
    known = ", ".join(sorted(str(path.parents[1]) for path in Path("runs").glob("*/run/run.json"))) or "none"
    raise FileError(
        f"{study_or_root}: no submission found at {looked}; roots below runs/: {known}; "
        "name the root folder, or submit: gaugeflow submit STUDY --profile NAME"
    )


def _name(study: str) -> str:
    path = find_study(study)
    return path.parent.resolve().name if path.name == FILE_NAME else path.stem


def find_run(text: str, scale: str | None, root: Path | None) -> tuple[Study, Places]:
    """The study and the places of a run.

    text    a study (folder name or path), or the ROOT of a run that was submitted
    scale   None: that of the run, or full
    root    None: that of the run, or `default_root`

    Raises  ConfigError for a study that is not found or wrong, or a scale or a root that contradict the run's record;
            FileError for a record that cannot be read
    """
    own = Places(Path(text))
    if not own.record.is_file():
        study = load_study(text, scale or "full")
        return study, Places(root or default_root(study.name, study.scale))
    recorded, recorded_scale = _recorded(own.record)
    if scale not in (None, recorded_scale):
        raise ConfigError(f"--scale: got {scale}, wanted {recorded_scale}, that of the run in {text}; leave it out")
    if root is not None and root.resolve() != own.root.resolve():
        raise ConfigError(f"--root: got {root} beside {text}, which is the root of a run itself; leave one of them out")
    return load_study(recorded, recorded_scale), own


def _recorded(path: Path) -> tuple[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return os.fspath(content["study"]), str(content["scale"])
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}; give the study and --root") from error
    except (ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path}: no record of a run with study and scale; give the study and --root") from error
