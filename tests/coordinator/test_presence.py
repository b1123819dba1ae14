"""Laws of who coordinates: alive by process here, by job or sign of life elsewhere."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from gaugeflow.coordinator.presence import Presence, last_coordinator, living_coordinator, path_of
from gaugeflow.coordinator.processes import Process, end_session, members, process, this_process
from gaugeflow.coordinator.run_folder import folder_at
from gaugeflow.jobs.lease import Lease


@pytest.fixture
def run(folder):
    """A root."""
    found = folder_at("runs/s-full")
    found.run.mkdir(parents=True)
    return found


def write(run, coordinator, age=0.0):
    """The coordinator's file, so many seconds old."""
    path_of(run).write_text(json.dumps(asdict(coordinator)))
    os.utime(path_of(run), (path_of(run).stat().st_mtime - age,) * 2)


def test_a_coordinator_is_there_while_it_runs_and_gone_after(run):
    with Presence(run, "here"):
        assert living_coordinator(run).process == this_process()
    assert last_coordinator(run) is None


def test_a_process_number_that_was_given_to_another_is_no_coordinator(run):
    with Presence(run, "here"):
        found = last_coordinator(run)
    write(run, replace(found, process=replace(found.process, started=found.process.started - 1)))
    assert last_coordinator(run) is not None
    assert living_coordinator(run) is None


@pytest.mark.parametrize(("age", "alive"), [(5.0, True), (600.0, False)])
def test_elsewhere_a_sign_of_life_decides(run, age, alive):
    with Presence(run, "here"):
        found = last_coordinator(run)
    write(run, replace(found, process=Process("elsewhere", 1, 1)), age)
    owned_elsewhere(run)
    assert (living_coordinator(run) is not None) == alive


@pytest.mark.parametrize(("state", "alive"), [("RUNNING", True), ("CANCELLED", False)])
def test_a_coordinator_whose_job_has_ended_is_gone_at_once(slurm, run, state, alive):
    slurm.set_jobs(("20", run.coordinator_job, state))
    with Presence(run, "job", "20"):
        found = last_coordinator(run)
    write(run, replace(found, process=Process("elsewhere", 1, 1)))
    owned_elsewhere(run, slurm_job_id="20")
    assert (living_coordinator(run) is not None) == alive


def owned_elsewhere(run, **changes):
    """The record of a lease that a process of another machine holds."""
    with Lease(run.run, "coordinator"):
        record = (run.run / "owner").read_bytes()
    first, rest = record.split(b"\n", 1)
    owner = json.loads(rest)
    (run.run / "owner").write_bytes(first + b"\n" + json.dumps({**owner, "machine": "another", **changes}).encode())


@pytest.mark.parametrize("text", ["", "{", "[]", '{"process": 3}'])
def test_a_damaged_file_names_nobody(run, text):
    path_of(run).write_text(text)
    assert living_coordinator(run) is None


def test_a_session_is_ended_with_all_its_processes_and_no_others(run):
    line = [sys.executable, "-c", "import subprocess, time; subprocess.Popen(['sleep', '60']); time.sleep(60)"]
    with subprocess.Popen(line, start_new_session=True) as child, subprocess.Popen(["sleep", "60"]) as other:
        leader = process(child.pid)
        while len(members(leader)) < 2:
            assert child.poll() is None
        assert end_session(leader, 5.0) == 2
        assert members(leader) == []
        assert other.poll() is None
        other.kill()
