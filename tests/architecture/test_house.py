"""Laws of the house: files that say the same thing in two places agree."""

import json
import re
import tomllib

import jsonschema
import pytest
import yaml
from house import REPOSITORY, STUDIES, study_content

from gaugeflow import __version__, errors
from gaugeflow.cli.main import COMMANDS, EPILOG, load_command
from gaugeflow.config.json_schema import study_schema

PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
CONDA_NAMES = {"snakemake": "snakemake-minimal", "torch": "pytorch"}


def lines_of(requirements):
    names = {}
    for line in requirements:
        name, bound = re.fullmatch(r"([A-Za-z0-9_.-]+)(.*)", line.replace(" ", "")).groups()
        names[CONDA_NAMES.get(name, name)] = bound
    return names


def extras(project):
    """Optional dependencies but those for a card, which are gigabytes and depend on the machine's CUDA."""
    return [lines for name, lines in project["optional-dependencies"].items() if name != "cuda"]


def test_environment_yml_asks_for_the_same_as_pyproject():
    project = PYPROJECT["project"]
    wanted = [
        *project["dependencies"],
        *(line for extra in extras(project) for line in extra),
    ]
    conda = yaml.safe_load((REPOSITORY / "environment.yml").read_text())["dependencies"]
    found = lines_of(line for line in conda if isinstance(line, str) and line != "pip")
    assert found == {**lines_of(wanted), "python": PYPROJECT["project"]["requires-python"]}


def test_the_lock_holds_every_dependency():
    lock = "".join(path.read_text() for path in sorted(REPOSITORY.glob("requirements*.lock")))
    locked = set(re.findall(r"^([a-z0-9._-]+)==", lock, flags=re.MULTILINE))
    project = PYPROJECT["project"]
    more = [line for extra in extras(project) for line in extra]
    wanted = {re.match(r"[A-Za-z0-9_.-]+", line)[0].lower() for line in [*project["dependencies"], *more]}
    assert wanted <= locked


def test_the_schema_for_editors_is_current():
    stored = (REPOSITORY / "workflow" / "schemas" / "study.schema.json").read_text()
    assert stored == study_schema(), "run: python -m gaugeflow.config.json_schema > workflow/schemas/study.schema.json"


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_fits_the_schema_for_editors(study):
    content = yaml.safe_load((REPOSITORY / "workflow" / "studies" / study / "study.yaml").read_text())
    jsonschema.validate(content, json.loads(study_schema()))


def test_the_schema_for_editors_refuses_what_the_models_refuse():
    schema = json.loads(study_schema())
    jsonschema.validate(study_content(), schema)
    for changes in ({"ensembles.0.beta": -1.0}, {"ensembles.0.bta": 1.0}, {"ensembles.0.group": "SU9"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(study_content(**changes), schema)


def test_every_command_exists_and_is_in_the_readme():
    readme = (REPOSITORY / "README.md").read_text()
    for name in COMMANDS:
        assert load_command(name).help, f"{name} has no help"
        assert f"gaugeflow {name}" in readme, f"README does not show gaugeflow {name}"


def test_every_exit_code_is_documented():
    readme = (REPOSITORY / "README.md").read_text()
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    for kind in kinds:
        assert re.search(rf"\| *{kind.exit_code} *\|", readme), (
            f"README lacks exit code {kind.exit_code} ({kind.__name__})"
        )
        assert f" {kind.exit_code} " in EPILOG


def test_version_is_the_same_everywhere():
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    assert citation["version"] == __version__
    assert f"[{__version__}]" in (REPOSITORY / "CHANGELOG.md").read_text()
