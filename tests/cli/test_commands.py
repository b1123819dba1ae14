"""Laws of the command line: one message and one exit code per fault, and nothing written on failure."""

import json

import pytest
from house import TUNE, run, study_content, write_study

from gaugeflow import __version__
from gaugeflow.cli.main import COMMANDS


def test_help_lists_every_command_and_exit_code():
    result = run("gaugeflow", "--help")
    assert result.returncode == 0
    assert all(name in result.stdout for name in COMMANDS)
    assert "Exit codes" in result.stdout


def test_version_is_printed():
    assert run("gaugeflow", "--version").stdout == f"gaugeflow {__version__}\n"


@pytest.mark.parametrize("words", [["nonsense"], ["spec"], ["check-study", "--nonsense"], []])
def test_a_wrong_command_line_exits_with_2(words):
    result = run("gaugeflow", *words)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_check_study_prints_what_will_be_run(tmp_path):
    folder = write_study(tmp_path / "s")
    result = run("gaugeflow", "check-study", folder, "--scale", "tiny", "--root", "out")
    assert result.returncode == 0
    assert result.stdout.count("u1_2d_b1.0_4x4-") == 1
    for word in ("memory", "disk", "core hours", "configurations", "out/results/s", "valid, 4 ensembles"):
        assert word in result.stdout


def test_a_fault_is_one_message_on_stderr_and_exit_code_2(tmp_path):
    folder = write_study(tmp_path / "s", study_content(**{"ensembles.0.beta": -1.0}))
    result = run("gaugeflow", "check-study", folder)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"gaugeflow: error: {folder}/study.yaml: scales.full.ensembles[0].beta: got -1.0")
    assert "Traceback" not in result.stderr


def test_spec_is_written_for_an_id_and_for_a_label(tmp_path):
    folder = write_study(tmp_path / "s")
    by_label = run("gaugeflow", "spec", folder, "--ensemble", "b2.5_6x8", "--scale", "tiny", "--out", tmp_path / "a")
    assert by_label.returncode == 0, by_label.stderr
    written = json.loads((tmp_path / "a").read_text())
    identity = written["ensemble_id"]
    run("gaugeflow", "spec", folder, "--ensemble", identity, "--scale", "tiny", "--out", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()
    assert written["spec"].pop("seed") != written["request"].pop("seed")  # the chains' own key, from the study's seed
    assert written["spec"] == written["request"]


def test_spec_takes_tuned_steps_and_refuses_to_guess_them(tmp_path):
    folder = write_study(tmp_path / "s", study_content(**{"ensembles.0.sampler.n_steps": TUNE}))
    line = ("gaugeflow", "spec", folder, "--ensemble", "b1.0_4x4", "--scale", "tiny", "--out", tmp_path / "spec.json")
    untuned = run(*line)
    assert untuned.returncode == 2
    assert "--tuning" in untuned.stderr
    missing = run(*line, "--tuning", tmp_path / "none.json")
    assert missing.returncode == 3
    (tmp_path / "tuning.json").write_text("{")
    assert run(*line, "--tuning", tmp_path / "tuning.json").returncode == 3
    assert not (tmp_path / "spec.json").exists()


def test_an_unknown_ensemble_is_refused_with_the_known_ones(tmp_path):
    result = run("gaugeflow", "spec", write_study(tmp_path / "s"), "--ensemble", "b9", "--out", tmp_path / "x")
    assert result.returncode == 2
    assert "b2.5_6x8" in result.stderr


def test_a_start_file_that_is_missing_is_refused(tmp_path):
    start = {"file": "none.h5", "content_sha256": "0" * 64}
    folder = write_study(tmp_path / "s", study_content(**{"ensembles.0.start": start}))
    result = run("gaugeflow", "spec", folder, "--ensemble", "b1.0_4x4", "--scale", "tiny", "--out", tmp_path / "x")
    assert result.returncode == 3
    assert "none.h5" in result.stderr
    assert not (tmp_path / "x").exists()


HEADER = "study,name,value,error,reference,reference_error,max_error,kind,source,pull,passed"


def test_the_scoreboard_goes_into_the_readme_between_its_marks(tmp_path):
    rows = [
        "s,plaquette,0.593721,0.00011,0.5937,0.0,0.001,exact,eq. 1,0.19,true",
        "s,t0,1.2,0.1,0.9,0,0.2,computed,x,3.0,false",
    ]
    (tmp_path / "board.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- scoreboard: begin -->\nold\n<!-- scoreboard: end -->\nafter\n")
    for _ in range(2):
        result = run("gaugeflow", "scoreboard", tmp_path / "board.csv", "--readme", readme)
        assert result.returncode == 0, result.stderr
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| s | plaquette | 0.59372(11) | 0.5937 | exact | +0.19 | yes |" in text
    assert "1 of 2 rows pass." in text
    assert "1 of 2 rows pass" in result.stdout


@pytest.mark.parametrize(("content", "code"), [(None, 3), ("a,b\n1,2\n", 3)])
def test_a_file_that_is_no_scoreboard_is_refused(tmp_path, content, code):
    if content:
        (tmp_path / "board.csv").write_text(content)
    assert run("gaugeflow", "scoreboard", tmp_path / "board.csv").returncode == code


def test_an_mpi_world_with_a_fault_prints_one_message_and_its_exit_code(tmp_path):
    line = ("mpiexec", "-n", "2", "gaugeflow", "check-study", tmp_path / "none")
    result = run(*line)
    assert result.returncode == 2
