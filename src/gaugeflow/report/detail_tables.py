"""Tables of what stands behind estimates: potentials, fits and scales, as texts for the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gaugeflow.report.wording import number_text

MISSING = "–"


@dataclass(frozen=True)
class DetailTable:
    """Title, explanation, columns, and rows of texts."""

    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def details_of(results: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Details of one kind by name; kinds stand in analysis/details.py."""
    return {name: detail for name, detail in results.get("details", {}).items() if detail["kind"] == kind}


def detail_tables(results: dict[str, Any]) -> list[DetailTable]:
    """One table per kind of detail that the study has."""
    found = (_potentials(results), _fits(results), _scales(results))
    return [table for table in found if table.rows]


def files_table(results: dict[str, Any]) -> DetailTable | None:
    """Files of other codes that the ensembles of a study are made of; None if there are none."""
    rows = tuple(
        (
            entry["label"], file["name"], file["format"], file["precision"], f"{file['size']:,}".replace(",", "\u202f"),
            file["sha256"][:12], "; ".join(file["warnings"]) or "none",
        )
        for entry in results["ensembles"]
        for file in entry.get("files", [])
    )  # fmt: skip
    columns = ("ensemble", "file", "format", "precision", "bytes", "sha256", "warnings")
    caption = (
        "Taken as they are; every number of theirs was made from the very bytes that sha256 (first 12 digits) names."
    )
    return DetailTable("Files of other codes", caption, columns, rows) if rows else None


def chi2_text(fit: dict[str, Any]) -> str:
    """chi^2 / dof as "5.13 / 4"; a dash for chi^2 where nothing was left to test."""
    known = fit["chi2"] is not None and fit["dof"] > 0
    return f"{number_text(fit['chi2']) if known else MISSING} / {fit['dof']}"


def covariance_text(covariance: dict[str, Any]) -> str:
    """{"kind": "full", "shrinkage": 0.1, "svd_cut": 0.0} -> "full, shrinkage 0.1"."""
    changes = [f"{word} {covariance[key]:g}" for key, word in CHANGES.items() if covariance[key]]
    return ", ".join([covariance["kind"], *changes])


CHANGES = {"shrinkage": "shrinkage", "svd_cut": "SVD cut"}
"""What may have been done to a covariance, and how the page says it."""


def _potentials(results: dict[str, Any]) -> DetailTable:
    rows = []
    for name, potential in details_of(results, "potential").items():
        level = "bare" if potential["smearing_level"] is None else f"smeared, level {potential['smearing_level']}"
        for point in potential["points"]:
            first, last = point["plateau"]
            rows.append(
                (
                    name, level, covariance_text(point["covariance"]), str(point["r"]), _value(point),
                    f"{first} … {last}" if last > first else str(first), chi2_text(point),
                    number_text(point["p_value"]),
                )
            )  # fmt: skip
    columns = ("potential", "links", "covariance", "R / a", "a V(R)", "plateau T / a", "χ² / dof", "p")
    caption = "V(R) is a constant fitted to the effective masses ln W(R, T) / W(R, T + 1) of the plateau."
    return DetailTable("Static potentials", caption, columns, tuple(rows))


def _fits(results: dict[str, Any]) -> DetailTable:
    rows = []
    for name, fit in details_of(results, "fit").items():
        found = [f"{parameter} = {_value(entry)}" for parameter, entry in fit["parameters"].items()]
        priors = [f"{parameter} = {value:g} ± {width:g}" for parameter, (value, width) in fit["priors"].items()]
        rows.append(
            (
                name, fit["formula"], ", ".join(found), ", ".join(priors) or "none", covariance_text(fit["covariance"]),
                str(len(fit["points"])), chi2_text(fit), number_text(fit["p_value"]), str(fit["bins"]),
            )
        )  # fmt: skip
    columns = ("fit", "formula", "parameters", "priors", "covariance", "points", "χ² / dof", "p", "bins")
    caption = (
        "Correlated fits repeated in every jackknife sample. p: probability of a larger χ² with a covariance estimated "
        "from so many bins; none for diagonal fits and without degrees of freedom."
    )
    return DetailTable("Fits", caption, columns, tuple(rows))


def _scales(results: dict[str, Any]) -> DetailTable:
    rows: dict[tuple[str, ...], dict[str, dict[str, Any]]] = {}
    for name, table in details_of(results, "scales").items():
        for row in table["rows"]:
            place = (name, row["energy"].replace("_", " "), row["interpolation"], f"{row['threshold']:g}")
            rows.setdefault(place, {})[row["scale"]] = row
    texts = tuple(
        (*place, *(text for scale in ("t0", "w0") for text in _with_gamma(found.get(scale))))
        for place, found in rows.items()
    )
    columns = ("table", "energy", "interpolation", "threshold", "t0 / a²", "Γ error", "w0 / a", "Γ error")
    caption = "Errors in parentheses: jackknife. A dash: the curve does not reach the threshold in every sample."
    return DetailTable("Scales of the gradient flow", caption, columns, texts)


def _with_gamma(row: dict[str, Any] | None) -> tuple[str, str]:
    return (MISSING, MISSING) if row is None else (_value(row), number_text(row["gamma_error"]))


def _value(entry: dict[str, Any]) -> str:
    return MISSING if entry["value"] is None else entry["text"]
