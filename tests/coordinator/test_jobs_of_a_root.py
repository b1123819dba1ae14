"""Laws of whose jobs are whose: a root's own are waited for and cancelled, and no others."""

import os
import threading
from signal import SIGUSR1 as USR1
from types import SimpleNamespace

import pytest

from gaugeflow.coordinator import coordinate
from gaugeflow.coordinator.leftovers import Leftovers, live_jobs, settle
from gaugeflow.coordinator.profile import load_profile
from gaugeflow.coordinator.run_folder import RunRecord, folder_at
from gaugeflow.coordinator.starting import Way, start_as_job
from gaugeflow.coordinator.submission import earlier_submission, start
from gaugeflow.jobs import scheduler


@pytest.fixture
def run(slurm, folder):
    """A root that was submitted, with jobs of its own among those of others."""
    found = folder_at("runs/s-full")
    found.write(RunRecord(str(folder / "s/study.yaml"), "s", "full", str(slurm.profile())))
    return found


def jobs(run):
    """Own ones; one whose name only begins alike; another root's; a stranger's; one that has ended."""
    own, other = f"{run.prefix}_0d6f-11", folder_at("runs/t-full").prefix
    return (
        ("11", own, "RUNNING"),
        ("12", own, "PENDING"),
        ("13", f"{run.prefix}0_0d6f-11", "RUNNING"),
        ("14", f"{other}_0d6f-11", "PENDING"),
        ("15", "hmc", "RUNNING"),
        ("16", own, "COMPLETED"),
        ("17", own, "COMPLETING"),
    )


def test_jobs_of_a_root_are_found_by_the_name_that_no_other_root_has(slurm, run):
    slurm.set_jobs(*jobs(run), comment="rule_generate_wildcards_a|b")
    assert [job.job_id for job in live_jobs(run)] == ["11", "12", "17"]
    assert live_jobs(run)[0].comment == "rule_generate_wildcards_a|b"


def test_cancel_ends_the_jobs_of_its_root_and_no_others(slurm, run, gaugeflow):
    slurm.set_jobs(*jobs(run))
    code, said, _ = gaugeflow("cancel", "s")
    assert code == 0
    assert slurm.cancelled[:-1] == ["11", "12", "17"]
    assert slurm.numbers == ["13", "14", "15", "16"]
    assert "no coordinator at work" in said
    assert "3 jobs cancelled: 11, 12, 17" in said


def test_cancel_ends_a_coordinator_that_is_a_job_before_its_jobs(slurm, run, gaugeflow):
    slurm.set_jobs(("21", f"{run.prefix}_0d", "RUNNING"), ("20", run.coordinator_job, "RUNNING"))
    assert gaugeflow("cancel", run.root)[0] == 0
    assert slurm.cancelled[:-1] == ["20", "21"]


def test_cancel_without_jobs_says_so(slurm, run, gaugeflow):
    code, said, _ = gaugeflow("cancel", "s")
    assert (code, "no jobs left" in said, slurm.cancelled) == (0, True, [])


@pytest.mark.parametrize(
    ("policy", "cancelled"),
    [(Leftovers.WAIT_RUNNING, ["12"]), (Leftovers.WAIT_ALL, []), (Leftovers.CANCEL, ["11", "12", "17"])],
)
def test_leftover_jobs_are_waited_for_or_cancelled_as_asked(slurm, run, monkeypatch, policy, cancelled):
    slurm.set_jobs(*jobs(run))
    looks = []  # jobs that are left, each time it looks

    def end_one(seconds):
        looks.append(len(live_jobs(run)))
        slurm.set_jobs(*[job for job in jobs(run) if job[0] in slurm.numbers and job[0] != live_jobs(run)[0].job_id])

    monkeypatch.setattr(scheduler, "time", SimpleNamespace(sleep=end_one))
    settle(run, None, "slurm", policy)
    assert slurm.cancelled[: len(cancelled)] == cancelled
    assert len(slurm.cancelled) <= len(cancelled) + 1  # the end of the file
    assert looks == list(range(3 - len(cancelled), 0, -1))
    assert {"13", "14", "15"} <= set(slurm.numbers)


def test_a_waiting_coordinator_job_keeps_a_second_one_away(slurm, run, gaugeflow):
    slurm.set_jobs(("20", run.coordinator_job, "PENDING"))
    code, _, said = gaugeflow("resume", "s", "--coordinator", "here")
    assert code == 2
    assert "job 20 (PENDING) coordinates it" in said
    assert not list(run.run.glob("*.log"))


def test_the_coordinator_job_is_one_quoted_line_with_the_profiles_account(slurm, run):
    said = start_as_job(run, load_profile(str(slurm.profile())), 600, Leftovers.WAIT_RUNNING)
    (call,) = slurm.asked
    assert "job 4711 for 600 minutes" in said
    assert {"--account=physics", "--partition=batch", "--time=600", f"--job-name={run.coordinator_job}"} <= set(call)
    wrapped = next(word for word in call if word.startswith("--wrap="))
    assert wrapped.startswith("--wrap=exec ")
    assert wrapped.endswith(f"-m gaugeflow resume {run.root} --coordinator here --coordinator-time 600")


def test_a_coordinator_job_warned_of_its_limit_hands_over_to_the_next(slurm, run, monkeypatch, folder):
    """Snakemake is a process that sleeps; the warning comes as the scheduler sends it."""
    monkeypatch.setattr(coordinate, "snakemake", lambda *rest: ["sleep", "60"])
    monkeypatch.setenv("SLURM_JOB_ID", "20")
    monkeypatch.setenv("SLURM_JOB_NAME", run.coordinator_job)
    slurm.set_jobs(("20", run.coordinator_job, "RUNNING"), ("21", f"{run.prefix}_0d", "RUNNING"))
    monkeypatch.setattr(coordinate, "settle", lambda *rest: threading.Timer(1.5, os.kill, [os.getpid(), USR1]).start())
    options = {"minutes": 60, "leftovers": Leftovers.WAIT_RUNNING, "accept_changes": False, "renew": False}
    code, said = start(earlier_submission(run), Way.HERE, **options)
    assert code == 0
    assert "job 4711" in said
    assert "--dependency=afterany:20" in slurm.asked[-1]
    assert slurm.cancelled == []


def test_a_request_says_only_what_is_wanted():
    assert scheduler.Request(memory_mb=5).words() == ["--mem=5", "--ntasks=1"]
    full = scheduler.Request("a", "p", "q", 5, 2, 3, 1, ("--signal=USR1@60",)).words()
    assert full == ["--account=a", "--partition=p", "--qos=q", "--mem=5", "--ntasks=2", "--time=3", "--gpus=1",
                    "--signal=USR1@60"]  # fmt: skip


def test_programs_that_are_not_there_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Exception, match="squeue: cannot be started"):
        scheduler.jobs_of("gaugeflow")
