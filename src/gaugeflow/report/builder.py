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
from gaugeflow.report import chain_figures, detail_figures, result_figures
from gaugeflow.report.cost import costs
from gaugeflow.report.efficiency import efficiency_table
from gaugeflow.report.page import NamedFigure, Section, render
from gaugeflow.report.study_figures import curve_figures
from gaugeflow.report.style import figure_style, svg_bytes
from gaugeflow.report.tables import csv_table, json_table, pyerrors_table

log = logging.getLogger(__name__)

STANDARD: dict[str, tuple[Callable[[dict[str, Any]], Figure | None], str, str]] = {
    "pulls": (result_figures.pull_figure, "Every judged number against its reference", "results"),
    "static_potential": (
        detail_figures.potential_figure,
        "V(R) with errors, and the effective masses and plateaus that it comes from",
        "details",
    ),
    "fits": (
        detail_figures.fit_figure,
        "Points with errors, the fitted curve with its error, and residuals; the points are correlated",
        "details",
    ),
    "flow": (chain_figures.flow_figure, "t² E(t) along every flow; dashed: the threshold that defines t0", "flow"),
    "flowed_charge": (
        chain_figures.flowed_charge_figure,
        "Topological charge at the last time of the first flow: histories of single chains, distribution over all",
        "flow",
    ),
    "history": (chain_figures.history_figure, "Plaquette from the first trajectory; shaded: thermalisation", "chains"),
    "charge": (chain_figures.charge_figure, "Topological charge of single chains", "chains"),
    "autocorrelation": (
        chain_figures.autocorrelation_figure,
        "Autocorrelation functions; dotted: window of the Gamma method",
        "chains",
    ),
    "binning": (chain_figures.binning_figure, "Jackknife error against bin size; band: Gamma method", "chains"),
    "delta_h": (chain_figures.delta_h_figure, "Energy violation of the trajectories, and acceptance", "chains"),
}
"""Figures that every study gets: name -> (function of the results, caption, topic of the page)."""


def build_report(
    all_results: Iterable[dict[str, Any]],
    out: Path,
    folders: dict[str, Path],
    benchmarks: Path | None = None,
    job_logs: Path | None = None,
) -> list[Path]:
    """Write the page `out`, and tables/ and figures/ beside it.

    folders      study -> its folder, for figures.py; studies that are not in it are looked for by name
    benchmarks   folder of Snakemake's benchmark files, for the cost of ensembles
    job_logs     folder of the logs of all attempts, for what jobs asked for and used

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
        section = make_section(results, folders.get(results["study"]), benchmarks, job_logs)
        sections.append(section)
        written += _write_tables(results, out.parent / "tables")
        written += _write_figures(section, out.parent / "figures" / results["study"])
    _write(out, render(sections).encode("utf-8"))
    return [*written, out]


def make_section(
    results: dict[str, Any], folder: Path | None, benchmarks: Path | None = None, job_logs: Path | None = None
) -> Section:
    """Figures, cost, use of resources and warnings of one study; its own figures and its curves come after the pulls.

    Raises    ConfigError if two figures have one name
    """
    warnings = list(results["warnings"])
    with figure_style():
        standard = {name: (function(results), caption, topic) for name, (function, caption, topic) in STANDARD.items()}
        own = [_own_figures(results, folder, warnings), curve_figures(results)]
        extra = {name: (*entry, "results") for figures in own for name, entry in figures.items()}
        if clash := sorted((own[0].keys() & own[1].keys()) | (standard.keys() & extra.keys())):
            study = results["study"]
            raise ConfigError(f"study {study}: two figures are called {clash[0]}; rename a curve or a figure")
        figures = {"pulls": standard.pop("pulls"), **extra, **standard}
        named = tuple(
            NamedFigure(name, caption, svg_bytes(figure), topic)
            for name, (figure, caption, topic) in figures.items()
            if figure is not None
        )
    cost = tuple(costs(results, benchmarks)) if benchmarks else None
    return Section(results, named, tuple(warnings), cost, efficiency_table(results, job_logs) if job_logs else None)


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
    try:
        made = _made(folder, results)
    except FiguresFailed as error:
        warnings.append(str(error))
        return {}
    for name, entry in made.items():
        if not (isinstance(entry, tuple) and len(entry) == 2):
            raise ConfigError(
                f"{folder / 'figures.py'}: {name} is {type(entry).__name__}, wanted (Figure or None, caption)"
            )
    return made


class FiguresFailed(Exception):
    """A study's figures could not be made of partial results."""


def _made(folder: Path, results: dict[str, Any]) -> dict[str, Any]:
    """figures(results) of the study; FiguresFailed for partial results that lack what it wants."""
    figures = study_function(folder, "figures.py", "figures")
    if not results.get("partial"):
        return figures(results)
    try:
        return figures(results)
    except Exception as error:
        raise FiguresFailed(
            f"own figures of study {results['study']} could not be made of partial results: "
            f"{type(error).__name__}: {error}"
        ) from error


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
