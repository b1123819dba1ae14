"""From a name or a path to a study."""

import os
import re
from pathlib import Path

from gaugeflow.config.explain import validated
from gaugeflow.config.fields import NAME_PATTERN
from gaugeflow.config.schema import StudyFile
from gaugeflow.config.study import Study, expand
from gaugeflow.config.trainings import expand_networks
from gaugeflow.config.yaml_file import read_yaml
from gaugeflow.errors import ConfigError

SCALES = ("full", "tiny")
STUDIES_VARIABLE = "GAUGEFLOW_STUDIES"
FILE_NAME = "study.yaml"


def load_study(name_or_path: str | os.PathLike[str], scale: str) -> Study:
    """Read, validate and expand a study.

    name_or_path   a folder name under workflow/studies, or a path of a folder or of a YAML file anywhere
    scale          "full" or "tiny"

    Raises  ConfigError with one line per fault: file, key path, got, wanted, what to do
    """
    if scale not in SCALES:
        raise ConfigError(f"scale: got {scale!r}, wanted one of {', '.join(SCALES)}; correct --scale")
    path = find_study(name_or_path)
    name = path.parent.resolve().name if path.name == FILE_NAME else path.stem
    if not re.fullmatch(NAME_PATTERN, name):
        raise ConfigError(f"{path}: got study name {name!r}, wanted the form {NAME_PATTERN}; rename the folder")
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: got {type(content).__name__}, wanted a mapping with version, title and scales")
    study_file = validated(StudyFile, content, str(path))
    # The scale that is not asked for is expanded too: a fault in it shows before its run does. Files of other codes are
    # looked for in the scale that is asked for only: those of the other may be elsewhere.
    folders = {key: path.parent if key == scale else None for key in SCALES}
    expanded = {
        key: expand(getattr(study_file.scales, key), f"{path}: scales.{key}", folder) for key, folder in folders.items()
    }
    trainings = {
        key: expand_networks(
            getattr(study_file.scales, key).networks, expanded[key], f"{path}: scales.{key}", complete=key == scale
        )
        for key in SCALES
    }
    chosen = getattr(study_file.scales, scale)
    return Study(
        name=name,
        title=study_file.title,
        scale=scale,
        folder=path.parent,
        file=path,
        ensembles=expanded[scale],
        measure=chosen.measure,
        flows=chosen.flows,
        analysis=chosen.analysis,
        trainings=trainings[scale],
    )


def find_study(name_or_path: str | os.PathLike[str]) -> Path:
    """Path of the YAML file of a study given by name or by path.

    A bare name is looked for in $GAUGEFLOW_STUDIES, in workflow/studies of the working folder and in that of the
    repository from which gaugeflow runs.

    Raises  ConfigError naming the places that were searched
    """
    text = os.fspath(name_or_path)
    direct = Path(text)
    if direct.is_file():
        return direct
    if (direct / FILE_NAME).is_file() and text:
        return direct / FILE_NAME
    places = study_folders()
    if re.fullmatch(NAME_PATTERN, text):
        for place in places:
            if (place / text / FILE_NAME).is_file():
                return place / text / FILE_NAME
    known = sorted({found.parent.name for place in places for found in place.glob(f"[!_]*/{FILE_NAME}")})
    raise ConfigError(
        f"study {text!r}: not found as a file, as a folder with {FILE_NAME}, or by name in "
        f"{', '.join(str(place) for place in places)}; known studies: {', '.join(known) or 'none'}"
    )


def study_folders() -> tuple[Path, ...]:
    """Folders in which studies are found by name, first match wins."""
    folders = [Path("workflow/studies"), Path(__file__).parents[3] / "workflow" / "studies"]
    if chosen := os.environ.get(STUDIES_VARIABLE):
        folders.insert(0, Path(chosen))
    return tuple(dict.fromkeys(folders))
