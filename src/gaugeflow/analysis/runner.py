"""Runs a study's `analyse` and collects everything that tables, figures and the scoreboard need."""

from __future__ import annotations

import math
import platform
from importlib import metadata
from typing import Any

import gaugeflow
from gaugeflow.analysis.dataset import EnsembleData, StudyData
from gaugeflow.analysis.details import Detail, error_methods
from gaugeflow.analysis.diagnostics import diagnostics
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
    """Content of results.json: estimates, diagnostics, references and provenance of one study at one scale.

    Raises ConfigError if the study's analysis.py or its references are not as they should be
    """
    estimates, details = run_analysis(study, data)
    references = reference_file(study.folder, study.scale)
    return {
        "format": FORMAT,
        "version": VERSION,
        "study": study.name,
        "title": study.title,
        "scale": study.scale,
        "provenance": _provenance(study),
        "ensembles": [_ensemble_entry(ensemble) for ensemble in data],
        "estimates": {name: estimate_to_json(estimate) for name, estimate in estimates.items()},
        "details": details,
        "error_methods": error_methods(estimates),
        "references": [row.as_json() for row in read_references(references)],
        "reference_file": references.name,
        "diagnostics": {ensemble.label: diagnostics(ensemble) for ensemble in data},
        "warnings": list(dict.fromkeys(text for estimate in estimates.values() for text in estimate.warnings)),
    }


def run_analysis(study: Study, data: StudyData) -> tuple[dict[str, Estimate], dict[str, Any]]:
    """What `analyse(data)` of the study returns: named Estimates, and what stands behind them as JSON types.

    Raises ConfigError for anything else
    """
    analyse = study_function(study.folder, "analysis.py", "analyse")
    found = analyse(data)
    where = f"{study.folder / 'analysis.py'}: analyse"
    if not isinstance(found, dict) or not found:
        raise ConfigError(f"{where} returned {type(found).__name__}, wanted a dict of Estimates with at least one")
    for name, entry in found.items():
        if not isinstance(name, str) or not isinstance(entry, Estimate | Detail):
            raise ConfigError(
                f"{where}: {name!r} is {type(entry).__name__}, wanted a name and an Estimate (or a fit, a potential, a "
                f"table of scales)"
            )
    estimates = {
        name: entry.with_source(study=study.name, scale=study.scale, observable=name)
        for name, entry in found.items()
        if isinstance(entry, Estimate)
    }
    if not estimates:
        raise ConfigError(f"{where} returned no Estimate, wanted at least one beside {', '.join(found)}")
    return estimates, {name: entry.as_json() for name, entry in found.items() if not isinstance(entry, Estimate)}


def _ensemble_entry(ensemble: EnsembleData) -> dict[str, Any]:
    spec = ensemble.spec
    accepted = ensemble.production("accepted")
    return {
        "label": ensemble.label,
        "ensemble_id": ensemble.ensemble_id,
        "group": spec.group,
        "extents": list(spec.extents),
        "beta": spec.beta,
        "chains": spec.chains,
        "seed": spec.seed,
        "start": spec.start if isinstance(spec.start, str) else "file",
        "sampler": spec.sampler.model_dump(mode="json"),
        "sampler_text": spec.sampler.text,
        "thermalisation": ensemble.n_thermalisation,
        "trajectories": len(accepted),
        "configurations": len(ensemble.trajectory),
        "acceptance": float(accepted.mean()) if spec.sampler.metropolis else None,
        "bins": {
            "bin_size": ensemble.bins.bin_size,
            "decided_by": ensemble.bins.decided_by,
            "tau_int": {
                name: round(tau, 3) if math.isfinite(tau) else None for name, tau in ensemble.bins.tau_int.items()
            },
        },
        "source": dict(ensemble.source),
        "inputs": dict(ensemble.inputs),
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
