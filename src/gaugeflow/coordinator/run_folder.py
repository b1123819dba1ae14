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

from gaugeflow.coordinator.places import Places
from gaugeflow.errors import ConfigError, FileError

FORMAT = "gaugeflow-run"
VERSION = 1
ROOT_PATTERN = r"[A-Za-z0-9._/+-]+"
COORDINATOR = "coordinator"


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
class RunFolder(Places):
    """A root where a study is submitted, an absolute path: its record, and the names of its jobs."""

    @property
    def prefix(self) -> str:
        """How the names of all jobs of this root begin, and of no other root's."""
        return f"gaugeflow_{hashlib.sha256(str(self.root).encode()).hexdigest()[:8]}"

    @property
    def coordinator_job(self) -> str:
        """Name of the job that coordinates."""
        return f"{self.prefix}_{COORDINATOR}"

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
        with atomic_path(self.record) as temporary:
            temporary.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")

    def read(self) -> RunRecord:
        """The record of the last submission.

        Raises    FileError if there is none or it is damaged
        """
        try:
            content = json.loads(self.record.read_text(encoding="utf-8"))
            if (content.pop("format"), content.pop("version")) != (FORMAT, VERSION):
                raise ValueError("of another format or version")
            return RunRecord(**{**content, "options": tuple(content["options"])})
        except FileNotFoundError:
            raise FileError(f"{self.record}: not there; submit first: gaugeflow submit STUDY --root ..") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FileError(f"{self.record}: cannot be read ({error}); delete it and submit again") from error


def folder_at(root: Path | str) -> RunFolder:
    """The run folder of a root, whether it exists or not.

    Raises    ConfigError for a path with characters that file names of the workflow may not have
    """
    path = Path(root).absolute().resolve()
    if not re.fullmatch(ROOT_PATTERN, str(path)):
        raise ConfigError(f"--root: got {str(path)!r}, wanted a path of the form {ROOT_PATTERN}; choose another folder")
    return RunFolder(path)


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
