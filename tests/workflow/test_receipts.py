"""Laws of receipts: what costs time is never Snakemake's to delete, and whatever is complete is never made again.

One small chain, run once; each test works on a copy of it.
"""

import os
import re
import shutil

import pytest
from house import REPOSITORY, run, study_content, write_study

SMALL = {
    "extents": [4, 4],
    "beta": 1.0,
    "chains": 2,
    "chunks": 2,
    "configs_per_chunk": 2,
    "acceptance_band": [0.0, 1.0],
}


def snakemake(folder, *options):
    line = ("snakemake", "-s", REPOSITORY / "Snakefile", "--cores", "2", "--rerun-triggers", "mtime", "input", *options)
    settings = ("root=.", "scale=tiny", f"studies=[{folder.parent / 's'}]")
    return run(*line, "--until", "measure", "flow", "--config", *settings, cwd=folder)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("receipts")
    write_study(folder / "s", study_content(**{f"ensembles.0.{key}": value for key, value in SMALL.items()}))
    (folder / "run").mkdir()
    result = snakemake(folder / "run")
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.fixture
def folder(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy" / "run"


def data_files(folder):
    return sorted((folder / "data").rglob("*.h5"))


def contents(folder):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in data_files(folder)}


def nothing_to_do(folder):
    result = snakemake(folder, "-n")
    return re.search(r"^total +0$", result.stdout + result.stderr, flags=re.MULTILINE) is not None


def test_every_file_has_a_receipt_beside_it_that_may_move_with_it(folder):
    files = data_files(folder)
    assert len(files) == 6
    for path in files:
        assert os.readlink(path.with_suffix(".done")) == path.name
    assert nothing_to_do(folder)


def test_lost_receipts_are_written_again_and_no_file_is_touched(folder):
    before = contents(folder)
    for path in data_files(folder):
        path.with_suffix(".done").unlink()
    result = snakemake(folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert contents(folder) == before
    logs = [path.read_text() for path in (folder / "logs").rglob("*.log") if path.parent.name != "spec"]
    logs = [text for text in logs if re.search(r"\.h5: already complete", text)]
    assert len(logs) == 6
    assert nothing_to_do(folder)


def test_a_failed_repetition_deletes_the_receipt_alone(folder):
    before = contents(folder)
    spec = next((folder / "data").rglob("spec.json"))
    text = spec.read_text()
    spec.write_text("damaged")
    result = snakemake(folder, "--forcerun", "generate")
    assert result.returncode != 0
    assert contents(folder) == before
    assert not os.path.lexists(next((folder / "data").rglob("configs")) / "0000.done")
    spec.write_text(text)
    assert snakemake(folder).returncode == 0
    assert contents(folder) == before


def test_a_deleted_file_is_missed_and_made_again_alone(folder):
    before = contents(folder)
    lost = next(path for path in before if path.parent.name.startswith("flow") and path.stem == "0001")
    lost.unlink()
    assert os.path.lexists(lost.with_suffix(".done"))
    assert snakemake(folder).returncode == 0
    after = contents(folder)
    assert {path: content[0] for path, content in after.items()} == {path: c[0] for path, c in before.items()}
    assert {path for path in before if after[path] != before[path]} == {lost}


def test_an_archived_chunk_keeps_its_receipt_and_everything_made_from_it(folder):
    chunks = sorted((folder / "data").rglob("configs/*.h5"))
    line = ("archive", *chunks, "--study", folder.parent / "s", "--to", folder / "far", "--final")
    done = run("gaugeflow", *line, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert nothing_to_do(folder)
    before = contents(folder)
    for path in (folder / "data").rglob("*.done"):
        path.unlink()
    result = snakemake(folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert contents(folder) == before


def test_series_of_other_settings_or_damaged_ones_are_made_again(folder):
    config = next((folder / "data").rglob("configs/0000.h5"))
    series = next(path for path in data_files(folder) if path.parent.name.startswith("measure") and path.stem == "0000")
    right = series.read_bytes()
    line = ("measure", config, "--study", folder.parent / "s", "--scale", "tiny", "--out", series)
    assert "already complete" in run("gaugeflow", *line, cwd=folder).stdout
    flow = next(path for path in data_files(folder) if path.parent.name.startswith("flow") and path.stem == "0000")
    second = next(path for path in data_files(folder) if path.parent == series.parent and path.stem == "0001")
    wrong = {
        "damaged": right[:-200] + bytes(200),
        "got kind flow": flow.read_bytes(),
        "other configurations": second.read_bytes(),
    }
    for reason, content in wrong.items():
        series.write_bytes(content)
        result = run("gaugeflow", *line, cwd=folder)
        assert result.returncode == 0, result.stderr
        assert "it is made again" in result.stderr, reason
        assert series.read_bytes() == right


def test_a_receipt_is_a_link_or_refused(folder):
    config = next((folder / "data").rglob("configs/0000.h5"))
    spec = config.parents[1] / "spec.json"
    line = ("generate", spec, "--chunk", "0", "--out", config, "--receipt")
    for path, wanted in ((spec, "is no link"), (config, "the file itself")):
        result = run("gaugeflow", *line, path, cwd=folder)
        assert result.returncode in (2, 3)
        assert wanted in result.stderr
