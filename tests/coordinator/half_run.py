"""A run of a small 2D U(1) study with four chunks per ensemble, made once; copies of it lose files in the tests."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from synthetic import write_study_files

from gaugeflow.analysis.loading import read_chunk, study_data
from gaugeflow.analysis.runner import analyse_study
from gaugeflow.config.load import load_study
from gaugeflow.config.study import Study
from gaugeflow.coordinator.places import Places

_SCRATCH = tempfile.TemporaryDirectory(prefix="gaugeflow-tests-")

A, B = "b1.0_4x6", "b2.0_4x6"
"""Labels of the two ensembles."""

CHUNKS = 4

ENTRY = """\
      - group: U1
        extents: [4, 6]
        beta: [{beta}]
        chains: 16
        seed: 7
        start: mixed
        sampler: {{kind: hmc, integrator: omf2, tau: 1.0, n_steps: 4}}
        thermalisation: 20
        save_every: 2
        configs_per_chunk: 8
        chunks: {chunks}
"""

REST = """\
    measure: {loops: {max_r: 2, max_t: 2}, polyakov: true}
    flow: {times: {start: 0.0, stop: 1.6, step: 0.4}, step: 0.05}
  tiny: *scale
"""

ANALYSIS = """\
from gaugeflow.analysis.observables import labelled, plaquette, susceptibility, wilson_loop
from gaugeflow.stats.estimate import derive


def analyse(data):
    results, plaquettes = {}, []
    for ensemble in data:
        plaquettes.append(plaquette(ensemble))
        rows = {"plaquette": plaquettes[-1], "W(4)": wilson_loop(ensemble, 2, 2), "chi_Q": susceptibility(ensemble)}
        results |= labelled(ensemble, rows)
    results["product"] = derive(lambda *values: values[0] * values[-1], *plaquettes)
    return results
"""

NEEDS_B = """\
from gaugeflow.analysis.observables import plaquette


def analyse(data):
    return {"plaquette": of_second(data)}


def of_second(data):
    return plaquette(data["b2.0_4x6"])
"""

REFERENCES = """\
name,value,error,max_error,kind,source
b1.0_4x6/plaquette,0.4464,0,0.5,exact,here
b2.0_4x6/plaquette,0.6978,0,0.5,exact,here
"""


def study_of(folder: Path, chunks: tuple[int, int] = (CHUNKS, CHUNKS), analysis: str = ANALYSIS) -> Path:
    """Folder of the study with so many chunks of its two ensembles."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = "".join(ENTRY.format(beta=beta, chunks=n) for beta, n in zip((1.0, 2.0), chunks, strict=True))
    text = 'version: 1\ntitle: "half a run"\nscales:\n  full: &scale\n    ensembles:\n' + entries + REST
    (folder / "study.yaml").write_text(text)
    (folder / "analysis.py").write_text(analysis)
    for name in ("reference.csv", "reference_tiny.csv"):
        (folder / name).write_text(REFERENCES)
    return folder


def write_run(study: Study, root: Path, seed: int = 5) -> Places:
    """All files of a study where the workflow puts them."""
    places = Places(root)
    write_study_files(study, places.ensembles, seed=seed)
    for ensemble in study.ensembles:
        for folder in study.stage_folders[1:]:
            made = places.ensembles / ensemble.ensemble_id / folder.split("_")[0]
            made.rename(made.with_name(folder))
    return places


@cache
def whole(seed: int) -> tuple[Path, Places]:
    """(folder of the study, places of its complete run), made once; not to be changed."""
    home = Path(_SCRATCH.name) / f"seed{seed}"
    folder = study_of(home / "half")
    return folder, write_run(load_study(folder, "full"), home / "root", seed)


@cache
def shorter(chunks: tuple[int, int]) -> dict:
    """Results of a study that asks for these first chunks only (0: not for the ensemble), by rule analyse's way."""
    folder = study_of(Path(_SCRATCH.name) / f"shorter{chunks[0]}{chunks[1]}" / "half", tuple(max(n, 1) for n in chunks))
    if 0 in chunks:
        text = (folder / "study.yaml").read_text()
        start = text.index("      - group", 1 if chunks[0] == 0 else text.index("- group") + 1)
        end = text.find("      - group", start + 1) if chunks[0] == 0 else text.index("    measure:")
        (folder / "study.yaml").write_text(text[:start] + text[end:])
    study = load_study(folder, "full")
    return analyse_study(study, study_data(study, [_read(path) for path in files_of(study, whole(5)[1])]))


_read = cache(read_chunk)


def files_of(study: Study, places: Places) -> list[Path]:
    """Every file that rule analyse takes."""
    return [
        places.chunk(ensemble.ensemble_id, folder, number)
        for folder in study.stage_folders
        for ensemble in study.ensembles
        for number in range(ensemble.chunks)
    ]


class Copy:
    """A copy of the complete run that may be spoilt."""

    def __init__(self, home: Path, seed: int = 5) -> None:
        self.folder, places = whole(seed)
        self.study = load_study(self.folder, "full")
        shutil.copytree(places.root, home)
        self.places = Places(home)

    def path(self, label: str, stage: str, number: int) -> Path:
        """File of a chunk; stage is configs, measure or flow."""
        folder = next(name for name in self.study.stage_folders if name.split("_")[0] == stage)
        return self.places.chunk(self.study.ensemble(label).ensemble_id, folder, number)

    def remove(self, label: str, stage: str = "*", number: int = -1) -> None:
        """Remove the file of a chunk, of all stages, or all chunks."""
        for one in ("configs", "measure", "flow") if stage == "*" else (stage,):
            for k in range(CHUNKS) if number < 0 else (number,):
                self.path(label, one, k).unlink()

    def damage(self, label: str, stage: str, number: int) -> None:
        """Flip a bit in the middle of a file."""
        path = self.path(label, stage, number)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
