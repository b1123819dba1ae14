"""Laws of the main job, end to end: every tiny study agrees with its references, its twin with a wrong beta fails.

One run of Snakemake serves all tests of this file: the studies and their twins, whose couplings are 10 % off under
the same labels, so that they are judged by the same references. Twins of files of other codes have exchanged files.
"""

import json
import re
from datetime import datetime

import pytest
from house import REPOSITORY, STUDIES, run
from report.browser import Browser

from workflow import pipeline_run

pytestmark = pytest.mark.slow

OF_FILES = [study for study in STUDIES if "files:" in (REPOSITORY / f"workflow/studies/{study}/study.yaml").read_text()]
"""Studies of other codes' files: they have no generating jobs, and their numbers may have no errors."""
SNAKEMAKE_SHARE = 0.20


@pytest.fixture(scope="module")
def pipeline():
    return pipeline_run.finished()


@pytest.mark.parametrize("study", STUDIES)
def test_every_row_of_a_study_passes(pipeline, study):
    rows = [row for row in pipeline.rows if row["study"] == study]
    assert len(rows) > 1
    assert pipeline.failed(study) == []


@pytest.mark.parametrize("study", STUDIES)
def test_the_twin_with_a_wrong_beta_or_exchanged_files_fails(pipeline, study):
    failed = [row for row in pipeline.failed(f"{study}_twin") if row["value"]]
    distances = [
        float(row["pull"] or (float(row["value"]) - float(row["reference"])) / float(row["max_error"]))
        for row in failed
    ]
    assert max(map(abs, distances)) > 5, "no row of the twin is far from its reference"


def test_all_files_are_sound(pipeline):
    files = sorted(map(str, (pipeline.folder / "out" / "data").rglob("*.h5")))
    result = run("gaugeflow", "check", *files, cwd=pipeline.folder)
    assert result.returncode == 0, result.stdout
    assert result.stdout.count("\n") == len(files)
    assert not list((pipeline.folder / "out").rglob("*.partial"))


def test_the_report_shows_every_study_and_stands_alone(pipeline):
    page = (pipeline.folder / "out" / "results" / "report.html").read_text()
    assert all(study in page for study in STUDIES)
    assert not re.search(r"(src|href)=\"(https?:|/)", page)


def test_a_browser_shows_the_tables_and_pictures_of_the_report_without_complaint(pipeline):
    page = pipeline.folder / "out" / "results" / "report.html"
    with Browser() as browser:
        seen = browser.look(page)
    assert seen.faults == []
    assert (
        len(seen.page["images"])
        == len(list((page.parent / "figures").rglob("*.svg")))
        >= 7 * (len(STUDIES) - len(OF_FILES))
    )
    captions = {caption for caption, *_ in seen.page["tables"]}
    for study in STUDIES:
        wanted = {f"Ensembles of {study}", f"Results of {study} against references", f"Provenance of {study}"}
        assert wanted | (set() if study in OF_FILES else {f"Cost of the ensembles of {study}"}) <= captions


def test_archived_chunks_leave_the_workflow_and_the_results_as_they_are(pipeline):
    data, study = pipeline.folder / "out" / "data" / "ensembles", "su2_2d"
    chunks = sorted(next(data.glob("su2_2d_b4.0_*")).glob("configs/*.h5"))
    settings = (*chunks, "--study", study, "--to", pipeline.folder / "far")
    assert "last chunk of its chain" in run("gaugeflow", "archive", *settings, cwd=pipeline.folder).stderr
    moved = run("gaugeflow", "archive", *settings, "--final", cwd=pipeline.folder)
    assert moved.returncode == 0, moved.stderr
    again = pipeline.snakemake("-n")
    assert "Nothing to be done" in again.stdout + again.stderr
    results = pipeline.folder / "out" / "results" / study / "results.json"
    files = sorted(path for path in data.rglob("*.h5") if path.parts[-3].startswith("su2_2d"))
    wanted = {entry["ensemble_id"] for entry in json.loads(results.read_text())["ensembles"]}
    files = [path for path in files if path.parts[-3] in wanted]
    line = ("analyse", study, *files, "--scale", "tiny", "--out", pipeline.folder / "again.json")
    assert run("gaugeflow", *line, cwd=pipeline.folder).returncode == 0
    assert (pipeline.folder / "again.json").read_text() == results.read_text()
    assert run("gaugeflow", "archive", *chunks, "--restore", cwd=pipeline.folder).returncode == 0


def test_nothing_runs_twice(pipeline):
    again = pipeline.snakemake()
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr


def test_the_scheduler_takes_a_small_share_of_the_time(pipeline):
    """Share of the wall time in which no job ran: start, planning, gaps."""
    busy, running, since, now = 0.0, 0, None, None
    for line in pipeline.output.splitlines():
        if match := re.match(r"\[\w+ (\w+ +\d+ [\d:]+ \d+)\]", line):
            now = datetime.strptime(match[1], "%b %d %H:%M:%S %Y").timestamp()
        if re.match(r"    jobid: \d+", line):
            since = now if running == 0 else since
            running += 1
        if line.startswith("Finished jobid:"):
            running -= 1
            busy += now - since if running == 0 else 0.0
    assert running == 0
    assert 1 - busy / pipeline.seconds < SNAKEMAKE_SHARE
