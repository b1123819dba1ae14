"""gaugeflow collect: what is used, what is refused, what is said, and that the run itself is left alone."""

import json
import re
import shutil

import pytest
from coordinator.half_run import CHUNKS, NEEDS_B, A, B, Copy, files_of, shorter, study_of, whole
from foreign import entry, write_field, write_files_study

from gaugeflow.cli.main import main
from gaugeflow.config.load import load_study
from gaugeflow.config.study import CONFIGS
from gaugeflow.coordinator import leading_run
from gaugeflow.coordinator.collect import collect
from gaugeflow.coordinator.places import Places
from gaugeflow.ensembles.archive import move
from gaugeflow.ensembles.needs import Held
from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.writer import Dataset, write_file


@pytest.fixture
def run(tmp_path):
    """A copy of the complete run."""
    return Copy(tmp_path / "root")


def collected(run, *more):
    """(exit code, content of results.json or None, of state.json or None) of `gaugeflow collect`."""
    code = main(["collect", str(run.folder), "--root", str(run.places.root), *more])
    paths = [run.places.collected / name for name in ("results.json", "state.json")]
    return code, *(json.loads(path.read_text()) if path.is_file() else None for path in paths)


def tree(folder):
    """Every path under a folder with its size and date."""
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(folder.rglob("*"))}


def test_a_complete_run_gives_the_bytes_of_analyse_and_no_marks(run, tmp_path, capsys):
    move(Held(run.path(A, "configs", 0)), None)  # archived: its numbers are still there
    files = [str(path) for path in files_of(run.study, run.places)]
    assert main(["analyse", str(run.folder), *files, "--scale", "full", "--out", str(tmp_path / "r.json")]) == 0
    assert main(["tables", str(tmp_path / "r.json"), "--out", str(tmp_path / "tex")]) == 0
    capsys.readouterr()
    code, _, state = collected(run)
    folder = run.places.collected
    assert code == 0
    assert (folder / "results.json").read_bytes() == (tmp_path / "r.json").read_bytes()
    assert (folder / "table.csv").read_bytes() == (tmp_path / "tex" / "half.csv").read_bytes()
    for name in ("numbers.tex", "half.tex"):
        assert (folder / name).read_bytes() == (tmp_path / "tex" / name).read_bytes()
    assert state["complete"]
    assert [entry["missing"] for entry in state["ensembles"]] == [[], []]
    told = capsys.readouterr().out
    assert "complete: nothing is missing" in told
    assert "partial:" not in told


def moved(run):
    run.path(A, "measure", 3).replace(run.path(A, "measure", 2))


def of_another_run(run):
    shutil.copy(Copy(run.places.root.parent / "other", seed=6).path(B, "flow", 2), run.path(B, "flow", 2))


def begun(run):
    run.remove(A, "configs", 3)
    run.path(A, "configs", 3).with_name("0003.h5.partial").mkdir()


@pytest.mark.parametrize(
    ("spoil", "used", "reason"),
    [
        (lambda run: run.remove(A, number=3), (3, 4), "not there"),
        (lambda run: run.remove(A, "measure", 1), (1, 4), "measure_.* not there"),
        (lambda run: run.remove(B, "flow", 3), (4, 3), "flow_.* not there"),
        (lambda run: run.remove(A, "configs", 2), (2, 4), "configs not there"),
        (lambda run: (run.remove(A, "flow", 0), run.remove(B, "flow", 2)), (0, 2), "flow_.* not there"),
        (lambda run: run.remove(B), (4, 0), "configs not there"),
        (lambda run: run.damage(B, "configs", 1), (4, 1), "configs/0001.h5: .*delete it"),
        (lambda run: run.damage(A, "flow", 2), (2, 4), "flow_.*/0002.h5: .*delete it"),
        (lambda run: run.path(A, "measure", 3).write_bytes(b""), (3, 4), "measure_.*/0003.h5: "),
        (moved, (2, 4), "measure_.*/0002.h5: is chunk 3 of ensemble"),
        (of_another_run, (4, 2), "flow_.*/0002.h5: made from other configurations than configs/0002.h5"),
        (begun, (3, 4), "configs not finished"),
    ],
)
def test_only_complete_leading_chunks_count_and_give_what_a_shorter_study_gives(run, spoil, used, reason):
    spoil(run)
    code, results, state = collected(run)
    assert code == 0
    assert [entry["chunks_used"] for entry in state["ensembles"]] == list(used)
    short = next(entry for entry in state["ensembles"] if entry["chunks_used"] < CHUNKS)
    assert short["missing"][0]["chunks"][0] == short["chunks_used"]
    assert any(re.search(reason, text) for text in short["missing"][0]["reasons"])
    wanted = shorter(used)
    for key in ("estimates", "ensembles", "diagnostics", "error_methods", "references", "warnings"):
        assert json.dumps(results[key]) == json.dumps(wanted[key]), key
    assert results["partial"]["ensembles"] == state["ensembles"]


def test_chunks_behind_a_gap_wait_and_are_listed_together(run, capsys):
    run.remove(A, "measure", 1)
    run.remove(B, number=2)
    run.remove(B, number=3)
    _, _, state = collected(run)
    first, second = (entry["missing"] for entry in state["ensembles"])
    assert [(row["chunks"], row["reasons"]) for row in first[1:]] == [([2, 3], ["waits behind chunk 1"])]
    folders = run.study.stage_folders
    gone = [f"{folder} not there" for folder in folders]
    assert [(row["chunks"], row["reasons"]) for row in second] == [([2, 3], gone)]
    assert "1 of 4 chunks" in capsys.readouterr().out


def test_a_file_that_vanishes_while_it_is_read_is_missing(run, monkeypatch):
    late, read = run.path(B, "flow", 2), leading_run.read_chunk

    def read_after_it_is_gone(path):
        if path == late:
            late.unlink()
        return read(path)

    monkeypatch.setattr(leading_run, "read_chunk", read_after_it_is_gone)
    code, results, state = collected(run)
    assert code == 0
    assert [entry["chunks_used"] for entry in state["ensembles"]] == [4, 2]
    assert json.dumps(results["estimates"]) == json.dumps(shorter((4, 2))["estimates"])


def test_nothing_but_the_folder_for_the_tables_is_written(run, tmp_path):
    run.places.results.mkdir()
    run.remove(A, "flow", 2)
    before = tree(run.places.root)
    code, *_ = collected(run, "--out", str(tmp_path / "mine"))
    assert code == 0
    assert tree(run.places.root) == before
    for inside in (run.places.results / "half", run.places.ensembles, run.places.root / "data"):
        assert collected(run, "--out", str(inside))[0] == 2
    assert tree(run.places.root) == before
    assert not list((tmp_path / "mine").glob(".*"))


def test_an_analysis_that_wants_a_missing_ensemble_is_named_and_the_state_is_written(tmp_path, capsys):
    run = Copy(tmp_path / "root")
    run.folder = study_of(tmp_path / "half", analysis=NEEDS_B)
    assert collected(run)[0] == 0
    run.remove(B, "measure", 0)
    capsys.readouterr()
    code, results, state = collected(run)
    assert code == 3
    assert results is None, "results of an earlier call stay where they would be taken for new ones"
    assert [path.name for path in run.places.collected.iterdir()] == ["state.json"]
    assert state["failure"]["function"].startswith("of_second (")
    assert state["failure"]["needs"] == [B]
    assert [entry["chunks_used"] for entry in state["ensembles"]] == [4, 0]
    told = capsys.readouterr()
    assert f"ensemble {B}: 0 of 4 chunks" in told.out
    assert "of_second" in told.err
    assert f"had to do without {B}" in told.err


def test_a_bug_of_the_analysis_is_no_lack_of_data(tmp_path):
    run = Copy(tmp_path / "root")
    run.folder = study_of(tmp_path / "half", analysis="def analyse(data):\n    return 1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        collect(load_study(run.folder, "full"), run.places)


def test_nothing_complete_is_said_and_is_exit_code_3(run, tmp_path, capsys):
    for label in (A, B):
        run.remove(label, "flow")
    code, results, state = collected(run)
    assert (code, results, state["complete"]) == (3, None, False)
    assert "no ensemble of study half (full) has a complete chunk" in capsys.readouterr().err
    changed = study_of(tmp_path / "half")
    (changed / "study.yaml").write_text((changed / "study.yaml").read_text().replace("seed: 7", "seed: 8"))
    assert main(["collect", str(changed), "--root", str(run.places.root)]) == 3
    assert "it was changed since" in capsys.readouterr().err
    assert main(["collect", str(run.folder), "--root", str(tmp_path / "nowhere")]) == 3
    assert "nothing of study half (full) was run" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()


def test_the_root_of_a_submitted_run_names_its_study_and_scale(run, capsys):
    run.remove(A, "flow", 3)
    root = str(run.places.root)
    assert main(["collect", root]) == 2, "no record: not a study"
    run.places.record.parent.mkdir()
    run.places.record.write_text(json.dumps({"study": str(run.folder), "scale": "full"}))
    assert main(["collect", root]) == 0
    assert (run.places.collected / "results.json").is_file()
    assert main(["collect", root, "--scale", "tiny"]) == 2
    assert main(["collect", root, "--root", str(run.places.root.parent)]) == 2
    run.places.record.write_text("{}")
    assert main(["collect", root]) == 3
    assert "no record of a run" in capsys.readouterr().err


def test_a_run_without_a_root_is_looked_for_by_study_and_scale(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(whole(5)[1].root, "runs/half-full")
    assert main(["collect", str(whole(5)[0])]) == 0
    assert Places(tmp_path / "runs/half-full").collected.joinpath("table.csv").is_file()


def test_chunks_that_the_study_does_not_ask_for_are_left_out(run, tmp_path):
    run.folder = study_of(tmp_path / "half", (2, 3))
    code, results, _ = collected(run)
    assert code == 0
    assert "partial" not in results
    assert results["estimates"] == shorter((2, 3))["estimates"]


def test_of_files_of_other_codes_the_leading_chunks_count_the_last_one_by_its_size(tmp_path):
    for k in range(5):
        write_field(tmp_path / "files" / f"conf.{k + 1:04d}", k)
    folder = write_files_study(
        tmp_path / "theirs", entry(["conf.*"], tmp_path / "files", configs_per_chunk=2), flow=None, measure={}
    )
    (folder / "analysis.py").write_text(
        "def analyse(data):\n    return {e.label: e.estimate(e.series('plaquette')) for e in data}\n"
    )
    (folder / "reference.csv").write_text("name,value,error,max_error,kind,source\n")
    study = load_study(folder, "full")
    ensemble, places = study.ensembles[0], Places(tmp_path / "root")
    for chunk in range(3):
        made = write_theirs(folder, study, places, chunk)
    state = collect(study, places)
    assert state.complete
    assert state.results["ensembles"][0]["configurations"] == 5
    made.unlink()
    found = collect(study, places)
    entry_ = found.results["partial"]["ensembles"][0]
    assert (entry_["configurations_used"], entry_["configurations_wanted"]) == (4, 5)
    assert found.results["ensembles"][0]["configurations"] == 4
    write_field(tmp_path / "files" / "conf.0000", 9)  # every file has another place now
    moved = collect(load_study(folder, "full"), places)
    assert moved.results is None
    assert "lists other files than the study finds" in moved.state[0]["missing"][0]["reasons"][0]
    assert ensemble.chunks == 3


def write_theirs(folder, study, places, chunk):
    """Catalogue and measurements of one chunk of files; the path of the measurements."""
    ensemble = study.ensembles[0]
    configs, measured = (places.chunk(ensemble.ensemble_id, name, chunk) for name in (CONFIGS, study.stage_folders[1]))
    line = ["catalogue", str(folder), "--ensemble", ensemble.ensemble_id, "--chunk", str(chunk)]
    assert main([*line, "--scale", "full", "--out", str(configs)]) == 0
    with open_file(configs) as file:
        arrays = {name: Dataset(file.dataset(name)) for name in ("trajectory", "plaquette")}
        inputs, text = {"configurations": file.content_sha256}, file.spec_text
    common = {"spec_text": text, "ensemble_id": ensemble.ensemble_id, "chunk": chunk, "inputs": inputs}
    write_file(measured, "measurements", datasets=arrays, attributes={}, **common)
    return measured
