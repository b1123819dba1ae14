"""Tables of results: CSV and JSON rows, and pyerrors' own format."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from typing import Any

from gaugeflow.analysis.partial import chunks_text, error_when_complete, mark, short_notes
from gaugeflow.analysis.results import estimates
from gaugeflow.stats.estimate import Estimate

COLUMNS = (
    "study", "scale", "ensemble", "name", "value", "error", "tau_int", "tau_int_error", "n", "n_eff", "bin_size",
    "gamma_error", "ensemble_id", "commit", "spec_sha256", "inputs_sha256",
)  # fmt: skip

PARTIAL_COLUMNS = ("chunks", "expected_error", "partial")
"""More columns of results that are not complete: chunks used / wanted, the error with all chunks, what is missing."""

PRIVATE = ("who", "host", "date")
"""Keys by which pyerrors signs its files: removed, so that equal results give equal files."""


def table_rows(results: dict[str, Any]) -> list[dict[str, Any]]:
    """One dict per estimate with the columns of the CSV table; numbers that do not exist are None.

    Rows of partial results have `PARTIAL_COLUMNS` too.
    """
    labels = [entry["label"] for entry in results["ensembles"]]
    rows = []
    for name, estimate in results["estimates"].items():
        label, _, observable = name.partition("/")
        source = estimate["source"]
        rows.append(
            {
                "study": results["study"],
                "scale": results["scale"],
                "ensemble": label if label in labels else "",
                "name": observable if label in labels else name,
                **{key: estimate[key] for key in COLUMNS[4:12]},
                "ensemble_id": source.get("ensemble", ""),
                **{key: source.get(key, "") for key in COLUMNS[13:]},
                **(_partial_cells(results, name) if results.get("partial") else {}),
            }
        )
    return rows


def csv_table(results: dict[str, Any]) -> str:
    """The table as CSV text."""
    text = io.StringIO()
    columns = (*COLUMNS, *PARTIAL_COLUMNS) if results.get("partial") else COLUMNS
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in table_rows(results):
        writer.writerow({key: _cell(value) for key, value in row.items()})
    return text.getvalue()


def json_table(results: dict[str, Any]) -> str:
    """The same rows as JSON, with the ensembles' input files and their checksums."""
    content = {
        "study": results["study"],
        "scale": results["scale"],
        "provenance": results["provenance"],
        "inputs": {entry["label"]: entry["inputs"] for entry in results["ensembles"]},
        "rows": table_rows(results),
        **({"partial": results["partial"]} if results.get("partial") else {}),
    }
    return json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"


def pyerrors_table(results: dict[str, Any]) -> bytes:
    """All finite estimates as gzipped JSON for `pyerrors.input.json.load_json`: one Obs per estimate, in order.

    Numbers of one given configuration, which have no samples, are left out.
    The jackknife samples become the replica of each block of chains; `gamma_method(S=0)` gives the jackknife error.
    """
    import pyerrors

    finite = {name: e for name, e in estimates(results).items() if math.isfinite(e.value) and _has_error(e)}
    observables = []
    for name, estimate in finite.items():
        obs = _as_obs(estimate)
        obs.tag = name
        observables.append(obs)
    description = {"study": results["study"], "scale": results["scale"], "names": list(finite)}
    if results.get("partial"):
        description["partial"] = short_notes(results)
    content = json.loads(pyerrors.input.json.create_json_string(observables, description))
    for key in PRIVATE:
        content.pop(key, None)
    text = json.dumps(content, sort_keys=True)
    return gzip.compress(text.encode("utf-8"), mtime=0)


def _has_error(estimate: Estimate) -> bool:
    return bool(estimate.blocks) and all(count > 1 for _, count in estimate.blocks)


def _as_obs(estimate: Estimate):
    """pyerrors' Obs from jackknife samples: the sum of one Obs per independent block."""
    import numpy as np
    import pyerrors

    total, start = None, 0
    for key, count in estimate.blocks:
        samples = estimate.samples[start : start + count]
        start += count
        part = pyerrors.import_jackknife(np.concatenate([[samples.mean()], samples]), key)
        total = part if total is None else total + (part - samples.mean())
    return total - total.value + estimate.value


def _partial_cells(results: dict[str, Any], name: str) -> dict[str, Any]:
    values = (chunks_text(results, name), error_when_complete(results, name), mark(results, name))
    return dict(zip(PARTIAL_COLUMNS, values, strict=True))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value)
