"""The folder of one submission: ROOT/run/ holds what was asked for and who coordinates.

ROOT/run/run.json               study, scale, profile, settings, versions: what `gaugeflow resume` starts from
ROOT/run/coordinator.json       process, host and way of the coordinator, while there is one
ROOT/run/coordinator.<n>.log    what Snakemake said the n-th time
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gaugeflow.config.load import FILE_NAME, find_study
from gaugeflow.errors import ConfigError, FileError

FORMAT = "gaugeflow-run"
VERSION = 1
ROOT_PATTERN = r"[A-Za-z0-9._/+-]+"
COORDINATOR = "coordinator"
DEFAULT_SCALE = "full"


@dataclass(frozen=True)
class RunRecord:
    """What was submitted.

    study, profile    absolute paths of the study's file and of the profile's folder
    settings          entries for Snakemake's --config beyond root, scale and studies, profile's not included
    options           further arguments of Snakemake
    versions          of gaugeflow, its commit, Snakemake and Python
    """

    study: str
    name: str
    scale: str
    profile: str
    settings: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    submitted: str = ""


@dataclass(frozen=True)
class RunFolder:
    """Paths below the root of a submission; `root` is absolute."""

    root: Path

    @property
    def run(self) -> Path:
        """Folder of the record, the lease and the logs."""
        return self.root / "run"

    @property
    def record_path(self) -> Path:
        """run.json."""
        return self.run / "run.json"

    @property
    def prefix(self) -> str:
        """How the names of all jobs of this root begin, and of no other root's."""
        return f"gaugeflow_{hashlib.sha256(str(self.root).encode()).hexdigest()[:8]}"

    @property
    def coordinator_job(self) -> str:
        """Name of the job that coordinates."""
        return f"{self.prefix}_{COORDINATOR}"

    @property
    def ensembles(self) -> Path:
        """Folder of the ensembles."""
        return self.root / "data" / "ensembles"

    @property
    def attempts(self) -> Path:
        """Folder of the attempts' logs."""
        return self.root / "logs" / "attempts"

    def next_log(self) -> Path:
        """A log file that is not there yet."""
        taken = [
            int(p.name.split(".")[1]) for p in self.run.glob("coordinator.*.log") if p.name.split(".")[1].isdigit()
        ]
        return self.run / f"coordinator.{max(taken, default=0) + 1}.log"

    def write(self, record: RunRecord) -> None:
        """Write run.json in one step.

        Raises    FileError if it cannot be written
        """
        from gaugeflow.ensembles.atomic import atomic_path

        content = {"format": FORMAT, "version": VERSION, **asdict(record)}
        with atomic_path(self.record_path) as temporary:
            temporary.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")

    def read(self) -> RunRecord:
        """The record of the last submission.

        Raises    FileError if there is none or it is damaged
        """
        try:
            content = json.loads(self.record_path.read_text(encoding="utf-8"))
            if (content.pop("format"), content.pop("version")) != (FORMAT, VERSION):
                raise ValueError("of another format or version")
            return RunRecord(**{**content, "options": tuple(content["options"])})
        except FileNotFoundError:
            raise FileError(f"{self.record_path}: not there; submit first: gaugeflow submit STUDY --root ..") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FileError(f"{self.record_path}: cannot be read ({error}); delete it and submit again") from error


def folder_at(root: Path | str) -> RunFolder:
    """The run folder of a root, whether it exists or not.

    Raises    ConfigError for a path with characters that file names of the workflow may not have
    """
    path = Path(root).absolute().resolve()
    if not re.fullmatch(ROOT_PATTERN, str(path)):
        raise ConfigError(f"--root: got {str(path)!r}, wanted a path of the form {ROOT_PATTERN}; choose another folder")
    return RunFolder(path)


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
        if folder.record_path.is_file():
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


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
