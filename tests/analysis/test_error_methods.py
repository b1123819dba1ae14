"""Jackknife and Gamma method side by side: they agree where they should, and a contradiction is seen."""

import io

import numpy as np
import pytest
from autoregressive import ar1
from rich.console import Console
from synthetic import made_study

from gaugeflow.analysis.details import error_methods
from gaugeflow.cli.main import main
from gaugeflow.report.terminal import error_methods_table
from gaugeflow.stats.estimate import derive
from gaugeflow.stats.jackknife import jackknife


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_both_methods_agree_on_autoregressive_chains_within_the_errors_of_the_errors(rho):
    estimates = {}
    for seed in range(20):
        x = jackknife(3 + ar1(rho, 3000, 4, seed=seed), key=f"{seed}")
        estimates |= {f"x{seed}": x, f"ln{seed}": derive(np.log, x)}
    rows = error_methods(estimates)
    assert all(row["agree"] for row in rows)
    distances = [
        (row["error"] - row["gamma_error"]) / np.hypot(row["error_error"], row["gamma_error_error"]) for row in rows
    ]
    assert np.sqrt(np.mean(np.square(distances))) < 1.5
    # bins of ten tau_int underestimate by 5 %
    assert np.mean([row["ratio"] for row in rows]) == pytest.approx(0.97, abs=0.06)


def test_bins_that_are_too_small_are_flagged_in_table_and_warnings():
    wrong = jackknife(ar1(0.9, 4000, 8, seed=5), bin_size=1)
    (row,) = error_methods({"naive": wrong})
    assert row["agree"] is False
    assert row["ratio"] < 0.4
    out = io.StringIO()
    Console(file=out, width=160).print(error_methods_table([row]))
    assert "DISAGREE" in out.getvalue()
    assert "disagree" in wrong.warnings[0]


def test_every_estimate_of_a_study_has_a_row_with_both_errors(tmp_path, capsys):
    made = made_study()
    rows = made.results["error_methods"]
    assert [row["name"] for row in rows] == list(made.results["estimates"])
    assert all(row["gamma_error"] and row["error"] for row in rows)
    assert [row["name"] for row in rows if row["agree"] is False] == []
    out = tmp_path / "results.json"
    assert main(["analyse", str(made.folder), *map(str, made.files), "--scale", "tiny", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "binned jackknife and Gamma method" in printed
    assert all(row["name"] in printed for row in rows)


def test_what_does_not_fluctuate_has_no_verdict():
    (row,) = error_methods({"constant": jackknife(np.full((100, 4), 0.7), bin_size=5)})
    assert row["agree"] is None
