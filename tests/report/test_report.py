"""The report stands alone, says what the results say, and is the same for everybody."""

import getpass
import gzip
import json
import re
import socket
from html.parser import HTMLParser

import numpy as np
import pytest
from synthetic import made_study

from gaugeflow.analysis.results import estimates, write_results
from gaugeflow.analysis.scoreboard import judge
from gaugeflow.cli.main import main
from gaugeflow.errors import ConfigError
from gaugeflow.report.builder import build_report
from gaugeflow.report.tables import COLUMNS, csv_table, pyerrors_table, table_rows


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Folder with report.html, tables and figures of the good study and, as a second one, its failing twin."""
    out = tmp_path_factory.mktemp("report")
    good, twin = made_study(), made_study(1.1)
    build_report(
        [good.results, {**twin.results, "study": "twin"}],
        out / "report.html",
        {"small": good.folder, "twin": twin.folder},
    )
    return out


class References(HTMLParser):
    """Collects everything a browser would fetch, and checks that elements close."""

    def __init__(self):
        super().__init__()
        self.fetched, self.open = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)
        self.fetched += [value for key, value in attrs if key in ("src", "href", "srcset", "data", "poster")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_is_well_formed_and_needs_no_other_file(built):
    text = (built / "report.html").read_text()
    parser = References()
    parser.feed(text)
    assert parser.open == []
    assert len(parser.fetched) > 10
    assert all(reference.startswith(("data:image/svg+xml;base64,", "#")) for reference in parser.fetched)
    assert "<script" not in text
    assert "@import" not in text
    assert "url(" not in text


def test_page_shows_every_judged_row_with_its_verdict(built):
    text = (built / "report.html").read_text()
    for row in judge(made_study().results):
        assert row.name.replace(">", "&gt;") in text
    failed = [row for row in judge(made_study(1.1).results) if not row.passed]
    assert text.count('class="fail">FAIL') == len(failed) > 0
    assert "10 of 10 pass" in text


def test_page_shows_warnings_escaped(tmp_path):
    made = made_study()
    results = {**made.results, "warnings": ["the <b>flow</b> was too short"]}
    build_report([results], tmp_path / "report.html", {"small": made.folder})
    assert "the &lt;b&gt;flow&lt;/b&gt; was too short" in (tmp_path / "report.html").read_text()


def test_equal_results_give_equal_files(built, tmp_path):
    good, twin = made_study(), made_study(1.1)
    build_report(
        [good.results, {**twin.results, "study": "twin"}],
        tmp_path / "report.html",
        {"small": good.folder, "twin": twin.folder},
    )
    files = sorted(path.relative_to(built) for path in built.rglob("*") if path.is_file())
    assert len(files) > 15
    for path in files:
        assert (tmp_path / path).read_bytes() == (built / path).read_bytes(), path


def test_no_user_host_or_date_is_written(built):
    words = {socket.gethostname(), getpass.getuser()} - {"root"}
    for path in (path for path in built.rglob("*") if path.is_file()):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = content.decode()
        assert not any(re.search(rf"\b{re.escape(word)}\b", text) for word in words), path
        assert not re.search(r"20\d\d-\d\d-\d\d", text), path
        assert "/tmp/" not in text, path


def test_tables_have_value_error_times_and_source(built):
    results = made_study().results
    rows = table_rows(results)
    assert [f"{row['ensemble']}/{row['name']}" for row in rows] == list(results["estimates"])
    for row in rows:
        assert tuple(row) == COLUMNS
        assert None not in (row["value"], row["error"], row["tau_int"], row["n_eff"])
        assert re.fullmatch(r"[0-9a-f]{64}", row["spec_sha256"])
        assert re.fullmatch(r"[0-9a-f]{64}", row["inputs_sha256"])
    assert csv_table(results).splitlines()[0] == ",".join(COLUMNS)
    stored = json.loads((built / "tables" / "small.json").read_text())
    assert stored["rows"] == rows
    assert len(stored["inputs"]["b1.0_6x8"]) == 6


def test_pyerrors_reads_back_values_and_errors(tmp_path):
    import pyerrors

    (tmp_path / "t.json.gz").write_bytes(pyerrors_table(made_study().results))
    observables = pyerrors.input.json.load_json(str(tmp_path / "t"), verbose=False)
    wanted = estimates(made_study().results)
    assert [obs.tag for obs in observables] == list(wanted)
    for obs, (name, estimate) in zip(observables, wanted.items(), strict=True):
        obs.gamma_method(S=0)
        assert obs.value == pytest.approx(estimate.value, rel=1e-9, abs=1e-12), name
        assert obs.dvalue == pytest.approx(estimate.error, rel=1e-2), name
    ratio = observables[1] / observables[0]
    ratio.gamma_method(S=0)
    assert np.isfinite(ratio.dvalue)


def test_one_study_twice_is_refused(tmp_path):
    results = made_study().results
    with pytest.raises(ConfigError, match="given twice"):
        build_report([results, results], tmp_path / "report.html", {})
    assert list(tmp_path.iterdir()) == []


def test_a_study_that_is_not_found_still_has_a_page(tmp_path):
    results = {**made_study().results, "study": "nowhere_to_be_found"}
    build_report([results], tmp_path / "report.html", {})
    assert "its own figures are missing" in (tmp_path / "report.html").read_text()


def test_command_line_goes_from_files_to_scoreboard(tmp_path, capsys):
    made = made_study()
    results, page, board = (tmp_path / name for name in ("results.json", "report.html", "scoreboard.csv"))
    inputs = [str(path) for path in made.files]
    assert main(["analyse", str(made.folder), *inputs, "--scale", "tiny", "--out", str(results)]) == 0
    assert main(["report", str(results), "--out", str(page), "--study", str(made.folder)]) == 0
    assert main(["validate", str(results), "--out", str(board), "--strict"]) == 0
    assert "10 of 10 rows passed" in capsys.readouterr().out
    assert page.exists()
    assert (tmp_path / "tables" / "small.csv").exists()
    assert (tmp_path / "figures" / "small" / "flow.svg").exists()


def test_failing_rows_end_strict_validation_with_code_4_after_the_scoreboard_is_written(tmp_path, capsys):
    path = tmp_path / "results.json"
    write_results(path, made_study(1.1).results)
    assert main(["validate", str(path), "--out", str(tmp_path / "board.csv")]) == 0
    assert main(["validate", str(path), "--out", str(tmp_path / "strict.csv"), "--strict"]) == 4
    assert "b1.0_6x8/plaquette (|pull| >= 3)" in capsys.readouterr().err
    assert (tmp_path / "strict.csv").read_bytes() == (tmp_path / "board.csv").read_bytes()


def test_wrong_inputs_are_one_message_and_no_output(tmp_path, capsys):
    made = made_study()
    out = tmp_path / "results.json"
    assert main(["analyse", str(made.folder), str(made.files[0]), "--scale", "tiny", "--out", str(out)]) == 2
    assert main(["report", str(tmp_path / "none.json"), "--out", str(tmp_path / "report.html")]) == 3
    assert main(["validate", str(tmp_path / "none.json"), "--out", str(tmp_path / "board.csv")]) == 3
    assert capsys.readouterr().err.count("error:") == 3
    assert list(tmp_path.iterdir()) == []
