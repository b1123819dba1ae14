"""What stands behind numbers is on the page: potentials, fits, scales, every flow, bins, errors that disagree."""

import copy
import math
from dataclasses import replace

import exact
import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from synthetic import made_study

from gaugeflow.analysis.diagnostics import diagnostics
from gaugeflow.analysis.loading import load_study_data
from gaugeflow.analysis.runner import analyse_study
from gaugeflow.config.load import load_study
from gaugeflow.report.builder import make_section
from gaugeflow.report.chain_figures import flow_figure
from gaugeflow.report.detail_figures import fit_figure, potential_figure
from gaugeflow.report.detail_tables import chi2_text, covariance_text, detail_tables
from gaugeflow.report.page import Section, render
from gaugeflow.report.result_figures import against_beta
from gaugeflow.report.wording import bins_text, word_columns

ANALYSIS = """\
from gaugeflow.analysis.fits import fit
from gaugeflow.analysis.models import LinearModel
from gaugeflow.analysis.observables import plaquette
from gaugeflow.analysis.potential import static_potential
from gaugeflow.analysis.scales import scale_table

AREA_LAW = LinearModel("sigma R", {"sigma": lambda r: r})


def analyse(data):
    results = {}
    for ensemble in data:
        label = ensemble.label
        results[f"{label}/plaquette"] = plaquette(ensemble)
        results[f"{label}/potential"] = static_potential(ensemble, (1, 1))
        points = list(results[f"{label}/potential"].values.values())
        results[f"{label}/area law"] = found = fit(AREA_LAW, [1, 2], points, what="area law")
        results[f"{label}/sigma"] = found["sigma"]
        results[f"{label}/scales"] = scale_table(ensemble, (0.3,))
    return results
"""


@pytest.fixture(scope="module")
def detailed(tmp_path_factory):
    """Results of the small study with a potential, an area law and scales of every ensemble; and its folder."""
    made = made_study()
    folder = tmp_path_factory.mktemp("details") / "small"
    folder.mkdir()
    for name in ("study.yaml", "reference.csv", "reference_tiny.csv"):
        (folder / name).write_bytes((made.folder / name).read_bytes())
    (folder / "analysis.py").write_text(ANALYSIS)
    study = load_study(folder, "tiny")
    return analyse_study(study, load_study_data(study, made.files)), folder


def page(results):
    """The page without figures."""
    return render([Section(results, (), tuple(results["warnings"]))])


def drawn(container):
    """x and y of the points of an error bar."""
    return [list(values) for values in container.lines[0].get_data()]


def test_string_tension_of_the_area_law_is_exact_and_that_of_another_coupling_is_not(detailed):
    estimate = detailed[0]["estimates"]["b1.0_6x8/sigma"]
    sigma, twin = (-math.log(exact.study_value("U1", (6, 8), beta, "plaquette")) for beta in (1.0, 1.1))
    assert abs(estimate["value"] - sigma) < 3 * estimate["error"]
    assert abs(estimate["value"] - twin) > 3 * estimate["error"]


def test_potential_is_drawn_with_its_effective_masses_and_plateaus(detailed):
    figure = potential_figure(detailed[0])
    potentials = [detailed[0]["details"][f"b{beta}_6x8/potential"]["points"] for beta in (1.0, 2.0)]
    assert len(figure.axes) == 4
    for points, values, masses in zip(potentials, figure.axes[0::2], figure.axes[1::2], strict=True):
        assert drawn(values.containers[0]) == [[1, 2], [point["value"] for point in points]]
        assert [drawn(c)[1] for c in masses.containers] == [[p["effective"][0]["value"]] for p in points]
        bands = [c.get_paths()[0].get_extents() for c in masses.collections if isinstance(c, PolyCollection)]
        assert [(b.y0, b.y1) for b in bands] == [
            (pytest.approx(p["value"] - p["error"]), pytest.approx(p["value"] + p["error"])) for p in points
        ]
    assert potential_figure(made_study().results) is None


def test_fit_is_drawn_with_its_residuals_and_left_out_where_it_failed(detailed):
    results = copy.deepcopy(detailed[0])
    law = results["details"]["b1.0_6x8/area law"]
    _, residuals, *_ = fit_figure(results).axes
    wanted = [(p["value"] - f) / p["error"] for p, f in zip(law["points"], law["fitted"], strict=True)]
    assert drawn(residuals.containers[0])[1] == pytest.approx(wanted)
    law |= {"curve": [], "chi2": None, "p_value": None}
    law["parameters"]["sigma"] = {"text": "nan", "value": None, "error": None}
    assert len(fit_figure(results).axes) == 2
    fits = next(table for table in detail_tables(results) if table.title == "Fits")
    assert fits.rows[0][2] == "sigma = –"
    assert fits.rows[0][6:8] == ("– / 1", "–")


def test_page_has_a_table_of_every_kind_with_its_numbers(detailed):
    results = detailed[0]
    text = page(results)
    details = results["details"]
    law, points = details["b2.0_6x8/area law"], details["b2.0_6x8/potential"]["points"]
    sigma = law["parameters"]["sigma"]["text"]
    row = f'<td class="word">sigma R</td><td class="word">sigma = {sigma}</td><td class="word">none</td>'
    row += f'<td class="word">full</td><td class="r">2</td><td class="r">{chi2_text(law)}</td>'
    assert f'<th scope="row">b2.0_6x8/area law</th>{row}' in text
    assert (
        f'<td class="word">bare</td><td class="word">full</td><td class="r">2</td><td class="r">{points[1]["text"]}'
        in text
    )
    t0 = next(r for r in details["b2.0_6x8/scales"]["rows"] if (r["scale"], r["interpolation"]) == ("t0", "cubic"))
    assert f'<td class="word">cubic</td><td class="r">0.3</td><td class="r">{t0["text"]}</td>' in text
    assert '<h3 id="small--details">Potentials, fits and scales</h3>' in text
    assert "Potentials, fits and scales" not in page(made_study().results)


def test_bins_and_what_decided_them_are_shown(detailed):
    results = detailed[0]
    text = page(results)
    for entry in results["ensembles"]:
        bins = entry["bins"]
        assert f'<td class="word">{bins["bin_size"]} ({bins["decided_by"]})</td>' in text
        assert f"bins of {bins['bin_size']} configurations; slowest: {bins['decided_by']}, τ_int " in text
    asked = {"bin_size": 5, "decided_by": "analysis: bin_size of the study", "tau_int": {}}
    assert bins_text(asked) == "5 configurations; analysis: bin_size of the study"


def test_errors_that_disagree_are_marked_and_others_are_not(detailed):
    results = copy.deepcopy(detailed[0])
    for row in results["error_methods"]:
        row["agree"] = True
    assert "disagree by more" not in page(results)
    results["error_methods"][1]["agree"] = False
    assert results["error_methods"][1]["name"] == "b1.0_6x8/sigma"
    text = page(results)
    assert f'<span class="fail">1 of {len(results["estimates"])}</span> errors' in text
    assert text.count(", disagree</span>") == 1
    assert '<tr class="failed"><td>b1.0_6x8</td><th scope="row">sigma</th>' in text


def test_every_flow_has_its_panel_with_its_own_t0():
    made = made_study()
    results = copy.deepcopy(made.results)
    for ensemble in load_study_data(made.study, made.files):
        first = next(iter(ensemble.flows.values()))
        second = {**first, "energy_clover": 0.8 * first["energy_clover"]}
        two = replace(ensemble, flows={"wilson": first, "zeuthen": second})
        results["diagnostics"][ensemble.label] = found = diagnostics(two)
        assert list(found["flows"]) == ["wilson", "zeuthen"]
        curves = [np.array(flow["energy_clover"]["t2e"]) for flow in found["flows"].values()]
        assert curves[1] == pytest.approx(0.8 * curves[0])
    t0 = {**results["estimates"]["b1.0_6x8/t0_clover"], "text": "1.25(1)", "value": 1.25}
    results["estimates"]["b1.0_6x8/t0_clover_zeuthen"] = t0
    axes = flow_figure(results).axes
    assert [axis.get_title(loc="left") or axis.get_title() for axis in axes] == [
        f"b{beta}_6x8: {flow} flow" for beta in (1.0, 2.0) for flow in ("Wilson", "Zeuthen")
    ]
    marked = [[drawn(container)[0] for container in axis.containers] for axis in axes]
    wilson = [[[results["estimates"][f"b{beta}_6x8/t0_clover"]["value"]]] for beta in (1.0, 2.0)]
    assert marked == [wilson[0], [[1.25]], wilson[1], []]


def test_actions_have_panels_of_their_own():
    results = copy.deepcopy(made_study().results)
    assert len(against_beta(results, "plaquette", "P").axes) == 2
    results["ensembles"][1]["action"] = {"kind": "rectangle", "beta": 2.0, "c1": -0.331}
    axes = against_beta(results, "plaquette", "P").axes
    assert [drawn(axis.containers[0])[0] for axis in axes[:2]] == [[1.0], [2.0]]


def test_a_study_without_references_says_so(detailed):
    results = {**detailed[0], "references": []}
    text = page(results)
    assert "has no rows: nothing is judged" in text
    assert "0 of 0 pass" not in text
    assert "pulls" not in [figure.name for figure in make_section(results, detailed[1]).figures]


def test_columns_of_words_stand_left_and_covariances_are_named():
    assert word_columns([("x", "9.9e-11", "5.1 / 4", "–"), ("y", "0.59(1)e-07", "– / 0", "9 forces")]) == {0, 3}
    assert covariance_text({"kind": "full", "shrinkage": 0.1, "svd_cut": 0.0}) == "full, shrinkage 0.1"
