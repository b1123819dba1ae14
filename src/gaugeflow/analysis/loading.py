"""From checked HDF5 files to the StudyData of one study."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gaugeflow.analysis.dataset import EnsembleData, StudyData
from gaugeflow.analysis.loading_models import load_models
from gaugeflow.config.canonical import canonical_json, sha256_text
from gaugeflow.config.settings import FlowSettings
from gaugeflow.config.spec_file import read_spec_text
from gaugeflow.config.study import Ensemble, Study
from gaugeflow.ensembles.archived import chunk_sha256
from gaugeflow.ensembles.catalogue import FileRecord, file_records
from gaugeflow.ensembles.provenance import commit
from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.schema import ARCHIVED, CATALOGUE, IMPORTED
from gaugeflow.ensembles.verify import require_sound
from gaugeflow.errors import ConfigError, FileError

FOLDERS = {"configurations": "configs", "measurements": "measure", "flow": "flow"}
"""Kind of file -> the name under which results list it."""

LEFT_OUT = {"links", "checksum", "links_checksum"}
"""Datasets that no analysis reads."""


@dataclass(frozen=True, eq=False)
class Chunk:
    """Arrays and identity of one input file; of a catalogue also what it says of its files."""

    path: str
    kind: str
    ensemble_id: str
    number: int
    spec_text: str
    sha256: str
    made_from: frozenset[str]
    arrays: dict[str, np.ndarray]
    n_thermalisation: int
    settings: str
    made_by: str
    files: tuple[FileRecord, ...] = ()


def study_files(study: Study, folder: Path) -> list[Path]:
    """Files of all chunks of a study below `folder`, where each ensemble has a folder of its name (data/ensembles)."""
    return [
        folder / ensemble.ensemble_id / kind / f"{number:04d}.h5"
        for kind in study.stage_folders
        for ensemble in study.ensembles
        for number in range(ensemble.chunks)
    ]


def load_study_data(study: Study, paths: Iterable[str | os.PathLike[str]], models: Path | None = None) -> StudyData:
    """All chunks of all ensembles of a study and all its models, every file verified first.

    paths   configuration, measurement and flow files in any order
    models  folder of the trained networks, ROOT/data/models; needed by a study that has some

    Raises  FileError for a file that is unsound, or made from other configurations than those given;
            ConfigError for chunks that are missing, given twice, or not of this study
    """
    return study_data(study, [read_chunk(path) for path in paths], models)


def study_data(study: Study, chunks: Sequence[Chunk], models: Path | None = None) -> StudyData:
    """As `load_study_data`, from files of ensembles that were read already."""
    known = {ensemble.ensemble_id for ensemble in study.ensembles}
    for chunk in chunks:
        if chunk.ensemble_id not in known:
            raise ConfigError(
                f"{chunk.path}: of ensemble {chunk.ensemble_id}, which study {study.name} at scale {study.scale} does "
                f"not have; wanted {', '.join(sorted(known))}; leave the file out or choose another --scale"
            )
    ensembles = tuple(_ensemble_data(study, ensemble, chunks) for ensemble in study.ensembles)
    trained = ()
    if study.trainings:
        if models is None:
            raise ConfigError(
                f"study {study.name} has {len(study.trainings)} trained networks, wanted is their folder, "
                "ROOT/data/models; pass --models"
            )
        trained = load_models(study, {ensemble.label: ensemble for ensemble in ensembles}, models)
    return StudyData(study.name, study.title, study.scale, ensembles, study.analysis, trained)


def read_chunk(path: str | os.PathLike[str]) -> Chunk:
    """Everything but the links of one file; an archived chunk of configurations gives what the chunk itself gives.

    A catalogue of other codes' files, and an imported one, count as configurations.

    Raises FileError for a file that `gaugeflow check` refuses
    """
    require_sound(Path(path))
    with open_file(Path(path)) as file:
        listed = file.kind in (CATALOGUE, IMPORTED)
        kind = "configurations" if listed or file.kind == ARCHIVED else file.kind
        if kind not in FOLDERS:
            raise FileError(f"{path}: holds {kind}, wanted one of {', '.join(FOLDERS)}")
        return Chunk(
            path=os.fspath(path),
            kind=kind,
            ensemble_id=file.ensemble_id,
            number=int(file.chunk),
            spec_text=file.spec_text,
            sha256=chunk_sha256(file) if kind == "configurations" else file.content_sha256,
            made_from=frozenset(str(digest) for digest in file.provenance.get("inputs", {}).values()),
            arrays={name: file.dataset(name) for name in file.names if name not in LEFT_OUT},
            n_thermalisation=int(file.attributes.get("n_thermalisation", 0)),
            settings=str(file.attributes.get("settings", "")),
            made_by=_made_by(file.provenance),
            files=file_records(file) if listed else (),
        )


def _ensemble_data(study: Study, ensemble: Ensemble, chunks: Sequence[Chunk]) -> EnsembleData:
    own = [chunk for chunk in chunks if chunk.ensemble_id == ensemble.ensemble_id]
    series = {folder: _ordered(own, kind, ensemble, study) for kind, folder in FOLDERS.items() if kind != "flow"}
    flows = {flow.kind: _ordered(_flowed_so(own, flow, study), "flow", ensemble, study) for flow in study.flows}
    series |= {FOLDERS["flow"] if len(flows) == 1 else f"flow_{kind}": chunks for kind, chunks in flows.items()}
    spec_text = own[0].spec_text
    for chunk in own:
        if chunk.spec_text != spec_text:
            raise FileError(f"{chunk.path}: its spec differs from that of {own[0].path}; one of them is of another run")
    inputs = {f"{folder}/{chunk.number:04d}.h5": chunk.sha256 for folder in series for chunk in series[folder]}
    configurations, *others = series.values()
    for chunk, made_from in ((c, m) for derived in others for c, m in zip(derived, configurations, strict=True)):
        check_made_from(chunk, made_from)
    if ensemble.foreign is not None:
        _check_listed(ensemble, configurations)
    spec_file, along = read_spec_text(spec_text), {kind: _flowed(derived) for kind, derived in flows.items()}
    return EnsembleData(
        label=ensemble.label,
        ensemble_id=ensemble.ensemble_id,
        spec=spec_file.spec,
        trajectory=_joined(configurations, "trajectory"),
        measured=_all_joined(series[FOLDERS["measurements"]]),
        flowed=next(iter(along.values()), {}),
        flows=along,
        history={
            name.removeprefix("history/"): _joined(configurations, name)
            for name in configurations[0].arrays
            if name.startswith("history/")
        },
        n_thermalisation=configurations[0].n_thermalisation,
        settings=study.analysis,
        source={
            "ensemble": ensemble.ensemble_id,
            "commit": commit(),
            "spec_sha256": spec_file.sha256,
            "inputs_sha256": sha256_text(canonical_json(inputs)),
        },
        inputs=inputs,
        made_by=tuple(sorted({chunk.made_by for chunk in own})),
        files=tuple(record for chunk in configurations for record in chunk.files),
    )


def _check_listed(ensemble: Ensemble, catalogues: Sequence[Chunk]) -> None:
    """FileError unless the catalogues are of the files that the study finds now."""
    found = ensemble.foreign
    assert found is not None
    listed = [record.name for chunk in catalogues for record in chunk.files]
    numbers = [int(number) for chunk in catalogues for number in chunk.arrays["trajectory"]]
    if listed != [name for row in found.names for name in row] or numbers != list(found.trajectories):
        raise FileError(
            f"{catalogues[0].path}: catalogues of {ensemble.label} list {len(listed)} files, the study finds "
            f"{len(found.paths)} in {found.folder}, or in other places; make the catalogues again"
        )


def _made_by(provenance: dict) -> str:
    """Code and libraries that wrote a file, in one line."""
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(provenance.get("libraries", {}).items()))
    version, commit_ = provenance.get("gaugeflow", "unknown"), provenance.get("commit", "unknown")
    return f"gaugeflow {version}, commit {commit_}; Python {provenance.get('python', 'unknown')}, {libraries}"


def _ordered(own: Sequence[Chunk], kind: str, ensemble: Ensemble, study: Study) -> list[Chunk]:
    found: dict[int, Chunk] = {}
    for chunk in own:
        if chunk.kind != kind:
            continue
        if chunk.number in found:
            raise ConfigError(
                f"{chunk.path}: chunk {chunk.number} of {kind} was given already: {found[chunk.number].path}"
            )
        found[chunk.number] = chunk
    wanted = set(range(ensemble.chunks))
    if set(found) != wanted:
        missing, surplus = sorted(wanted - set(found)), sorted(set(found) - wanted)
        raise ConfigError(
            f"study {study.name}, ensemble {ensemble.label} ({ensemble.ensemble_id}): {kind} files of chunks 0 to "
            f"{ensemble.chunks - 1} are wanted; missing {missing}, not asked for {surplus}"
        )
    return [found[number] for number in sorted(found)]


def check_made_from(chunk: Chunk, configurations: Chunk) -> None:
    """FileError unless a measurement or a flow was made from these configurations."""
    if configurations.sha256 not in chunk.made_from:
        raise FileError(
            f"{chunk.path}: made from other configurations than {configurations.path} "
            f"({configurations.sha256[:12]}); run the {FOLDERS[chunk.kind]} stage again"
        )
    if not np.array_equal(chunk.arrays["trajectory"], configurations.arrays["trajectory"]):
        raise FileError(f"{chunk.path}: its trajectory numbers are not those of {configurations.path}; make it again")


def _flowed_so(own: Sequence[Chunk], flow: FlowSettings, study: Study) -> list[Chunk]:
    """The flow files made with these settings; of a study with one flow all of them."""
    wanted = canonical_json(flow)
    return [c for c in own if c.kind == "flow" and (len(study.flows) == 1 or c.settings == wanted)]


def _flowed(chunks: Sequence[Chunk]) -> dict[str, np.ndarray]:
    flow_time = chunks[0].arrays["flow_time"]
    for chunk in chunks:
        if not np.array_equal(chunk.arrays["flow_time"], flow_time):
            raise FileError(
                f"{chunk.path}: its flow times are not those of {chunks[0].path}; flow both with one study file"
            )
    return {**_all_joined(chunks, without=("flow_time",)), "flow_time": flow_time}


def _all_joined(chunks: Sequence[Chunk], without: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    return {name: _joined(chunks, name) for name in chunks[0].arrays if name not in without}


def _joined(chunks: Sequence[Chunk], name: str) -> np.ndarray:
    for chunk in chunks:
        if name not in chunk.arrays:
            raise FileError(
                f"{chunk.path}: no dataset {name}, which {chunks[0].path} has; make both with one study file"
            )
    return np.concatenate([chunk.arrays[name] for chunk in chunks])
