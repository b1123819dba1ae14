"""Where a run of the workflow keeps its files, and which study a run is of."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from gaugeflow.config.load import load_study
from gaugeflow.config.study import Study
from gaugeflow.errors import ConfigError, FileError

CONFIGS = "configs"
"""Folder of the configurations of an ensemble."""


def default_root(study: str, scale: str) -> Path:
    """Folder of the run of a study (its name) at one scale, where the user names no other."""
    return Path("runs") / f"{study}-{scale}"


@dataclass(frozen=True)
class Places:
    """Paths under the ROOT of a run; nothing is touched."""

    root: Path

    @property
    def data(self) -> Path:
        """All data."""
        return self.root / "data"

    @property
    def ensembles(self) -> Path:
        """One folder per ensemble, named by its id."""
        return self.data / "ensembles"

    @property
    def results(self) -> Path:
        """What the workflow's analyse, report, tables and validate write."""
        return self.root / "results"

    @property
    def logs(self) -> Path:
        """Logs of the rules."""
        return self.root / "logs"

    @property
    def record(self) -> Path:
        """What `gaugeflow submit` notes of the run: study and scale among it."""
        return self.root / "run" / "run.json"

    @property
    def collected(self) -> Path:
        """Where `gaugeflow collect` writes."""
        return self.root / "collected"

    def chunk(self, ensemble_id: str, folder: str, number: int) -> Path:
        """File of one chunk in one of the folders of an ensemble (see `stage_folders`)."""
        return self.ensembles / ensemble_id / folder / f"{number:04d}.h5"


def stage_folders(study: Study) -> tuple[str, ...]:
    """Folders of an ensemble with a file per chunk: configurations, measurements, and every flow of the study."""
    flows = (f"flow_{flow.settings_id}" for flow in study.flows)
    return (CONFIGS, f"measure_{study.measure.settings_id}", *flows)


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
