"""Small studies of quick chains, and the commands that run them."""

import json
from pathlib import Path

import h5py
from house import study_content, write_study

COMMIT = {"GAUGEFLOW_COMMIT": "0" * 40}
"""Fixed provenance: files are compared byte for byte, and the repository may change while tests run."""


def write_small_study(folder: Path, **changes) -> Path:
    """A study of one 2D ensemble with both scales equal; keys change the ensemble: beta=2.0."""
    ensemble = {"label": "e", "extents": [[4, 4]], "beta": 1.0, "thermalisation": 4, "save_every": 2, **changes}
    return write_study(folder, study_content(**{f"ensembles.0.{key}": value for key, value in ensemble.items()}))


def write_small_spec(gaugeflow, folder: Path, **changes) -> Path:
    """Study and spec.json of one ensemble in `folder`; returns the path of the spec."""
    study = write_small_study(folder, **changes)
    done = gaugeflow("spec", study, "--ensemble", "e", "--out", folder / "spec.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "spec.json"


def generate(gaugeflow, spec: Path, out: Path, *words, chunk: int = 0, **options) -> Path:
    """One chunk, finished."""
    done = gaugeflow("generate", spec, "--chunk", chunk, *words, "--out", out, **options)
    assert done.returncode == 0, done.stderr
    return out


def datasets(path: Path) -> dict:
    """All datasets of a file by name."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def ensemble_id(spec: Path) -> str:
    """Identity in a spec.json."""
    return json.loads(spec.read_text())["ensemble_id"]


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
