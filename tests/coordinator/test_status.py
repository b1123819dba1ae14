"""Laws of the status: counts come from files and attempts' logs, without coordinator and scheduler, fast."""

import json
import os
import time

import pytest
from house import study_content, write_study

from gaugeflow.config.load import load_study
from gaugeflow.coordinator.run_folder import RunRecord, folder_at
from gaugeflow.coordinator.survey import survey
from gaugeflow.jobs.lease import Lease

BEGIN = {"event": "begin", "time": "2026-01-01T00:00:00+00:00", "host": "elsewhere", "pid": 1, "slurm_job_id": "31"}
END = {"event": "end", "time": "2026-01-01T01:00:00+00:00", "seconds": 3600.0, "trajectories": 20}


def submitted(folder, executor="slurm", **changes):
    """A study with one ensemble of ten chunks, and its run folder."""
    content = {"beta": 1.0, "extents": [[4, 4]], "label": "e", "chunks": 10, **changes}
    write_study(folder / "s", study_content(**{f"ensembles.0.{key}": value for key, value in content.items()}))
    profile = folder / "profile"
    profile.mkdir(exist_ok=True)
    (profile / "config.yaml").write_text(f"executor: {executor}\n")
    run = folder_at("runs/s-full")
    run.write(RunRecord(str(folder / "s/study.yaml"), "s", "full", str(profile)))
    return run, load_study("s", "full")


def touch(run, ensemble, name, *chunks):
    """Empty files of chunks."""
    place = run.ensembles / ensemble.ensemble_id / name
    place.mkdir(parents=True, exist_ok=True)
    for chunk in chunks:
        (place / f"{chunk:04d}.h5").touch()


def attempt(run, job, *lines, number=1):
    """A log of an attempt."""
    place = run.attempts / job
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{number}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def partly(slurm, folder):
    """Chunks 0 to 2 done, two of them measured, 3 running, 4 queued, 5 failed, 6 stopped with its state saved."""
    run, study = submitted(folder)
    (ensemble,) = study.ensembles
    ident = ensemble.ensemble_id
    touch(run, ensemble, "configs", 0, 1, 2)
    touch(run, ensemble, f"measure_{study.measure.settings_id}", 0, 1)
    touch(run, ensemble, f"flow_{study.flows[0].settings_id}", 0)
    attempt(run, f"generate/{ident}/0002", BEGIN, {**END, "exit_code": 0, "reason": ""})
    chunk = {"event": "chunk", "time": "2026-01-01T00:00:01+00:00", "chunk": 3, "continued_after": None}
    progress = {
        "event": "progress",
        "time": "2026-01-01T00:30:00+00:00",
        "steps": "trajectories",
        "done": 5,
        "total": 10,
    }
    attempt(run, f"generate/{ident}/0003", BEGIN, chunk, progress)
    attempt(run, f"generate/{ident}/0005", BEGIN, {**END, "exit_code": 75, "reason": "stopped"})
    attempt(run, f"generate/{ident}/0005", BEGIN, {**END, "exit_code": 4, "reason": "NaN in the links"}, number=2)
    attempt(run, f"generate/{ident}/0006", BEGIN, {**END, "exit_code": 75, "reason": "stopped"})
    attempt(run, f"measure/{ident}/{study.measure.settings_id}/0002", {**BEGIN, "slurm_job_id": "99"})
    slurm.set_jobs(("31", f"{run.prefix}_u", "RUNNING"))
    waiting = f"32|{run.prefix}_u|PENDING|/w|Priority|0:00|30:00|rule_generate_wildcards_{ident}_0004\n"
    jobs = slurm.folder / "jobs"
    jobs.write_text(jobs.read_text() + waiting)
    return run, study


def test_every_chunk_is_counted_once(partly):
    run, study = partly
    (state,) = survey(run, study, "slurm").ensembles
    counts = (state.done, state.running, state.queued, state.failed, state.waiting)
    assert counts == (3, 1, 1, 1, 4)
    assert sum(counts) == state.chunks
    assert (state.measured, state.flowed) == (2, 1)


@pytest.mark.parametrize(("state", "counts"), [("RUNNING", (1, 3)), ("PENDING", (0, 4))])
def test_a_job_of_several_chunks_runs_the_first_and_holds_the_others(slurm, folder, state, counts):
    run, study = submitted(folder)
    ident = study.ensembles[0].ensemble_id
    slurm.set_jobs(("31", f"{run.prefix}_u", state), comment=f"rule_chain_{ident}_0000-0003")
    (found,) = survey(run, study, "slurm").ensembles
    assert (found.running, found.queued) == counts


def test_trajectories_and_speed_come_from_files_and_logs(partly):
    run, study = partly
    (state,) = survey(run, study, "slurm").ensembles
    assert (state.trajectories_done, state.trajectories_total) == (10 + 3 * 10 + 5, 10 + 10 * 10)
    assert state.trajectories_per_hour == pytest.approx((20 + 5) / 1.5)
    assert state.seconds_left == pytest.approx((110 - 45) / (25 / 1.5) * 3600)


def test_failures_have_reason_and_log(partly):
    run, study = partly
    first, second = survey(run, study, "slurm").failures
    assert (first.rule, first.exit_code, first.reason, first.attempts) == ("generate", 4, "NaN in the links", 2)
    assert (run.root / first.log).name == "2.jsonl"
    assert (second.rule, second.exit_code) == ("measure", None)
    assert "killed" in second.reason


def test_status_prints_all_that_and_who_coordinates(partly, gaugeflow):
    code, said, _ = gaugeflow("status", "s")
    assert code == 0
    assert "45 / 110" in said
    assert "failed: generate" in said
    assert "NaN in the links; log logs/attempts/generate/" in said
    assert "jobs: 1 running, 1 waiting (Priority)" in said
    assert "coordinator: none; go on with: gaugeflow resume" in said


def test_json_holds_the_same(partly, gaugeflow):
    found = json.loads(gaugeflow("status", "s", "--json")[1])
    assert found["ensembles"][0]["running"] == 1
    assert [job["job_id"] for job in found["jobs"]] == ["31", "32"]
    assert found["coordinator"] is None


def test_status_works_without_scheduler_and_says_so(partly, gaugeflow, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    code, said, _ = gaugeflow("status", "s")
    assert code == 0
    assert "the scheduler's programs are not installed here" in said
    assert "killed" in said  # the log of the running job is old


@pytest.mark.parametrize(("age", "alive"), [(5.0, True), (3600.0, False)])
def test_a_long_trajectory_lives_by_its_lease_where_squeue_is_silent(partly, slurm, age, alive):
    run, study = partly
    (slurm.bin / "squeue").write_text("#!/bin/bash\nexit 1\n")
    partial = run.ensembles / study.ensembles[0].ensemble_id / "configs" / "0003.h5.partial"
    with Lease(partial):
        record = (partial / "owner").read_bytes()
    first, rest = record.split(b"\n", 1)
    owner = json.dumps({**json.loads(rest), "machine": "another"}).encode()
    (partial / "owner").write_bytes(first.replace(b"left", b"held") + b"\n" + owner + b"\n")
    os.utime(partial / "owner", (time.time() - age,) * 2)
    found = survey(run, study, "slurm")
    assert (found.ensembles[0].running == 1) == alive
    assert any("0003" in failure.job for failure in found.failures) != alive


def test_status_works_when_the_scheduler_is_down(partly, slurm, gaugeflow):
    (slurm.bin / "squeue").write_text("#!/bin/bash\necho down >&2; exit 1\n")
    code, said, _ = gaugeflow("status", "s")
    assert (code, "squeue: failed (down)" in said) == (0, True)


def test_a_root_where_nothing_ran_yet_has_only_waiting_chunks(folder, gaugeflow):
    run, study = submitted(folder, executor="local")
    (state,) = survey(run, study, "local").ensembles
    assert (state.waiting, state.trajectories_done, state.seconds_left) == (10, 0, None)


def test_a_damaged_log_and_odd_names_are_no_obstacle(partly):
    run, study = partly
    ident = study.ensembles[0].ensemble_id
    (run.attempts / f"generate/{ident}/0007").mkdir()
    (run.attempts / f"generate/{ident}/0007/1.jsonl").write_bytes(b'{"event": "beg\xff')
    (run.attempts / f"generate/{ident}/README").touch()
    (run.ensembles / ident / "configs/.0003.h5.x.tmp").touch()
    (state,) = survey(run, study, "slurm").ensembles
    assert state.done == 3


@pytest.mark.parametrize("one_chain", [True, False], ids=["one chain", "many ensembles"])
def test_ten_thousand_chunks_take_seconds(folder, one_chain):
    sizes = (
        {"chunks": 10000}
        if one_chain
        else {"chunks": 10, "beta": [0.01 * i for i in range(1, 1001)], "label": "e{beta}"}
    )
    run, study = submitted(folder, executor="local", **sizes)
    for ensemble in study.ensembles:
        touch(run, ensemble, "configs", *range(0, ensemble.chunks, 2))
        attempt(run, f"generate/{ensemble.ensemble_id}/0000", BEGIN, {**END, "exit_code": 0, "reason": ""})
    began = time.process_time()  # of this process: other tests may keep the machine busy
    found = survey(run, study, "local")
    assert time.process_time() - began < 5
    assert sum(state.done for state in found.ensembles) == 5000


def test_a_study_that_was_never_submitted_is_told(folder, gaugeflow):
    code, _, said = gaugeflow("status", "s")
    assert code == 3
    assert "no submission found at runs/s-full, runs/s-tiny" in said
    assert os.listdir(folder) == ["s"]
