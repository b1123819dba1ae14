"""results.json: the one file from which tables, figures, pages and the scoreboard are made."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from gaugeflow.ensembles.atomic import atomic_path
from gaugeflow.errors import FileError
from gaugeflow.stats.estimate import Estimate

FORMAT = "gaugeflow-results"
VERSION = 2

# Beside these: details and error_methods, documented in analysis/details.py.
KEYS = ("study", "title", "scale", "provenance", "ensembles", "estimates", "references", "diagnostics", "warnings")

NUMBERS = ("value", "error", "tau_int", "tau_int_error", "n_eff", "gamma_error", "gamma_error_error")


def estimate_to_json(estimate: Estimate) -> dict[str, Any]:
    """An Estimate as JSON types; NaN and infinities become null."""
    return {
        "text": str(estimate),
        **{name: finite(getattr(estimate, name)) for name in NUMBERS},
        "n": estimate.n,
        "bin_size": estimate.bin_size,
        "bin_sizes": dict(estimate.bin_sizes),
        "blocks": [list(block) for block in estimate.blocks],
        "samples": [finite(sample) for sample in estimate.samples],
        "source": dict(estimate.source),
        "warnings": list(estimate.warnings),
    }


def estimate_from_json(entry: dict[str, Any]) -> Estimate:
    """Inverse of `estimate_to_json`, without the series: null becomes NaN."""
    return Estimate(
        **{name: math.nan if entry.get(name) is None else float(entry[name]) for name in NUMBERS},
        n=int(entry["n"]),
        bin_size=int(entry["bin_size"]),
        bin_sizes=dict(entry.get("bin_sizes", {str(key): int(entry["bin_size"]) for key, _ in entry["blocks"]})),
        blocks=tuple((str(key), int(count)) for key, count in entry["blocks"]),
        samples=np.array([math.nan if sample is None else sample for sample in entry["samples"]], dtype=float),
        source=dict(entry["source"]),
        warnings=tuple(entry["warnings"]),
    )


def write_results(path: str | os.PathLike[str], results: dict[str, Any]) -> None:
    """Write results.json; equal results give equal bytes, and the file appears whole or not at all.

    Raises FileError for a full disk or a folder that cannot be written
    """
    text = json.dumps(results, indent=1, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_results(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a results.json.

    Raises FileError if it is missing, no JSON, of another program or version, or incomplete
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise FileError(f"{path}: no JSON ({error}); delete it and run gaugeflow analyse again") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FileError(f"{path}: not a results file of gaugeflow (key format is not {FORMAT!r})")
    if content.get("version") != VERSION:
        raise FileError(f"{path}: results version {content.get('version')!r}, this code reads {VERSION}")
    missing = [key for key in KEYS if key not in content]
    if missing:
        raise FileError(f"{path}: keys {', '.join(missing)} are missing; run gaugeflow analyse again")
    return content


def estimates(results: dict[str, Any]) -> dict[str, Estimate]:
    """All estimates of a results.json by name."""
    return {name: estimate_from_json(entry) for name, entry in results["estimates"].items()}


def finite(value: float) -> float | None:
    """A number for JSON: NaN and infinities become None."""
    return float(value) if math.isfinite(value) else None
