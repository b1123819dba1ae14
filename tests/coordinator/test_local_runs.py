"""Laws of a run on this machine: one command to its tables, over a coordinator killed, stopped and started again."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from house import REPOSITORY, run, study_content, surroundings, words, write_study

from gaugeflow.coordinator.presence import last_coordinator
from gaugeflow.coordinator.processes import members
from gaugeflow.coordinator.run_folder import folder_at

SECONDS = 60.0
LONG = {"beta": 1.0, "extents": [[16, 16]], "chains": 32, "chunks": 1, "thermalisation": 8000, "label": "e"}
PROFILE = """cores: 1
keep-incomplete: true
rerun-triggers: [mtime, input]
"""


def content(ensemble):
    """A study of one ensemble and no flow."""
    found = study_content(**{f"ensembles.0.{key}": value for key, value in ensemble.items()})
    for scale in found["scales"].values():
        scale["flow"] = None
    return found


def wait_for(what):
    """Look until it is true."""
    end = time.monotonic() + SECONDS
    while not (found := what()):
        assert time.monotonic() < end, what
        time.sleep(0.1)
    return found


class Story:
    """A study that is submitted, killed, resumed in tmux, cancelled and resumed to its end, and what was seen."""

    def __init__(self, place: Path) -> None:
        self.place = place
        study = write_study(place / "s", content(LONG))
        for name in ("analysis.py", "reference.csv", "reference_tiny.csv"):
            shutil.copy(REPOSITORY / "workflow/studies/_template" / name, study)
        (place / "profile").mkdir()
        (place / "profile/config.yaml").write_text(PROFILE)
        self.folder = folder_at(place / "runs/s-tiny")

    def command(self, *arguments):
        """A command to its end."""
        return run("gaugeflow", *arguments, cwd=self.place)

    def submit_and_kill(self):
        """Submit here; look, try a second coordinator, kill the first."""
        with (self.place / "said").open("wb") as said:
            line = words("gaugeflow", "submit", "s", "--profile", "profile", "--scale", "tiny")
            first = subprocess.Popen(line, cwd=self.place, env=surroundings(), stdout=said, stderr=said)
        wait_for(lambda: list(self.folder.ensembles.glob("*/configs/0000.h5.partial/owner")))
        self.during = json.loads(self.command("status", "s", "--json").stdout)
        self.second = self.command("resume", "s", "--coordinator", "here")
        first.kill()
        first.wait()
        self.orphans = len(members(last_coordinator(self.folder).snakemake))
        self.after_kill = self.command("status", "s")

    def resume_in_tmux_and_cancel(self):
        """The coordinator in tmux takes over; cancel it."""
        self.in_tmux = self.command("resume", "s", "--coordinator", "tmux")
        self.coordinator = wait_for(lambda: (c := last_coordinator(self.folder)) and c.snakemake and c)
        self.cancelled = self.command("cancel", self.folder.root)
        self.left = members(self.coordinator.snakemake)
        self.kept = list(self.folder.ensembles.glob("*/configs/0000.h5*"))

    def resume_to_the_end(self):
        """Go on in this terminal."""
        self.finished = self.command("resume", "s")
        self.after = self.command("status", "s")


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """All of it, once."""
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    found = Story(tmp_path_factory.mktemp("story"))
    try:
        found.submit_and_kill()
        found.resume_in_tmux_and_cancel()
        found.resume_to_the_end()
        yield found
    finally:
        found.command("cancel", found.folder.root)


def test_status_during_a_run_shows_what_runs_and_who_coordinates(story):
    (state,) = story.during["ensembles"]
    assert (state["done"], state["running"], state["waiting"]) == (0, 1, 0)
    assert story.during["alive"]
    assert story.during["coordinator"]["how"] == "here"


def test_a_second_coordinator_is_refused_and_told_who_works_there(story):
    assert story.second.returncode == 2
    assert "another coordinator works on it (process " in story.second.stderr
    assert "nothing was started" in story.second.stderr


def test_a_killed_coordinator_takes_snakemake_with_it_and_leaves_its_jobs(story):
    assert story.orphans >= 1
    assert "the last one was killed" in story.after_kill.stdout


def test_resume_ends_the_orphans_and_takes_over(story):
    assert story.in_tmux.returncode == 0, story.in_tmux.stderr
    assert "tmux -L gaugeflow_" in story.in_tmux.stdout
    assert story.coordinator.how == "tmux"


def test_cancel_leaves_no_process_and_keeps_what_is_saved(story):
    assert story.cancelled.returncode == 0, story.cancelled.stderr
    assert "coordinator stopped" in story.cancelled.stdout
    assert story.left == []
    assert story.kept


def test_resume_continues_the_chain_and_ends_with_results(story):
    assert story.finished.returncode == 0, story.finished.stdout + story.finished.stderr[-3000:]
    assert (story.folder.root / "results/report.html").is_file()
    assert "finished: results in" in story.after.stdout
    assert "8010 / 8010" in story.after.stdout
    assert len(list(story.folder.run.glob("coordinator.*.log"))) >= 2


def test_interrupting_a_coordinator_saves_and_says_how_to_go_on(story):
    """The study has one chunk more now; Ctrl-C comes while that is made."""
    write_study(story.place / "s", content({**LONG, "chunks": 2}))
    log = story.place / "interrupted"
    with log.open("wb") as said:
        line = words("gaugeflow", "resume", "s")
        process = subprocess.Popen(line, cwd=story.place, env=surroundings(), stdout=said, stderr=said)
    wait_for(lambda: last_coordinator(story.folder) and last_coordinator(story.folder).snakemake)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=SECONDS) == 130
    assert "interrupted; what was saved stays; go on with: gaugeflow resume" in log.read_text()
    assert last_coordinator(story.folder) is None
