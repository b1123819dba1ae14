"""A job knows its end from the environment or from squeue, less a margin; without either it has none."""

import os
import subprocess
import sys
import time

import pytest

from gaugeflow.errors import ConfigError
from gaugeflow.jobs import slurm_job
from gaugeflow.jobs.deadline import find_deadline
from gaugeflow.jobs.slurm_job import parse_time

DAY = 86400.0
TIMES = {
    "1-02:03:04": DAY + 2 * 3600 + 3 * 60 + 4,
    "2:03:04": 2 * 3600 + 3 * 60 + 4,
    "02:03": 123.0,
    "0:00": 0.0,
    "365-00:00:00": 365 * DAY,
}


@pytest.mark.parametrize(("text", "seconds"), TIMES.items())
def test_times_of_squeue_are_read(text, seconds):
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["INVALID", "UNLIMITED", "", "5", "-1:00", "1-2", "1:2:3:4", "1-00:00:00:00"])
def test_other_words_are_no_times(text):
    assert parse_time(text) is None


@pytest.fixture
def job(monkeypatch):
    """This process belongs to a job."""
    monkeypatch.setenv("SLURM_JOB_ID", "77")


@pytest.mark.parametrize(("left", "margin"), [("01:00:00", 60.0), ("04:00", 60.0), ("02:00", 30.0), ("0:08", 2.0)])
def test_the_time_left_by_squeue_less_a_margin(squeue, job, left, margin):
    asked = squeue(f"echo {left}")
    assert find_deadline().left() == pytest.approx(parse_time(left) - margin, abs=1.0)
    assert asked.read_text() == "-h -j 77 -o %L\n"


def test_a_job_past_its_limit_has_a_deadline_now(squeue, job):
    squeue("echo 0:00")
    assert find_deadline().left() == pytest.approx(0.0, abs=1.0)


def test_slurms_own_variable_spares_the_question_and_a_site_sets_the_margin(squeue, job, monkeypatch):
    asked = squeue("echo 01:00")
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time()) + 1000))
    monkeypatch.setenv("GAUGEFLOW_DEADLINE_MARGIN_SECONDS", "100")
    assert find_deadline().left() == pytest.approx(900.0, abs=2.0)
    assert not asked.exists()


@pytest.mark.parametrize("script", ["echo UNLIMITED", "echo NOT_SET"])
def test_a_job_without_limit_has_no_deadline_and_no_warning(squeue, job, caplog, script):
    squeue(script)
    assert find_deadline() is None
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("echo INVALID", "'INVALID'"),
        ("echo no controller >&2; exit 1", "no controller"),
        ("exit 3", "exit code 3"),
        ("sleep 30", "timed out"),
    ],
)
def test_a_scheduler_that_does_not_say_is_a_warning(squeue, job, caplog, monkeypatch, script, text):
    monkeypatch.setattr(slurm_job, "TIMEOUT_SECONDS", 1.0 if "sleep" in script else 20.0)
    squeue(f"exec {script}" if "sleep" in script else script)
    assert find_deadline() is None
    assert "job 77" in caplog.text
    assert text in caplog.text


def test_a_missing_squeue_is_a_warning(job, caplog, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_deadline() is None
    assert "squeue cannot be asked about job 77" in caplog.text


def test_outside_of_a_job_there_is_no_deadline(squeue):
    asked = squeue("echo 01:00")
    assert find_deadline() is None
    assert not asked.exists()


def test_the_explicit_limit_counts_from_the_start_of_the_process():
    code = "import time; time.sleep(1.2); from gaugeflow.jobs.deadline import find_deadline as f; print(f().left())"
    environment = {**os.environ, "GAUGEFLOW_DEADLINE_SECONDS": "1000", "PYTHONPATH": os.pathsep.join(sys.path)}
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    took = time.monotonic() - began
    assert 940 - took - 0.1 < float(done.stdout) < 940 - 1.2 + 0.1  # start times come in hundredths of seconds


@pytest.mark.parametrize("name", ["GAUGEFLOW_DEADLINE_SECONDS", "GAUGEFLOW_DEADLINE_MARGIN_SECONDS"])
@pytest.mark.parametrize("text", ["-1", "0", "soon", "nan", "inf"])
def test_limits_that_are_no_positive_numbers_are_refused(monkeypatch, name, text):
    monkeypatch.setenv(name, text)
    with pytest.raises(ConfigError, match=f"{name}={text}: wanted a positive number"):
        find_deadline()
