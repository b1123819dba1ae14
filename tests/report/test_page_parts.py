"""Parts of the page: a study's curves and tables, cost from benchmark files, what is left out and why."""

import copy
import math
import re

import pytest
from synthetic import made_study

from gaugeflow.analysis.curves import Curve, Series, Table, curve_json, table_json
from gaugeflow.analysis.diagnostics import diagnostics
from gaugeflow.analysis.loading import load_study_data
from gaugeflow.analysis.observables import chain_checks
from gaugeflow.analysis.runner import analyse_study
from gaugeflow.config.load import load_study
from gaugeflow.config.samplers import HeatbathSampler
from gaugeflow.errors import ConfigError, FileError
from gaugeflow.report import wording
from gaugeflow.report.builder import build_report, make_section
from gaugeflow.report.cost import costs
from gaugeflow.stats.estimate import Estimate

SERIES = Series("points", [1.0, 2.0], [3.0, math.nan])
ANALYSIS = """\
from gaugeflow.analysis.curves import Curve, Series, Table
from gaugeflow.analysis.observables import plaquette


def analyse(data):
    means = [plaquette(ensemble) for ensemble in data]
    beta = [ensemble.spec.beta for ensemble in data]
    curve = Curve("plaquette", "beta", "P", (Series.of("measured", beta, means),), caption="Plaquette against beta")
    rows = tuple((ensemble.label, mean) for ensemble, mean in zip(data, means))
    return {"b1.0_6x8/plaquette": means[0], "scan/all": curve, "list": Table("Plaquettes", ("ensemble", "P"), rows)}
"""


def test_a_study_adds_curves_and_tables_to_its_page(tmp_path):
    made = made_study()
    folder = tmp_path / "small"
    folder.mkdir()
    for name in ("study.yaml", "reference.csv", "reference_tiny.csv"):
        (folder / name).write_bytes((made.folder / name).read_bytes())
    (folder / "analysis.py").write_text(ANALYSIS)
    study = load_study(folder, "tiny")
    results = analyse_study(study, load_study_data(study, made.files))
    assert list(results["estimates"]) == ["b1.0_6x8/plaquette"]
    wanted = made.results["estimates"]
    series = results["curves"]["scan/all"]["series"][0]
    assert series["y"] == [wanted[f"b{beta}_6x8/plaquette"]["value"] for beta in series["x"]]
    assert series["yerr"] == [wanted[f"b{beta}_6x8/plaquette"]["error"] for beta in series["x"]]
    build_report([results], tmp_path / "report.html", {"small": folder})
    text = (tmp_path / "report.html").read_text()
    assert "<b>scan.</b> Plaquette against beta" in text
    assert (tmp_path / "figures" / "small" / "scan.svg").exists()
    assert f'<th scope="row">b2.0_6x8</th><td class="r">{wanted["b2.0_6x8/plaquette"]["text"]}</td>' in text


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        (Curve("t", "x", "y", ()), "got no series"),
        (Curve("t", "x", "y", (Series("s", [1], [1, 2]),)), "y has 2 numbers, wanted 1"),
        (Curve("t", "x", "y", (Series("s", [1], [1], yerr=[]),)), "yerr has 0 numbers"),
        (Curve("t", "x", "y", (SERIES,), yscale="square"), "got scale 'square'"),
    ],
)
def test_a_curve_that_cannot_be_drawn_is_refused(curve, message):
    with pytest.raises(ConfigError, match=message):
        curve_json("c", curve)


def test_a_table_with_a_wrong_row_is_refused():
    with pytest.raises(ConfigError, match="row 1 has 1 cells, wanted 2"):
        table_json("t", Table("t", ("a", "b"), (("x", 1), ("y",))))


def test_cells_and_points_without_a_number_are_shown_as_such():
    content = table_json("t", Table("t", ("a", "b", "c"), (("x", math.nan, Estimate(0.5937, 0.0011)),)))
    assert content["rows"] == [["x", "–", "0.5937(11)"]]
    assert curve_json("c", Curve("t", "x", "y", (SERIES,)))["series"][0]["y"] == [3.0, None]


def test_a_figure_name_that_is_taken_is_refused():
    made = made_study()
    results = {**made.results, "curves": {"history/x": curve_json("c", Curve("t", "x", "y", (SERIES,)))}}
    with pytest.raises(ConfigError, match="two figures are called history"):
        make_section(results, made.folder)


def test_samplers_without_metropolis_have_no_delta_h_and_no_acceptance():
    made = made_study()
    ensemble = next(iter(load_study_data(made.study, made.files)))
    assert "delta_h" in diagnostics(ensemble)
    assert {"exp(-dH)", "acceptance"} <= chain_checks(ensemble).keys()
    spec = ensemble.spec.model_copy(update={"sampler": HeatbathSampler(kind="heatbath", heatbath=1, overrelaxation=0)})
    other = copy.copy(ensemble)
    object.__setattr__(other, "spec", spec)
    assert "delta_h" not in diagnostics(other)
    assert chain_checks(other).keys() == {"hot-cold"}


def without_metropolis(results):
    """Results whose first ensemble has a heat bath, as analyse writes them."""
    changed = copy.deepcopy(results)
    entry = changed["ensembles"][0]
    entry |= {"acceptance": None, "sampler": {"kind": "heatbath", "heatbath": 1, "overrelaxation": 4, "winding": 0}}
    del changed["diagnostics"][entry["label"]]["delta_h"]
    return changed


def test_delta_h_is_drawn_only_where_it_means_something(tmp_path):
    made = made_study()
    mixed = without_metropolis(made.results)
    section = make_section(mixed, made.folder)
    drawing = next(figure.svg.decode() for figure in section.figures if figure.name == "delta_h")
    assert drawing.count('<g id="axes_') == 1
    mixed["diagnostics"] = {label: {**d} for label, d in mixed["diagnostics"].items()}
    for content in mixed["diagnostics"].values():
        content.pop("delta_h", None)
    assert "delta_h" not in [figure.name for figure in make_section(mixed, made.folder).figures]
    build_report([mixed], tmp_path / "report.html", {"small": made.folder})
    assert wording.unbroken("1 × heat bath, 4 × overrelaxation") + "</td>" in (tmp_path / "report.html").read_text()


def write_benchmarks(folder, results):
    """Files as Snakemake writes them: 10 s for chunk 0 and 5 s for chunk 1, 2 s for each measurement."""
    head = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    for entry in results["ensembles"]:
        for kind, seconds in (("generate", (10.0, 5.0)), ("measure", (2.0, 2.0))):
            place = folder / kind / entry["ensemble_id"] / ("" if kind == "generate" else "0123abcd")
            place.mkdir(parents=True)
            for chunk, s in enumerate(seconds):
                tail = "200.5\t1\t1\t1\t1\t1\t90\t4.0" if chunk else "NA\tNA\tNA\tNA\t0.00\t0.00\tNA\t0.3"
                (place / f"{chunk:04d}.tsv").write_text(f"{head}{s}\t0:00:10\t{tail}\n")


def test_cost_is_that_of_the_benchmark_files(tmp_path):
    """Two chunks of 80 trajectories of 32 chains on 6 x 8 after 60 to thermalise in 15 s; 20 configurations each."""
    made = made_study()
    write_benchmarks(tmp_path / "benchmarks", made.results)
    found = costs(made.results, tmp_path / "benchmarks")
    assert [cost.label for cost in found] == [entry["label"] for entry in made.results["ensembles"]]
    cost = found[0]
    assert cost.jobs == (2, 2)
    assert cost.update_seconds == pytest.approx(15 / 220)
    assert cost.per_hour == pytest.approx(32 * 3600 * 220 / 15)
    assert cost.site_seconds == pytest.approx(15 / 220 / 32 / 48)
    tau_int = made.results["diagnostics"]["b1.0_6x8"]["autocorrelation"]["plaquette"]["tau_int"]
    assert cost.independent == pytest.approx(2 * tau_int * 4 * 15 / 220 / 32)
    assert (cost.memory, cost.measure, cost.flow) == (200.5, pytest.approx(0.1), None)
    build_report([made.results], tmp_path / "r.html", {"small": made.folder}, tmp_path / "benchmarks")
    assert re.search(
        r'b1.0_6x8</th><td class="r">2 of 2</td><td class="r">15 s</td>', (tmp_path / "r.html").read_text()
    )


def test_cost_counts_the_jobs_that_are_known_only(tmp_path):
    made = made_study()
    write_benchmarks(tmp_path, made.results)
    first, second = (entry["ensemble_id"] for entry in made.results["ensembles"])
    (tmp_path / "generate" / first / "0000.tsv").unlink()
    for chunk in (0, 1):
        (tmp_path / "generate" / second / f"{chunk:04d}.tsv").unlink()
    found = costs(made.results, tmp_path)
    assert [(cost.label, cost.jobs, cost.update_seconds) for cost in found] == [("b1.0_6x8", (1, 2), 5 / 80)]
    (tmp_path / "generate" / first / "0001.tsv").write_text("hello\n")
    with pytest.raises(FileError, match="no benchmark file of Snakemake"):
        costs(made.results, tmp_path)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (
            wording.sampler_text({"kind": "hmc", "integrator": "omf2", "tau": 1.0, "n_steps": 4}),
            "HMC omf2, τ = 1.0, 4 steps",
        ),
        (wording.sampler_text({"kind": "langevin", "step": 0.01}), "Langevin, ε = 0.01"),
        (wording.sampler_text({"kind": "exact"}), "exact sampler"),
        (wording.action_text({"kind": "rectangle", "beta": 2.6, "c1": -0.331}), "rectangle, c1 = -0.331"),
        (wording.action_text({"kind": "wilson", "beta": 6.0}), "Wilson"),
        (wording.start_text("mixed"), "mixed"),
        (
            wording.start_text({"file": "a.h5", "content_sha256": "ab" * 32, "configuration": 3}),
            "configuration 3 of a.h5 (abababababab)",
        ),
        (wording.time_text(2.5e-7), "250 ns"),
        (wording.time_text(0.0321), "32.1 ms"),
        (wording.time_text(7200), "2.00 h"),
        (wording.time_text(None), "–"),
        (wording.unbroken("HMC omf2, τ = 1.0"), "HMC\u00a0omf2, τ\u00a0=\u00a01.0"),
        (
            wording.sampler_text({"kind": "heatbath", "heatbath": 1, "overrelaxation": 0, "winding": 4}),
            "1 × heat bath, 4 × winding",
        ),
        (wording.ratio_text(0.0, 1.0), "–"),
    ],
)
def test_the_page_says_it_in_words(found, wanted):
    assert found == wanted
