"""Which chunks of an ensemble are there, by names alone: listing folders, never asking for each file."""

import os
from dataclasses import dataclass
from pathlib import Path

from gaugeflow.config.foreign import ForeignSpec
from gaugeflow.config.study import CONFIGS, Ensemble, Study
from gaugeflow.ensembles.schema import first_trajectory, saved_trajectories

SUFFIX, PARTIAL = ".h5", ".h5.partial"


@dataclass(frozen=True)
class ChunkFiles:
    """Numbers of the chunks of one ensemble whose files are there.

    configs, measured, flowed    complete files; flowed: for every flow of the study
    begun                        with restart state and no file
    """

    configs: frozenset[int]
    measured: frozenset[int]
    flowed: frozenset[int]
    begun: frozenset[int]


def chunk_files(ensembles: Path, ensemble: Ensemble, study: Study) -> ChunkFiles:
    """Look into the folders of an ensemble; a folder that is not there holds nothing."""
    folder = ensembles / ensemble.ensemble_id
    wanted = frozenset(range(ensemble.chunks))
    configs = listed(folder / CONFIGS)
    done = _numbers(configs, SUFFIX) & wanted
    flows = [_numbers(listed(folder / name), SUFFIX) for name in study.flow_folders]
    return ChunkFiles(
        configs=done,
        measured=_numbers(listed(folder / study.measure_folder), SUFFIX) & wanted,
        flowed=frozenset.intersection(*flows) & wanted if flows else frozenset(),
        begun=(_numbers(configs, PARTIAL) & wanted) - done,
    )


def trajectories_of(ensemble: Ensemble, chunk: int) -> int:
    """Trajectories that belong to a chunk; of other codes' files none are computed."""
    if isinstance(ensemble.spec, ForeignSpec):
        return 0
    content = _content(ensemble)
    return saved_trajectories(content, chunk)[-1] + 1 - first_trajectory(content, chunk)


def trajectories_total(ensemble: Ensemble) -> int:
    """Trajectories of all chunks."""
    if isinstance(ensemble.spec, ForeignSpec) or not ensemble.chunks:
        return 0
    return saved_trajectories(_content(ensemble), ensemble.chunks - 1)[-1] + 1


def first_of(ensemble: Ensemble, chunk: int) -> int:
    """Number of the first trajectory of a chunk."""
    return 0 if isinstance(ensemble.spec, ForeignSpec) else first_trajectory(_content(ensemble), chunk)


def _content(ensemble: Ensemble) -> dict[str, int]:
    spec = ensemble.spec
    return {name: getattr(spec, name) for name in ("thermalisation", "configs_per_chunk", "save_every")}


def _numbers(names: list[str], suffix: str) -> frozenset[int]:
    stems = (name.removesuffix(suffix) for name in names if name.endswith(suffix))
    return frozenset(int(stem) for stem in stems if stem.isascii() and stem.isdigit())


def listed(folder: Path) -> list[str]:
    """Names in a folder; none if it is not there."""
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []
