"""Where a run of the workflow keeps its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
    def models(self) -> Path:
        """One folder per trained network, named by its id."""
        return self.data / "models"

    @property
    def results(self) -> Path:
        """What the workflow's analyse, report, tables and validate write."""
        return self.root / "results"

    @property
    def logs(self) -> Path:
        """Logs of the rules."""
        return self.root / "logs"

    @property
    def attempts(self) -> Path:
        """Logs of attempts."""
        return self.logs / "attempts"

    @property
    def run(self) -> Path:
        """The record, the lease and the logs of the coordinator."""
        return self.root / "run"

    @property
    def record(self) -> Path:
        """What `gaugeflow submit` notes of the run: study and scale among it."""
        return self.run / "run.json"

    @property
    def collected(self) -> Path:
        """Where `gaugeflow collect` writes."""
        return self.root / "collected"

    def chunk(self, ensemble_id: str, folder: str, number: int) -> Path:
        """File of one chunk in one of the folders of an ensemble (see `Study.stage_folders`)."""
        return self.ensembles / ensemble_id / folder / f"{number:04d}.h5"
