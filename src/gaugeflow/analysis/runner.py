"""Runs a study's `analyse` and collects everything that tables, figures and the scoreboard need."""

from __future__ import annotations

import math
import platform
from dataclasses import asdict
from importlib import metadata
from typing import Any

import gaugeflow
from gaugeflow.analysis.curves import Curve, Table, curve_json, table_json
from gaugeflow.analysis.dataset import EnsembleData, StudyData
from gaugeflow.analysis.details import Detail, error_methods
from gaugeflow.analysis.diagnostics import diagnostics
from gaugeflow.analysis.model_data import ModelData
from gaugeflow.analysis.plugin import study_function
from gaugeflow.analysis.reference import read_references, reference_file
from gaugeflow.analysis.results import FORMAT, VERSION, estimate_to_json
from gaugeflow.config.canonical import sha256_text
from gaugeflow.config.study import Study
from gaugeflow.ensembles.provenance import commit
from gaugeflow.errors import ConfigError
from gaugeflow.stats.estimate import Estimate

LIBRARIES = ("numpy", "scipy", "h5py", "pyerrors")


def analyse_study(study: Study, data: StudyData) -> dict[str, Any]:
    """Content of results.json: estimates, curves, tables, diagnostics, references and provenance of one study.

    Raises ConfigError if the study's analysis.py or its references are not as they should be
    """
    found = run_analysis(study, data)
    estimates = {name: value for name, value in found.items() if isinstance(value, Estimate)}
    references = reference_file(study.folder, study.scale)
    return {
        "format": FORMAT,
        "version": VERSION,
        "study": study.name,
        "title": study.title,
        "scale": study.scale,
        "provenance": _provenance(study),
        "ensembles": [_ensemble_entry(ensemble) for ensemble in data],
        "models": [_model_entry(model) for model in data.models],
        "estimates": {name: estimate_to_json(estimate) for name, estimate in estimates.items()},
        "details": {name: value.as_json() for name, value in found.items() if isinstance(value, Detail)},
        "error_methods": error_methods(estimates),
        "curves": {name: curve_json(name, value) for name, value in found.items() if isinstance(value, Curve)},
        "tables": {name: table_json(name, value) for name, value in found.items() if isinstance(value, Table)},
        "references": [row.as_json() for row in read_references(references)],
        "reference_file": references.name,
        "diagnostics": {ensemble.label: diagnostics(ensemble) for ensemble in data},
        "warnings": list(dict.fromkeys(text for estimate in estimates.values() for text in estimate.warnings)),
    }


def run_analysis(study: Study, data: StudyData) -> dict[str, Estimate | Detail | Curve | Table]:
    """What `analyse(data)` of the study returns: named Estimates, at least one, Details, Curves and Tables.

    Raises ConfigError for anything else
    """
    analyse = study_function(study.folder, "analysis.py", "analyse")
    found = analyse(data)
    where = f"{study.folder / 'analysis.py'}: analyse"
    if not isinstance(found, dict):
        raise ConfigError(f"{where} returned {type(found).__name__}, wanted a dict of Estimates with at least one")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, Estimate | Detail | Curve | Table):
            raise ConfigError(
                f"{where}: {name!r} is {type(value).__name__}, "
                "wanted a name and an Estimate, a Curve, a Table, or a fit, a potential, a table of scales"
            )
    if not any(isinstance(value, Estimate) for value in found.values()):
        raise ConfigError(f"{where} returned no Estimate, wanted a dict of Estimates with at least one")
    source = {"study": study.name, "scale": study.scale}
    return {
        name: value.with_source(**source, observable=name) if isinstance(value, Estimate) else value
        for name, value in found.items()
    }


def _ensemble_entry(ensemble: EnsembleData) -> dict[str, Any]:
    spec = ensemble.spec
    return {
        "label": ensemble.label,
        "ensemble_id": ensemble.ensemble_id,
        "group": spec.group,
        "extents": list(spec.extents),
        "beta": spec.beta,
        "chains": spec.chains,
        **(_of_files(ensemble) if ensemble.foreign else _of_chain(ensemble)),
        "thermalisation": ensemble.n_thermalisation,
        "configurations": len(ensemble.trajectory),
        "bins": {
            "bin_size": ensemble.bins.bin_size,
            "decided_by": ensemble.bins.decided_by,
            "tau_int": {
                name: round(tau, 3) if math.isfinite(tau) else None for name, tau in ensemble.bins.tau_int.items()
            },
        },
        "source": dict(ensemble.source),
        "inputs": dict(ensemble.inputs),
        "made_by": list(ensemble.made_by),
    }


def _model_entry(model: ModelData) -> dict[str, Any]:
    keys = ("label", "seed", "model_id", "weights", "configurations", "steps")
    return {
        **{key: getattr(model, key) for key in keys},
        "network": dict(model.network),
        "trained_on": list(model.trained_on),
        "tested_on": list(model.predictions),
        "inputs": dict(model.inputs),
    }


def _of_chain(ensemble: EnsembleData) -> dict[str, Any]:
    """How the configurations were generated."""
    spec, accepted = ensemble.spec, ensemble.production("accepted")
    return {
        "seed": spec.seed,
        "precision": spec.precision,
        "action": spec.action.model_dump(mode="json"),
        "start": spec.start if isinstance(spec.start, str) else spec.start.model_dump(mode="json"),
        "sampler": spec.sampler.model_dump(mode="json"),
        "trajectories": len(accepted),
        "acceptance": float(accepted.mean()) if spec.sampler.metropolis else None,
    }


def _of_files(ensemble: EnsembleData) -> dict[str, Any]:
    """The same keys for files of other codes, null where nothing is known, and the files themselves."""
    unknown = ("seed", "precision", "start", "trajectories", "acceptance")
    formats = sorted({record.format for record in ensemble.files})
    return {
        **dict.fromkeys(unknown),
        "action": ensemble.spec.action,
        "sampler": {"kind": "files", "formats": formats},
        "files": [{**asdict(record), "warnings": list(record.warnings)} for record in ensemble.files],
    }


def _provenance(study: Study) -> dict[str, Any]:
    hashed = ("study.yaml", "analysis.py")
    return {
        "gaugeflow": gaugeflow.__version__,
        "commit": commit(),
        "python": platform.python_version(),
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
        "study_sha256": {name: _file_hash(study, name) for name in hashed},
    }


def _file_hash(study: Study, name: str) -> str:
    path = study.file if name == "study.yaml" else study.folder / name
    return sha256_text(path.read_text(encoding="utf-8"))
