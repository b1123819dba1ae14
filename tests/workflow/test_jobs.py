"""Laws of jobs on a cluster: what runs in one job, and what SLURM is asked for it.

`fake_slurm` stands for SLURM: it notes the lines with which jobs are submitted.
"""

import json
import re

import pytest
from house import REPOSITORY, TUNE, run, study_content, write_study

from gaugeflow.config.load import load_study
from gaugeflow.config.spec_file import make_spec
from workflow import fake_slurm

LARGE = {"extents": [64, 64], "chains": 64, "chunks": 6, "configs_per_chunk": 20, "thermalisation": 10, "save_every": 2}
SITE = ("slurm_account=a", "slurm_partition=p", "runtime=30", "mem_mb=2000")


def slurm(folder, *options, profile="slurm", config=(), **environment):
    study = f"studies=[{folder / 's'}]"
    line = ("snakemake", "-s", REPOSITORY / "Snakefile", "--workflow-profile", "none", "--profile")
    settings = ("--config", "root=.", "scale=full", study, "launcher=srun --mpi=pmi2", *config)
    (folder / "run").mkdir(exist_ok=True)
    line = (*line, REPOSITORY / "cluster" / profile, *options, *settings)
    return run(*line, cwd=folder / "run", **environment)


def submitted(folder, entries, **more):
    """Options and steps of every job that is submitted before any has run, specs being there."""
    content = study_content()
    common = {key: value for key, value in content["scales"]["full"]["ensembles"][0].items() if key != "label"}
    content["scales"]["full"] |= {"ensembles": [{**common, **entry} for entry in entries], "flow": None}
    content["scales"]["tiny"] = content["scales"]["full"]
    write_study(folder / "s", content)
    for ensemble in load_study(folder / "s", "full").ensembles:
        spec = folder / "run" / "data" / "ensembles" / ensemble.ensemble_id / "spec.json"
        spec.parent.mkdir(parents=True)
        spec.write_text(make_spec(ensemble, None).text)
    names = {ensemble.ensemble_id: ensemble.label for ensemble in load_study(folder / "s", "full").ensembles}
    environment = fake_slurm.install(folder / "slurm")
    result = slurm(folder, "--retries", "0", "--until", "measure", "--default-resources", *SITE, **more, **environment)
    calls = [json.loads(path.read_text()) for path in sorted((folder / "slurm" / "calls").glob("*.json"))]
    assert calls, result.stdout + result.stderr
    return [(fake_slurm.options(call), fake_slurm.steps(call), names) for call in calls]


def test_a_scan_of_200_small_ensembles_is_tens_of_jobs(tmp_path):
    betas = [round(1.0 + 0.005 * i, 4) for i in range(200)]
    changes = {"extents": [4, 4], "beta": betas, "chunks": 2, "sampler.n_steps": TUNE}
    write_study(tmp_path / "s", study_content(**{f"ensembles.0.{key}": value for key, value in changes.items()}))
    result = slurm(tmp_path, "-n")
    assert result.returncode == 0, result.stdout + result.stderr
    text = result.stdout + result.stderr
    steps = {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", text.split("Job stats:")[-1], re.MULTILINE)}
    assert (steps["tune"], steps["generate"], steps["measure"], steps["flow"]) == (200, 400, 400, 400)
    assert len(re.findall(r"^Group job ", text, flags=re.MULTILINE)) == 2 * 13


def test_chunks_of_a_chain_follow_each_other_in_one_job(tmp_path):
    (options, steps, _), *others = submitted(tmp_path, [LARGE], config=("job_minutes=1", "bundle=0"))
    assert others == []
    assert len(steps) > 4
    chunks = [int(chunk) for chunk in re.findall(r"generate:\S*chunk=(\d+)", " ".join(sorted(steps)))]
    assert chunks == list(range(len(chunks)))
    assert sorted(re.findall(r"measure:\S*chunk=(\d+)", " ".join(steps))) == [f"{k:04d}" for k in chunks]
    assert (options["ntasks"], options["cpus-per-task"]) == ("1", "1")
    assert 10 < int(options["t"]) < 30
    assert "signal" in options


def test_small_ensembles_run_side_by_side_with_a_core_each(tmp_path):
    small = {"extents": [4, 4], "beta": [1.0, 2.0, 3.0, 4.0, 5.0], "chunks": 2}
    jobs = submitted(tmp_path, [small], config=("job_minutes=0", "bundle=3"))
    assert sorted(len(steps) for _, steps, _ in jobs) == [2 * 2 * 2, 3 * 2 * 2]
    for options, steps, _ in jobs:
        assert options["ntasks"] == "1"
        assert int(options["cpus-per-task"]) * 4 == len(steps)
        assert 10 < int(options["t"]) < 30
        assert int(options["mem"]) >= 500 * int(options["cpus-per-task"])


def test_ranks_are_tasks_and_a_chunk_asks_for_more_on_a_larger_lattice(tmp_path):
    sizes = [{**LARGE, "extents": [n, n], "chunks": 1, "ranks": 2, "grid": [2, 1, 1]} for n in (64, 128)]
    jobs = submitted(tmp_path, sizes, config=("job_minutes=0", "bundle=0"))
    small, large = sorted((options for options, _, _ in jobs), key=lambda options: int(options["mem"]))
    assert {options["ntasks"] for options in (small, large)} == {"2"}
    assert {options["cpus-per-task"] for options in (small, large)} == {"1"}
    assert int(large["mem"]) > int(small["mem"])
    assert int(large["t"]) > int(small["t"])


@pytest.mark.parametrize(
    ("ranks", "wanted"),
    [
        (1, {"gpus": "1", "cpus-per-task": "8"}),
        (4, {"gpus": "4", "nodes": "1", "ntasks": "4", "ntasks-per-gpu": "1", "cpus-per-task": "8"}),
        (8, {"gpus": "8", "nodes": "2", "ntasks": "8", "ntasks-per-gpu": "1", "cpus-per-task": "8"}),
    ],
    ids=["1", "4", "8"],
)
def test_every_rank_has_a_card_and_cards_fill_nodes(ranks, wanted, tmp_path):
    entry = {**LARGE, "chunks": 2, "ranks": ranks}
    jobs = submitted(tmp_path, [entry], profile="slurm-gpu", config=("device=cuda", "cards_per_node=4"))
    assert len(jobs) == 1
    options, steps, _ = jobs[0]
    keys = ("gpus", "nodes", "ntasks", "ntasks-per-gpu", "cpus-per-task")
    assert {key: options[key] for key in keys if key in options} == wanted


def test_jobs_that_wait_for_each_other_are_refused(tmp_path):
    write_study(tmp_path / "s", study_content(**{"ensembles.0.extents": [4, 4], "ensembles.0.beta": 1.0}))
    result = slurm(tmp_path, "-n", "--groups", "generate=a", "spec=b", "measure=b", config=("job_minutes=0", "bundle=0"))
    assert result.returncode != 0
    assert "jobs wait for each other" in result.stdout + result.stderr
