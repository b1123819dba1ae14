"""Laws of the workflow: every study has a DAG, chunks form chains, longer chains leave old chunks alone."""

import os
import re

import pytest
import yaml
from house import REPOSITORY, STUDIES, TUNE, run, study_content, write_study

RULES = sorted((REPOSITORY / "workflow" / "rules").glob("*.smk"))


def snakemake(*options, root="out", studies=(), scale="tiny", cwd=REPOSITORY):
    settings = [f"root={root}", f"scale={scale}", f"studies=[{','.join(map(str, studies))}]"]
    return run("snakemake", "-s", REPOSITORY / "Snakefile", *options, "--config", *settings, cwd=cwd)


def counts(result) -> dict[str, int]:
    """Number of jobs of each rule in the table that a dry run prints."""
    assert result.returncode == 0, result.stdout + result.stderr
    table = (
        (result.stdout + result.stderr).split("Job stats:")[-1].split("total")[0]
        if "Job stats" in result.stdout + result.stderr
        else ""
    )
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)}


@pytest.fixture(scope="module")
def parallel_run(tmp_path_factory):
    """Dry run of a study whose second entry is tuned and runs on two ranks, shell lines included."""
    folder = tmp_path_factory.mktemp("dag")
    content = study_content()
    for scale in content["scales"].values():
        other = {**scale["ensembles"][0], "seed": 8, "label": "tuned_{beta}_{extents}", "extents": [4, 4], "ranks": 2}
        other |= {"grid": [1, 2, 1], "beta": 1.0, "sampler": {**other["sampler"], "n_steps": TUNE}}
        scale["ensembles"].append(other)
    write_study(folder / "both", content)
    return snakemake("-n", "-p", "--cores", "2", studies=[folder / "both"], root=folder / "out", cwd=folder)


@pytest.mark.parametrize("scale", ["tiny", "full"])
def test_every_study_has_a_dag(scale, tmp_path):
    jobs = counts(snakemake("-n", "--cores", "1", studies=STUDIES, scale=scale, root=tmp_path / "out"))
    assert jobs["analyse"] == len(STUDIES)
    assert jobs["validate"] == jobs["report"] == jobs["tables"] == 1
    assert jobs["measure"] == jobs["generate"] + jobs["catalogue"]


def test_plain_snakemake_is_the_demo():
    result = run("snakemake", "-n", "--forceall")
    assert counts(result)["analyse"] == 3
    assert "demo/results/scoreboard.csv" in result.stdout


def test_only_ensembles_that_ask_for_it_are_tuned(parallel_run):
    jobs = counts(parallel_run)
    assert jobs["tune"] == 1
    assert jobs["spec"] == 5
    assert jobs["generate"] == jobs["measure"] == jobs["flow"] == 15


def test_a_chunk_continues_the_one_before_it(parallel_run):
    lines = re.findall(
        r"gaugeflow --attempts \S+ --asked \S+ generate \S+/spec\.json --chunk (\d+) (.*)--ranks.* --out (\S+)",
        parallel_run.stdout,
    )
    assert len(lines) == 15
    for chunk, previous, out in lines:
        assert out.endswith(f"/configs/{int(chunk):04d}.h5")
        before = out.replace(f"{int(chunk):04d}.h5", f"{int(chunk) - 1:04d}.h5")
        assert previous.strip() == (f"--previous {before}" if int(chunk) else "")


def test_a_launcher_stands_only_before_jobs_of_several_ranks(parallel_run):
    log = r"--attempts \S+ --asked \S+"
    two = (
        rf"Shell command: mpiexec -n 2 gaugeflow {log} generate .* --ranks 2 --grid 1,2,1 --acceptance-band 0\.4,1\.0 "
    )
    one = r"Shell command:  ?gaugeflow --attempts \S+ --asked \S+ generate .* --ranks 1 +--acceptance-band "
    assert len(re.findall(two, parallel_run.stdout, flags=re.MULTILINE)) == 3
    assert len(re.findall(one, parallel_run.stdout, flags=re.MULTILINE)) == 12


def test_the_report_is_told_where_a_study_lies(parallel_run):
    line = next(line for line in parallel_run.stdout.splitlines() if "gaugeflow report" in line)
    assert re.search(r"results/both/results\.json --study \S+/both/study\.yaml --out ", line)


def test_more_chunks_leave_finished_ones_alone(tmp_path):
    folder = write_study(tmp_path / "s")
    planned = snakemake("-n", "--cores", "1", studies=[folder], root=tmp_path / "out")
    outputs = re.findall(r"^    output: (\S+)$", planned.stdout, flags=re.MULTILINE)
    order = ("spec.json", "/configs/", "/measure_", "/flow_", "results.json", "/results/")
    outputs.sort(key=lambda path: ([mark in path for mark in order].index(True), path))
    for age, path in enumerate(outputs):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as stream:
            stream.write("done")
        os.utime(path, (4e9 + age, 4e9 + age))
    assert counts(snakemake("-n", "--cores", "1", studies=[folder], root=tmp_path / "out")) == {}
    write_study(folder, study_content(**{"ensembles.0.chunks": 4}))
    os.utime(folder / "study.yaml", (5e9, 5e9))
    jobs = counts(snakemake("-n", "--cores", "1", studies=[folder], root=tmp_path / "out"))
    once = dict.fromkeys(("analyse", "report", "tables", "validate", "all"), 1)
    assert jobs == {"generate": 4, "measure": 4, "flow": 4, **once}


def test_studies_share_ensembles(tmp_path):
    first, second = write_study(tmp_path / "a"), write_study(tmp_path / "b", study_content(**{"ensembles.0.chunks": 2}))
    jobs = counts(snakemake("-n", "--cores", "1", studies=[first, second], root=tmp_path / "out"))
    assert jobs["generate"] == 12
    assert jobs["analyse"] == 2


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"studies": ["none"]}, "study 'none': not found"),
        ({"studies": ["u1_2d"], "scale": "huge"}, "huge"),
        ({"studies": ["u1_2d"], "root": "a;b"}, "a;b"),
    ],
    ids=["study", "scale", "root"],
)
def test_a_wrong_setting_is_refused_before_anything_runs(options, wanted):
    result = snakemake("-n", "--cores", "1", **options)
    assert result.returncode != 0
    assert wanted in result.stdout + result.stderr


def test_a_fault_in_a_study_is_named(tmp_path):
    folder = write_study(tmp_path / "s", study_content(**{"ensembles.0.beta": -1.0}))
    result = snakemake("-n", "--cores", "1", studies=[folder])
    assert result.returncode != 0
    assert "ensembles[0].beta: got -1.0, wanted a number greater than 0" in result.stdout + result.stderr


def test_the_slurm_profile_plans_the_demo_and_starts_ranks_with_srun(tmp_path):
    folder = write_study(tmp_path / "s", study_content(**{"ensembles.0.ranks": 2}))
    result = run("snakemake", "--workflow-profile", "none", "--profile", "cluster/slurm", "-n", "--forceall")
    assert counts(result)["analyse"] == 3
    settings = ("studies=[" + str(folder) + "]", "launcher=srun --mpi=pmi2", f"root={tmp_path / 'out'}")
    result = run("snakemake", "--workflow-profile", "none", "--profile", "cluster/slurm", "-np", "--config", *settings)
    assert counts(result)["generate"] == 12
    assert re.search(r"srun --mpi=pmi2 -n 2 gaugeflow --attempts \S+ --asked \S+ generate", result.stdout)


def test_profiles_put_retries_where_they_belong():
    slurm = yaml.safe_load((REPOSITORY / "cluster" / "slurm" / "config.yaml").read_text())
    assert slurm["retries"] == 3
    assert slurm["rerun-triggers"] == ["mtime", "input"]
    local = yaml.safe_load((REPOSITORY / "workflow" / "profiles" / "default" / "config.yaml").read_text())
    assert "retries" not in local
    assert not any("retries" in path.read_text() for path in RULES)


def test_lint_finds_nothing():
    result = run("snakemake", "--lint")
    assert result.returncode == 0, result.stdout + result.stderr


def test_rules_are_formatted():
    result = run("snakefmt", "--check", "Snakefile", "workflow")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_rules_name_files_and_quote_them(path):
    text = path.read_text()
    assert not re.search(r"\blambda\b|^ *(run|script):", text, flags=re.MULTILINE)
    lines = "\n".join(re.findall(r"shell:\n((?: {8}\".*\n)+)", text))
    unquoted = set(re.findall(r"\{(?:input|output|log|wildcards)[\w.]*\}", lines))
    assert unquoted == set()
    for rule in re.split(r"^rule ", text, flags=re.MULTILINE)[1:]:
        assert "    log:" in rule
        assert "    conda:" in rule
