"""Laws of the profiles: Snakemake knows every option, the workflow every setting, a site every value to fill in."""

import re

import pytest
import yaml
from house import REPOSITORY, run, study_content, write_study
from snakemake.cli import get_argument_parser

CLUSTER = REPOSITORY / "cluster"
SHIPPED = sorted(CLUSTER.glob("*/config.yaml"))
ALL = [*SHIPPED, REPOSITORY / "workflow" / "profiles" / "default" / "config.yaml"]
SETTINGS = yaml.safe_load((REPOSITORY / "workflow" / "schemas" / "config.schema.yaml").read_text())["properties"]
RETRIES = {"_site": 3, "slurm": 3, "slurm-gpu": 3}
FILLED = {"CHANGE_PMI": "pmix", "CHANGE_MINUTES": "240", "CHANGE_CORES": "16"}

every_profile = pytest.mark.parametrize("path", ALL, ids=lambda path: path.parent.name)


def entries(path):
    """Settings of the workflow that a profile makes."""
    return dict(entry.split("=", 1) for entry in yaml.safe_load(path.read_text()).get("config", []))


@every_profile
def test_snakemake_and_its_slurm_executor_know_every_key(path):
    known = {
        name.lstrip("-")
        for action in get_argument_parser()._actions
        for name in action.option_strings
        if name.startswith("--")
    }
    assert {"executor", "slurm-keep-successful-logs", "keep-incomplete"} <= known
    assert set(yaml.safe_load(path.read_text())) - known == set()


@every_profile
def test_the_schema_knows_every_setting(path):
    assert set(entries(path)) - set(SETTINGS) == set()


@every_profile
def test_what_is_there_is_complete_and_only_slurm_retries(path):
    content = yaml.safe_load(path.read_text())
    assert content["keep-incomplete"] is content["ignore-incomplete"] is content["keep-going"] is True
    assert content["rerun-triggers"] == ["mtime", "input"]
    assert content.get("retries") == RETRIES.get(path.parent.name)
    assert (content.get("executor") == "slurm") == (path.parent.name in RETRIES)


@pytest.mark.parametrize("name", RETRIES)
def test_programs_are_warned_and_a_launcher_ends_what_lost_a_rank(name):
    path = CLUSTER / name / "config.yaml"
    assert "'--signal=USR1@60'" in yaml.safe_load(path.read_text())["default-resources"]["slurm_extra"]
    assert re.match(r"srun --mpi=\S+ .*--kill-on-bad-exit=1", entries(path)["launcher"])


def test_every_launcher_that_is_written_down_ends_what_lost_a_rank():
    for path in [*ALL, CLUSTER / "README.md"]:
        for line in re.findall(r"launcher=(srun[^\"`]*)", path.read_text()):
            assert "--kill-on-bad-exit=1" in line, f"{path}: {line}"


def test_the_readme_tells_of_every_profile_and_of_every_value_to_fill_in():
    text = (CLUSTER / "README.md").read_text()
    for path in SHIPPED:
        assert f"`cluster/{path.parent.name}`" in text
        for placeholder in re.findall(r"CHANGE_[A-Z_]+", path.read_text()):
            assert f"`{placeholder}`" in text, f"{path}: {placeholder}"


@pytest.mark.parametrize("name", ["_site", "local"])
def test_a_profile_with_its_values_filled_in_plans_a_study(name, tmp_path):
    """The others are planned by test_dag and test_jobs."""
    text = (CLUSTER / name / "config.yaml").read_text()
    for placeholder, value in FILLED.items():
        text = text.replace(placeholder, value)
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile" / "config.yaml").write_text(text)
    folder = write_study(tmp_path / "s", study_content(**{"ensembles.0.beta": 1.0, "ensembles.0.ranks": 2}))
    line = ("snakemake", "-s", REPOSITORY / "Snakefile", "--workflow-profile", "none", "-np")
    own = [f"{key}={value}" for key, value in entries(tmp_path / "profile" / "config.yaml").items()]
    settings = ("root=out", "scale=tiny", f"studies=[{folder}]", *own)
    result = run(*line, "--profile", tmp_path / "profile", "--config", *settings, cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    launcher = "srun --mpi=pmix --kill-on-bad-exit=1" if name == "_site" else "mpiexec"
    assert f"{launcher} -n 2 gaugeflow --attempts" in result.stdout
