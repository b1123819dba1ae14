"""The rules by which a number passes."""

import csv
import io
import math

import pytest
from synthetic import made_study

from gaugeflow.analysis.reference import read_references
from gaugeflow.analysis.scoreboard import COLUMNS, judge, scoreboard_csv
from gaugeflow.errors import ConfigError

HEADER = "name,value,error,max_error,kind,source\n"


def judged(value, error, reference=1.0, reference_error=0.0, max_error=0.1):
    row = {
        "name": "x",
        "value": reference,
        "error": reference_error,
        "max_error": max_error,
        "kind": "exact",
        "source": "-",
    }
    results = {"study": "s", "references": [row], "estimates": {"x": {"value": value, "error": error}}}
    return judge(results)[0]


@pytest.mark.parametrize(
    ("row", "passed", "reason"),
    [
        (judged(1.02, 0.01), True, ""),
        (judged(1.03, 0.01), False, "|pull| >= 3"),
        (judged(1.03, 0.01, reference_error=0.01), True, ""),
        (judged(1.02, 0.11), False, "error above max_error"),
        (judged(None, None), False, "no finite value"),
        (judged(1.0, None), False, "no finite value"),
        (judged(1.0, 0.0), True, ""),
        (judged(1.05, 0.0), True, ""),
        (judged(1.15, 0.0), False, "|value - reference| > max_error"),
        (judged(1.05, 0.0, reference_error=0.01), False, "|pull| >= 3"),
    ],
)
def test_a_row_passes_with_a_small_pull_and_a_small_error(row, passed, reason):
    assert (row.passed, row.reason) == (passed, reason)


def test_a_reference_without_result_fails():
    results = {"study": "s", "references": [judged(1, 1).__dict__ | {"value": 1.0, "error": 0.0}], "estimates": {}}
    (row,) = judge(results)
    assert not row.passed
    assert row.reason == "no result of this name"
    assert math.isnan(row.value)


def test_exact_results_pass_and_the_twin_with_beta_off_by_ten_percent_fails():
    good, twin = judge(made_study().results), judge(made_study(1.1).results)
    assert [row.name for row in good if not row.passed] == []
    wrong = {row.name for row in twin if not row.passed}
    assert {"b1.0_6x8/plaquette", "b2.0_6x8/plaquette", "b1.0_6x8/W(4)", "b2.0_6x8/W(4)"} <= wrong
    assert all(abs(row.pull) > 10 for row in twin if row.name.endswith("plaquette"))
    # HMC at the wrong beta is still HMC
    assert {row.name for row in twin if "dH" in row.name or "hot" in row.name}.isdisjoint(wrong)


def test_scoreboard_has_the_columns_of_the_readme():
    text = scoreboard_csv(judge(made_study().results))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == COLUMNS
    assert {row["passed"] for row in rows} == {"true"}
    assert all(math.isfinite(float(row["pull"])) for row in rows)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,value\n", "columns name,value, wanted"),
        (HEADER + "a,one,0,1,exact,x\n", "r.csv:2: value: got 'one'"),
        (HEADER + "a,1,0,0,exact,x\n", "max_error > 0"),
        (HEADER + "a,1,0,1,guess,x\n", "kind 'guess'"),
        (HEADER + "a,1,0,1,exact,\n", "a source"),
        (HEADER + "a,1,0,1,exact,x,y\n", "wanted 6 columns"),
        (HEADER + "a,1,0,1,exact,x\n" * 2, "stands twice"),
    ],
)
def test_a_wrong_reference_file_is_one_clear_error(tmp_path, text, message):
    path = tmp_path / "r.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        read_references(path)
