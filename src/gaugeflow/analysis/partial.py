"""Results of a study that is not finished: which numbers are preliminary, and what their errors will be.

A results file that lacks nothing has no key `partial`. Otherwise

    partial.ensembles    all ensembles of the study: label, ensemble_id, chunks_used, chunks_wanted,
                         configurations_used, configurations_wanted, missing [{chunks: [first, last], reasons: [..]}]
    partial.estimates    name -> ensembles (labels that are incomplete), left_out (labels that may be missing in it),
                         expected_error (an estimate: the error with all configurations that the study asks for)

An estimate that is not named there is of complete ensembles only and will not change.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gaugeflow.analysis.results import estimate_from_json, estimates, finite
from gaugeflow.stats.estimate import Estimate, block_error


def with_partial(results: dict[str, Any], ensembles: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The results with the key `partial`; the same object if no ensemble lacks anything.

    ensembles   entries of `partial.ensembles`
    """
    if not any(is_incomplete(entry) for entry in ensembles):
        return results
    by_label = {entry["label"]: entry for entry in ensembles}
    left_out = [label for label, entry in by_label.items() if not entry["chunks_used"]]
    marked = {}
    for name, estimate in estimates(results).items():
        used = ensembles_of(estimate, by_label)
        incomplete = [label for label in used if is_incomplete(by_label[label]) and label not in left_out]
        alone = len(used) == 1 and name.startswith(f"{used[0]}/")
        absent = [] if alone else left_out
        if incomplete or absent:
            fractions = {label: _fraction(by_label[label]) for label in used if label not in left_out}
            expected = finite(expected_error(estimate, fractions))
            marked[name] = {"ensembles": incomplete, "left_out": absent, "expected_error": expected}
    return {**results, "partial": {"ensembles": list(ensembles), "estimates": marked}}


def expected_error(estimate: Estimate, fractions: Mapping[str, float]) -> float:
    """What the error of an estimate will be when its ensembles are complete.

        error' = error sqrt(sum_b v_b f_b / sum_b v_b)      v_b = block_error^2 of the jackknife samples of one ensemble

    fractions   label -> configurations used / wanted, of the ensembles of the estimate. What has no label here (numbers
                from elsewhere) keeps its part of the error

    An estimate without samples shrinks as its most complete ensemble does: the smallest promise. Bins, tau_int and the
    fluctuation of the error itself, error / sqrt(2 bins), stay as they are: this is an estimate, not a bound.
    """
    if not math.isfinite(estimate.error) or all(fraction == 1 for fraction in fractions.values()):
        return estimate.error
    total = scaled = 0.0
    start = 0
    for key, count in estimate.blocks:
        variance = block_error(estimate.samples[start : start + count], ((key, count),)) ** 2
        start += count
        total += variance
        scaled += variance * fractions.get(_label(key), 1.0)
    if total > 0 and math.isfinite(total):
        return estimate.error * float(np.sqrt(scaled / total))
    return estimate.error * math.sqrt(max(fractions.values(), default=1.0))


def ensembles_of(estimate: Estimate, known: Iterable[str]) -> list[str]:
    """Labels of the ensembles that an estimate is made of: of its samples, else (it has none) all that are known."""
    known = list(known)
    keys = {_label(key) for key, _ in estimate.blocks}
    return [label for label in known if label in keys] or known


def is_incomplete(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of `partial.ensembles` lacks chunks."""
    return entry["chunks_used"] < entry["chunks_wanted"]


def mark(results: Mapping[str, Any], name: str) -> str:
    """What makes an estimate preliminary, "b1.0_6x8 3 of 4 chunks, without b2.0_6x8"; empty if nothing does."""
    partial = results.get("partial")
    if partial is None:
        return ""
    by_label = {entry["label"]: entry for entry in partial["ensembles"]}
    if name not in results["estimates"]:
        absent = [label for label, entry in by_label.items() if not entry["chunks_used"]]
        return f"without {', '.join(absent)}" if absent else ""
    entry = partial["estimates"].get(name)
    if entry is None:
        return ""
    texts = [f"{label} {_chunks(by_label[label])}" for label in entry["ensembles"]]
    return ", ".join([*texts, *(f"without {label}" for label in entry["left_out"])])


def notes(results: Mapping[str, Any]) -> list[str]:
    """One sentence per incomplete ensemble, "ensemble b1.0_6x8: 3 of 4 chunks; chunk 3: .."; none for full results."""
    partial = results.get("partial")
    return [] if partial is None else [state_text(entry) for entry in partial["ensembles"] if is_incomplete(entry)]


def short_notes(results: Mapping[str, Any]) -> list[str]:
    """As `notes`, without reasons: "b1.0_6x8 3 of 4 chunks"."""
    entries = (results.get("partial") or {"ensembles": []})["ensembles"]
    return [f"{entry['label']} {_chunks(entry)}" for entry in entries if is_incomplete(entry)]


def chunks_text(results: Mapping[str, Any], name: str) -> str:
    """Chunks used / wanted of the ensembles of an estimate: "3/4", "3/4 + 4/4"; of full results too."""
    counts = {
        entry["label"]: (sum(file.startswith("configs/") for file in entry["inputs"]),) * 2
        for entry in results["ensembles"]
    }
    for entry in (results.get("partial") or {"ensembles": []})["ensembles"]:
        counts[entry["label"]] = (entry["chunks_used"], entry["chunks_wanted"])
    labels = ensembles_of(estimate_from_json(results["estimates"][name]), counts)
    return " + ".join(f"{counts[label][0]}/{counts[label][1]}" for label in labels)


def error_when_complete(results: Mapping[str, Any], name: str) -> float | None:
    """The expected error of an estimate; its own error if it is of complete ensembles. None: it has none."""
    marked = (results.get("partial") or {"estimates": {}})["estimates"].get(name)
    return results["estimates"][name]["error"] if marked is None else marked["expected_error"]


def state_text(entry: Mapping[str, Any]) -> str:
    """An entry of `partial.ensembles` in words."""
    texts = [f"ensemble {entry['label']}: {_chunks(entry)}"]
    for missing in entry["missing"]:
        first, last = missing["chunks"]
        number = f"chunk {first}" if first == last else f"chunks {first} to {last}"
        texts.append(f"{number}: {', '.join(missing['reasons'])}")
    return "; ".join(texts)


def _chunks(entry: Mapping[str, Any]) -> str:
    return f"{entry['chunks_used']} of {entry['chunks_wanted']} chunks"


def _fraction(entry: Mapping[str, Any]) -> float:
    return entry["configurations_used"] / entry["configurations_wanted"]


def _label(key: str) -> str:
    """Label of the ensemble of a block: keys are label, label|chains, label|trajectories."""
    return key.split("|")[0]
