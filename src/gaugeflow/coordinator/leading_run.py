"""Which chunks of an ensemble are complete, from the first one on: what an analysis may use.

A chunk is complete when its configurations, its measurements and all its flows are there, sound, and of one another.
Behind the first one that is not, nothing is used: autocorrelation needs a time series without gaps.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gaugeflow.analysis.loading import Chunk, check_made_from, read_chunk
from gaugeflow.config.canonical import canonical_json
from gaugeflow.config.study import CONFIGS, Ensemble, Study
from gaugeflow.coordinator.places import Places
from gaugeflow.errors import FileError

log = logging.getLogger(__name__)

NOT_THERE = "not there"


@dataclass(frozen=True, eq=False)
class LeadingRun:
    """The complete chunks 0 to used - 1 of an ensemble.

    wanted    the ensemble as the study asks for it
    files     what was read of them: every file of these chunks
    missing   ((first, last), reasons) of the chunks from `used` on, neighbours with the same reasons together
    """

    wanted: Ensemble
    files: tuple[Chunk, ...]
    used: int
    missing: tuple[tuple[tuple[int, int], tuple[str, ...]], ...]

    @property
    def ensemble(self) -> Ensemble:
        """The ensemble with as many chunks as are complete."""
        if self.used == self.wanted.chunks:
            return self.wanted
        foreign = self.wanted.foreign
        if foreign is not None:
            kept = slice(0, self.used * foreign.per_chunk)
            foreign = replace(foreign, trajectories=foreign.trajectories[kept], names=foreign.names[kept])
        return replace(self.wanted, chunks=self.used, foreign=foreign)

    def as_json(self) -> dict[str, Any]:
        """Entry of `partial.ensembles` of results; see analysis/partial.py."""
        return {
            "label": self.wanted.label,
            "ensemble_id": self.wanted.ensemble_id,
            "chunks_used": self.used,
            "chunks_wanted": self.wanted.chunks,
            "configurations_used": self.ensemble.configs_total,
            "configurations_wanted": self.wanted.configs_total,
            "missing": [{"chunks": list(chunks), "reasons": list(reasons)} for chunks, reasons in self.missing],
        }


def leading_run(study: Study, ensemble: Ensemble, places: Places) -> LeadingRun:
    """Read an ensemble's files from chunk 0 on, up to the first chunk that is not complete; writes nothing."""
    folders = study.stage_folders
    files: list[Chunk] = []
    gap: list[str] = []
    used = 0
    while used < ensemble.chunks and not gap:
        read, gap = _read_chunk(study, ensemble, places, used, files[: len(folders)])
        if not gap:
            files += read
            used += 1
    missing: list[tuple[tuple[int, int], tuple[str, ...]]] = []
    for number in range(used, ensemble.chunks):
        reasons = tuple(gap) if number == used else tuple(_absent(ensemble, places, number, folders).values())
        reasons = reasons or (f"waits behind chunk {used}",)
        if missing and missing[-1][1] == reasons:
            missing[-1] = ((missing[-1][0][0], number), reasons)
        else:
            missing.append(((number, number), reasons))
    log.info("ensemble %s: %d of %d chunks are complete", ensemble.label, used, ensemble.chunks)
    return LeadingRun(ensemble, tuple(files), used, tuple(missing))


def _read_chunk(
    study: Study, ensemble: Ensemble, places: Places, number: int, first: list[Chunk]
) -> tuple[list[Chunk], list[str]]:
    """The files of one chunk, and what is wrong with it.

    first    the files of chunk 0, to which all others fit; empty for chunk 0 itself
    """
    absent = _absent(ensemble, places, number, study.stage_folders)
    reasons = list(absent.values())
    read: list[Chunk] = []
    if CONFIGS in absent:
        return [], reasons
    for index, folder in enumerate(study.stage_folders):
        if folder in absent:
            continue
        path = places.chunk(ensemble.ensemble_id, folder, number)
        try:
            chunk = read_chunk(path)
            for problem in _problems(chunk, study, ensemble, number, index, [*read[:1]], [*first[index : index + 1]]):
                raise FileError(problem)
        except FileError as error:
            reasons.append(f"{folder}/{path.name}: {_bare(error, path)}")
            if index == 0:
                break  # what was made from it cannot be judged
            continue
        read.append(chunk)
    return read, reasons


def _absent(ensemble: Ensemble, places: Places, number: int, folders: tuple[str, ...]) -> dict[str, str]:
    """Folders that lack the file of a chunk -> that in words."""
    found = {}
    for folder in folders:
        path = places.chunk(ensemble.ensemble_id, folder, number)
        if not path.is_file():
            begun = path.with_name(f"{path.name}.partial").is_dir()
            found[folder] = f"{folder} {'not finished' if begun else NOT_THERE}"
    return found


def _problems(
    chunk: Chunk, study: Study, ensemble: Ensemble, number: int, index: int, configs: list[Chunk], first: list[Chunk]
) -> Iterator[str]:
    """Why a sound file cannot stand at its place.

    configs    the configurations of the same chunk; empty where this is them
    first      the same stage's file of chunk 0; empty where this is it
    """
    kind = ("configurations", "measurements")[index] if index < 2 else "flow"
    if chunk.kind != kind:
        yield f"holds {chunk.kind}, wanted {kind}; delete it and run the workflow again"
    if (chunk.ensemble_id, chunk.number) != (ensemble.ensemble_id, number):
        yield f"is chunk {chunk.number} of ensemble {chunk.ensemble_id}, not what its name says; put it back"
    if index >= 2 and len(study.flows) > 1 and chunk.settings != canonical_json(study.flows[index - 2]):
        yield "was flowed with other settings than those of its folder; delete it and flow again"
    for other in (*first, *configs):
        if chunk.spec_text != other.spec_text:
            yield f"its spec differs from that of {other.path}; one of them is of another run"
    for other in first:
        if lacking := sorted(set(other.arrays) - set(chunk.arrays)):
            yield f"no dataset {lacking[0]}, which {other.path} has; make both with one study file"
        if "flow_time" in other.arrays and not np.array_equal(chunk.arrays["flow_time"], other.arrays["flow_time"]):
            yield f"its flow times are not those of {other.path}; flow both with one study file"
    for made_from in configs:
        check_made_from(chunk, made_from)
    if index == 0 and ensemble.foreign is not None:
        found = ensemble.foreign.chunk(number)
        listed = [record.name for record in chunk.files]
        numbers = [int(trajectory) for trajectory in chunk.arrays["trajectory"]]
        if listed != [name for row in found.names for name in row] or numbers != list(found.trajectories):
            yield f"lists other files than the study finds in {found.folder}; make the catalogue again"


def _bare(error: FileError, path: Path) -> str:
    """The message without the file's own name, other files of the ensemble named from its folder on: equal anywhere."""
    return " ".join(str(error).removeprefix(f"{path}: ").replace(f"{path.parents[1]}/", "").split())
