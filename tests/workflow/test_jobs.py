"""Laws of jobs on a cluster: what runs in one job, and what SLURM is asked for it.

`submit_lines` stops Snakemake where it would submit and shows the lines.
"""

import json
import re
from pathlib import Path

from house import REPOSITORY, TUNE, run, study_content, write_study

from gaugeflow.config.load import load_study
from gaugeflow.config.spec_file import make_spec

LARGE = {
    "extents": [64, 64],
    "chains": 64,
    "chunks": 6,
    "configs_per_chunk": 20,
    "beta": 1.0,
    "thermalisation": 10,
    "save_every": 2,
}


def slurm(folder, *options, profile="slurm", config=(), program=("snakemake",)):
    study = f"studies=[{folder / 's'}]"
    line = ("-s", REPOSITORY / "Snakefile", "--workflow-profile", "none", "--profile", REPOSITORY / "cluster" / profile)
    settings = ("--config", "root=.", "scale=full", study, "launcher=srun --mpi=pmi2", *config)
    (folder / "run").mkdir(exist_ok=True)
    return run(*program, *line, *options, *settings, cwd=folder / "run")


def submitted(folder, *entries, **more):
    """Options and steps of every job that is submitted before any has run, specs being there."""
    content = study_content()
    ensembles = [{**content["scales"]["full"]["ensembles"][0], **entry} for entry in entries]
    content["scales"]["full"] |= {"ensembles": ensembles, "flow": None}
    content["scales"]["tiny"] = content["scales"]["full"]
    write_study(folder / "s", content)
    for ensemble in load_study(folder / "s", "full").ensembles:
        spec = folder / "run" / "data" / "ensembles" / ensemble.ensemble_id / "spec.json"
        spec.parent.mkdir(parents=True)
        spec.write_text(make_spec(ensemble, None).text)
    program = ("python", Path(__file__).with_name("submit_lines.py"))
    result = slurm(folder, "--until", "measure", program=program, **more)
    jobs = [json.loads(line[7:]) for line in result.stdout.splitlines() if line.startswith("SUBMIT ")]
    assert jobs, result.stdout[-3000:] + result.stderr[-3000:]
    return [(options(job["line"]), job["steps"], job["mpi"]) for job in jobs]


def options(line):
    """Options of a line, long and short."""
    pairs = [word.partition("=")[::2] for word in line if word.startswith("--")]
    return {
        **{name.lstrip("-"): value for name, value in pairs},
        **{word.lstrip("-"): line[i + 1] for i, word in enumerate(line[:-1]) if word in ("-t", "--mem")},
    }


def test_a_scan_of_200_small_ensembles_is_tens_of_jobs(tmp_path):
    betas = [round(1.0 + 0.005 * i, 4) for i in range(200)]
    changes = {"extents": [4, 4], "beta": betas, "chunks": 1, "sampler.n_steps": TUNE}
    write_study(tmp_path / "s", study_content(**{f"ensembles.0.{key}": value for key, value in changes.items()}))
    result = slurm(tmp_path, "-n", config=("job_minutes=240", "bundle=16"))
    assert result.returncode == 0, result.stdout + result.stderr
    text = result.stdout + result.stderr
    steps = {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", text.split("Job stats:")[-1], re.MULTILINE)}
    assert (steps["tune"], steps["generate"], steps["measure"], steps["flow"]) == (200, 200, 200, 200)
    assert len(re.findall(r"Group job \S+ \(jobs in", text)) == 2 * 13


def test_chunks_of_a_chain_follow_each_other_in_one_job(tmp_path):
    (asked, steps, mpi), *others = submitted(tmp_path, LARGE, config=("job_minutes=1", "bundle=0"))
    assert others == []
    chunks = [chunk for rule, _, chunk in steps if rule == "generate"]
    assert len(chunks) > 1
    assert chunks == [f"{k:04d}" for k in range(len(chunks))]
    assert chunks == [chunk for rule, _, chunk in steps if rule == "measure"]
    assert (asked["ntasks"], asked["cpus-per-task"], mpi) == ("1", "1", False)
    assert 10 < int(asked["t"]) < 30
    assert asked["signal"] == "USR1@60"


def test_small_ensembles_run_side_by_side_with_a_core_each(tmp_path):
    small = {"extents": [4, 4], "beta": [1.0, 2.0, 3.0, 4.0, 5.0], "chunks": 2}
    jobs = submitted(tmp_path, small, config=("job_minutes=0", "bundle=3"))
    assert sorted(len(steps) for _, steps, _ in jobs) == [2 * 2 * 2, 3 * 2 * 2]
    for asked, steps, mpi in jobs:
        assert (asked["ntasks"], mpi) == ("1", False)
        ensembles = len({name for _, name, _ in steps})
        assert ensembles <= int(asked["cpus-per-task"]) <= 2 * ensembles  # a chunk beside measurements of another
        assert 10 < int(asked["t"]) < 30
        assert int(asked["mem"]) >= 500 * int(asked["cpus-per-task"])


def test_ranks_are_tasks_and_a_larger_lattice_asks_for_more(tmp_path):
    entry = {**LARGE, "extents": [[64, 64], [128, 128]], "chunks": 1, "ranks": 2, "configs_per_chunk": 2000}
    jobs = submitted(tmp_path, entry, config=("job_minutes=0", "bundle=0"))
    small, large = sorted((asked for asked, _, _ in jobs), key=lambda asked: int(asked["mem"]))
    assert all(mpi for _, _, mpi in jobs)
    assert {(asked["ntasks"], asked["cpus-per-task"]) for asked in (small, large)} == {("2", "1")}
    assert int(large["mem"]) > int(small["mem"])
    assert int(large["t"]) > int(small["t"])


def test_every_rank_has_a_card_and_cards_fill_nodes(tmp_path):
    several = {"ntasks-per-gpu": "1", "cpus-per-task": "8"}
    wanted = {
        1: {"gpus": "1", "cpus-per-task": "8"},
        4: {"gpus": "4", "nodes": "1", "ntasks": "4", **several},
        8: {"gpus": "8", "nodes": "2", "ntasks": "8", **several},
    }
    entries = [{**LARGE, "chunks": 2, "beta": float(ranks), "ranks": ranks} for ranks in wanted]
    config = ("device=cuda", "cards_per_node=4")
    jobs = submitted(tmp_path, *entries, profile="slurm-gpu", config=config)
    assert len(jobs) == len(wanted)
    keys = ("gpus", "nodes", "ntasks", "ntasks-per-gpu", "cpus-per-task")
    for asked, steps, _ in jobs:
        (ensemble,) = {name for _, name, _ in steps}
        ranks = int(float(re.search(r"_b([0-9.]+)_", ensemble)[1]))
        assert {key: asked[key] for key in keys if key in asked} == wanted.pop(ranks)
    assert wanted == {}


def test_jobs_that_wait_for_each_other_are_refused(tmp_path):
    write_study(tmp_path / "s", study_content(**{"ensembles.0.extents": [4, 4], "ensembles.0.beta": 1.0}))
    result = slurm(
        tmp_path,
        "-n",
        "--groups",
        "generate=a",
        "spec=b",
        "measure=b",
        "--group-components",
        "b=9",
        config=("job_minutes=0", "bundle=0"),
    )
    assert result.returncode != 0
    assert "jobs wait for each other" in result.stdout + result.stderr
