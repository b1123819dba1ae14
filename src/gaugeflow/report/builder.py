"""From results files to a page with tables and figures beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from gaugeflow.analysis.plugin import study_function
from gaugeflow.config.canonical import sha256_text
from gaugeflow.config.load import find_study
from gaugeflow.ensembles.atomic import atomic_path
from gaugeflow.errors import ConfigError
from gaugeflow.report import chain_figures, result_figures
from gaugeflow.report.page import NamedFigure, Section, render
from gaugeflow.report.style import figure_style, svg_bytes
from gaugeflow.report.tables import csv_table, json_table, pyerrors_table

log = logging.getLogger(__name__)

STANDARD: dict[str, tuple[Callable[[dict[str, Any]], Figure | None], str]] = {
    "pulls": (result_figures.pull_figure, "Every judged number against its reference"),
    "flow": (chain_figures.flow_figure, "gradient flow: t² E(t); dashed: the threshold that defines t0"),
    "history": (chain_figures.history_figure, "Plaquette from the first trajectory; shaded: thermalisation"),
    "charge": (chain_figures.charge_figure, "Topological charge of single chains"),
    "autocorrelation": (chain_figures.autocorrelation_figure, "Autocorrelation; dotted: window of the Gamma method"),
    "binning": (chain_figures.binning_figure, "Jackknife error against bin size; band: Gamma method"),
    "delta_h": (chain_figures.delta_h_figure, "Energy violation of the trajectories"),
}
"""Figures that every study gets: name -> (function of the results, caption)."""


def build_report(all_results: Iterable[dict[str, Any]], out: Path, folders: dict[str, Path]) -> list[Path]:
    """Write the page `out`, and tables/ and figures/ beside it.

    folders   study -> its folder, for figures.py; studies that are not in it are looked for by name

    Returns   all files written
    Raises    ConfigError if a study is given twice or its figures.py fails; FileError where the files cannot be written
    """
    sections, written = [], []
    all_results = list(all_results)
    studies = [results["study"] for results in all_results]
    twice = sorted({study for study in studies if studies.count(study) > 1})
    if twice:
        raise ConfigError(f"study {twice[0]} was given twice; a report has one section and one set of tables per study")
    for results in all_results:
        section = make_section(results, folders.get(results["study"]))
        sections.append(section)
        written += _write_tables(results, out.parent / "tables")
        written += _write_figures(section, out.parent / "figures" / results["study"])
    _write(out, render(sections).encode("utf-8"))
    return [*written, out]


def make_section(results: dict[str, Any], folder: Path | None) -> Section:
    """Figures and warnings of one study; its own figures come after the pulls."""
    warnings = list(results["warnings"])
    with figure_style():
        figures = {name: (function(results), caption) for name, (function, caption) in STANDARD.items()}
        figures = {"pulls": figures.pop("pulls"), **_own_figures(results, folder, warnings), **figures}
        named = tuple(
            NamedFigure(name, caption, svg_bytes(figure))
            for name, (figure, caption) in figures.items()
            if figure is not None
        )
    return Section(results, named, tuple(warnings))


def _own_figures(
    results: dict[str, Any], folder: Path | None, warnings: list[str]
) -> dict[str, tuple[Figure | None, str]]:
    """figures(results) of the study: name -> (Figure, caption); a study without figures.py has none."""
    study = results["study"]
    try:
        folder = folder or find_study(study).parent
    except ConfigError:
        warnings.append(f"the folder of study {study} was not found: its own figures are missing (give --study)")
        return {}
    if not (folder / "figures.py").is_file():
        return {}
    recorded = results["provenance"]["study_sha256"]["analysis.py"]
    if sha256_text((folder / "analysis.py").read_text(encoding="utf-8")) != recorded:
        warnings.append(f"analysis.py of study {study} has changed since these results were made: run analyse again")
    made = study_function(folder, "figures.py", "figures")(results)
    for name, entry in made.items():
        if not (isinstance(entry, tuple) and len(entry) == 2):
            raise ConfigError(
                f"{folder / 'figures.py'}: {name} is {type(entry).__name__}, wanted (Figure or None, caption)"
            )
    return made


def _write_tables(results: dict[str, Any], folder: Path) -> list[Path]:
    study = results["study"]
    contents = {
        f"{study}.csv": csv_table(results).encode("utf-8"),
        f"{study}.json": json_table(results).encode("utf-8"),
        f"{study}.pyerrors.json.gz": pyerrors_table(results),
    }
    return [_write(folder / name, content) for name, content in contents.items()]


def _write_figures(section: Section, folder: Path) -> list[Path]:
    return [_write(folder / f"{figure.name}.svg", figure.svg) for figure in section.figures]


def _write(path: Path, content: bytes) -> Path:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return path
