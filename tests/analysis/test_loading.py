"""From files to StudyData: what is accepted, what is refused."""

import shutil

import numpy as np
import pytest
from synthetic import made_study, make_study, write_study_files

from gaugeflow.analysis.loading import load_study_data
from gaugeflow.analysis.plugin import study_function
from gaugeflow.analysis.results import estimates, read_results, write_results
from gaugeflow.analysis.runner import analyse_study, run_analysis
from gaugeflow.config.load import load_study
from gaugeflow.ensembles.archive import move
from gaugeflow.ensembles.needs import Held
from gaugeflow.errors import ConfigError, FileError
from gaugeflow.stats.estimate import derive


def test_chunks_are_joined_in_order_whatever_the_order_of_the_files():
    made = made_study()
    forward = load_study_data(made.study, made.files)["b2.0_6x8"]
    backward = load_study_data(made.study, reversed(made.files))["b2.0_6x8"]
    assert forward.trajectory.tolist() == list(range(63, 220, 4))
    assert len(forward.history["trajectory"]) == 220
    assert forward.n_thermalisation == 60
    assert forward.production("delta_h").shape == (160, 32)
    assert forward.series("plaquette").shape == (40, 32)
    for name, array in forward.measured.items():
        np.testing.assert_array_equal(array, backward.measured[name])
    assert forward.source == backward.source


def test_one_ensemble_has_one_binning_so_that_observables_combine():
    made = made_study()
    found = estimates(made.results)
    ratio = derive(lambda loop, plaquette: loop / plaquette**4, found["b2.0_6x8/W(4)"], found["b2.0_6x8/plaquette"])
    assert ratio.value == pytest.approx(1.0, abs=5 * ratio.error)
    assert 0 < ratio.error < 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda files: files[:-1], "missing \\[1\\]"),
        (lambda files: files[1:], "missing \\[0\\]"),
        (lambda files: [*files, files[0]], "given already"),
        (lambda files: [path for path in files if path.parent.name != "flow"], "flow files"),
    ],
)
def test_missing_or_doubled_chunks_are_refused(change, message):
    made = made_study()
    with pytest.raises(ConfigError, match=message):
        load_study_data(made.study, change(list(made.files)))


def test_files_of_another_study_are_refused():
    made = made_study()
    other = load_study("u1_2d", "tiny")
    with pytest.raises(ConfigError, match="does not have"):
        load_study_data(other, made.files)


def test_a_damaged_file_is_refused(tmp_path):
    made = made_study()
    broken = bytearray(made.files[0].read_bytes())
    broken[len(broken) // 2] ^= 1
    path = tmp_path / "0000.h5"
    path.write_bytes(broken)
    with pytest.raises(FileError, match=r"0000\.h5"):
        load_study_data(made.study, [path, *made.files[1:]])


def test_measurements_of_other_configurations_are_refused(tmp_path):
    made = made_study()
    again = write_study_files(made.study, tmp_path, seed=6)
    configs = [path for path in made.files if path.parent.name == "configs"]
    derived = [path for path in again if path.parent.name != "configs"]
    with pytest.raises(FileError, match="made from other configurations"):
        load_study_data(made.study, [*configs, *derived])


def test_archived_chunks_give_the_same_results(tmp_path):
    made = made_study()
    for folder in {path.parent for path in made.files}:
        shutil.copytree(folder, tmp_path / "data" / folder.parent.name / folder.name)
    files = [tmp_path / "data" / path.relative_to(path.parents[2]) for path in made.files]
    moved = [path for path in files if path.parent.name == "configs"]
    for number, path in enumerate(moved):
        move(Held(path), None if number % 2 else tmp_path / "far" / f"{number}.h5")
    assert len(moved) == 4
    assert analyse_study(made.study, load_study_data(made.study, files)) == made.results


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def analyse(data):\n    return {'a': 1.0}\n", "wanted a name and an Estimate"),
        ("def analyse(data):\n    return None\n", "wanted a dict of Estimates"),
        ("import nothing_of_this_name\n", "ModuleNotFoundError while loading"),
        ("analyse = 3\n", "no function analyse"),
    ],
)
def test_a_wrong_analysis_is_one_clear_error(tmp_path, code, message):
    made = made_study()
    folder = make_study(tmp_path / "small")
    (folder / "analysis.py").write_text(code)
    study = load_study(folder, "tiny")
    with pytest.raises(ConfigError, match=message):
        run_analysis(study, load_study_data(made.study, made.files))


def test_loading_a_studys_code_leaves_no_trace(tmp_path):
    import sys

    (tmp_path / "analysis.py").write_text("def analyse(data):\n    return 7\n")
    before = set(sys.modules), list(sys.path)
    assert study_function(tmp_path, "analysis.py", "analyse")(None) == 7
    assert (set(sys.modules), list(sys.path)) == before
    assert [path.name for path in tmp_path.iterdir()] == ["analysis.py"]


def test_results_survive_the_file_and_equal_runs_give_equal_bytes(tmp_path):
    made = made_study()
    write_results(tmp_path / "a.json", made.results)
    content = read_results(tmp_path / "a.json")
    write_results(tmp_path / "b.json", content)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    for name, estimate in estimates(content).items():
        original = estimates(made.results)[name]
        assert estimate.value == original.value
        np.testing.assert_array_equal(estimate.samples, original.samples)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "no JSON"), ("{}", "not a results file"), ('{"format": "gaugeflow-results", "version": 9}', "version 9")],
)
def test_a_foreign_results_file_is_refused(tmp_path, text, message):
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(FileError, match=message):
        read_results(path)
