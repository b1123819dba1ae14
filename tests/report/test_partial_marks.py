"""Partial results are never shown as complete ones: page, tables, LaTeX, scoreboard, README."""

import csv
import io
import json
import re

import pytest
from coordinator.half_run import A, B, Copy, study_of

from gaugeflow.cli.main import main
from gaugeflow.report.latex import STAR

NOTE = f"ensemble {A}: 2 of 4 chunks; chunk 2: "


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Folder with all that is made of a run of which the first ensemble has 2 of 4 chunks, the second none."""
    folder = tmp_path_factory.mktemp("partial")
    run = Copy(folder / "root")
    study = study_of(folder / "half")
    (study / "figures.py").write_text(
        "def figures(results):\n    return {'own': results['estimates'].pop('missing')}\n"
    )
    run.remove(A, "measure", 2)
    run.remove(B)
    results = str(folder / "tables" / "results.json")
    assert main(["collect", str(study), "--root", str(run.places.root), "--out", str(folder / "tables")]) == 0
    assert main(["validate", results, "--out", str(folder / "scoreboard.csv")]) == 0
    assert main(["report", results, "--out", str(folder / "report.html"), "--study", str(study)]) == 0
    return folder


def test_the_page_says_what_is_missing_and_marks_every_number(shown):
    text = (shown / "report.html").read_text()
    assert f"<li>partial: {NOTE}measure_" in text
    assert f"<li>partial: ensemble {B}: 0 of 4 chunks" in text
    overview = text[text.index('id="overview"') : text.index("rms pull: root")]
    assert '<span class="fail">partial</span>' in overview
    everything = text[text.index('id="half--all"') : text.index('id="half--provenance"')]
    assert everything.count(f"partial: {A} 2 of 4 chunks") == 4
    judged = text[text.index('id="half--references"') : text.index('id="half--results"')]
    assert judged.count("partial: ") == 2


def test_figures_of_the_study_that_want_what_is_missing_do_not_stop_the_page(shown):
    assert (
        "own figures of study half could not be made of partial results: KeyError"
        in (shown / "report.html").read_text()
    )


def test_rows_of_the_scoreboard_say_that_they_are_partial(shown, capsys):
    rows = list(csv.DictReader(io.StringIO((shown / "scoreboard.csv").read_text())))
    assert [row["partial"] for row in rows] == [f"{A} 2 of 4 chunks", f"without {B}"]
    assert [row["passed"] for row in rows] == ["true", "false"]
    readme = shown / "README.md"
    readme.write_text("<!-- scoreboard: begin -->\n<!-- scoreboard: end -->\n")
    assert main(["scoreboard", str(shown / "scoreboard.csv"), "--readme", str(readme)]) == 0
    assert f"yes, partial: {A} 2 of 4 chunks" in readme.read_text()
    assert "1 of 2 rows pass. 2 are of partial data." in readme.read_text()
    capsys.readouterr()
    assert main(["validate", str(shown / "tables" / "results.json"), "--out", str(shown / "again.csv")]) == 0
    told = capsys.readouterr().out
    assert f"partial: half, {NOTE}" in told
    assert f"partial: without {B}" in re.sub(r"\s+", " ", told)


def test_latex_has_a_star_at_every_preliminary_number_and_says_so_in_the_caption(shown):
    table, macros = ((shown / "tables" / name).read_text() for name in ("half.tex", "numbers.tex"))
    rows = table.split("\\endfoot\n")[1].split("\\end{longtable}")[0].splitlines()
    assert len(rows) == 4
    assert all(STAR in row and row.count(" & ") == 6 for row in rows)
    assert r"Partial: b1.0\_4x6 2 of 4 chunks, b2.0\_4x6 0 of 4 chunks" in table
    assert macros.count(STAR) == macros.count(r"\newcommand") == 4
    for text in (table, macros):
        assert f"% PARTIAL: {A} 2 of 4 chunks" in text
        bare = re.sub(r"(?<!\\)%.*|\\[A-Za-z]+|\\.", "", text)
        assert bare.count("{") == bare.count("}")


def test_tables_have_the_chunks_and_the_expected_error(shown):
    rows = list(csv.DictReader(io.StringIO((shown / "tables" / "table.csv").read_text())))
    assert [row["chunks"] for row in rows] == ["2/4"] * 4
    for row in rows:
        assert float(row["expected_error"]) == pytest.approx(float(row["error"]) / 2**0.5)
        assert row["partial"].startswith(f"{A} 2 of 4 chunks")
    content = json.loads((shown / "report.html").with_name("tables").joinpath("half.json").read_text())
    assert content["partial"]["ensembles"][1]["chunks_used"] == 0
