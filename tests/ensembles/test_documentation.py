"""docs/file_format.md names everything in the schema, and its ten lines read a real file."""

import re
from pathlib import Path

import numpy as np
import pytest
from ensembles.example import make_spec, write_example

from gaugeflow.ensembles.documentation import renewed
from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.schema import KINDS, ROOT

TEXT = (Path(__file__).parents[2] / "docs" / "file_format.md").read_text()


def example(language):
    return re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL).group(1)


@pytest.mark.parametrize("language", ["python", "julia"])
def test_reading_takes_ten_lines(language):
    assert len([line for line in example(language).splitlines() if line.strip()]) <= 10


@pytest.mark.parametrize(("group", "extents"), [("U1", (4, 3)), ("SU3", (2, 3, 2, 4))])
def test_the_lines_of_the_documentation_read_a_file(tmp_path, monkeypatch, group, extents):
    monkeypatch.chdir(tmp_path)
    write_example(tmp_path / "0000.h5", spec=make_spec(group, extents))
    scope = {}
    exec(example("python"), scope)
    with open_file("0000.h5") as file:
        assert scope["spec"] == file.spec["spec"]
        assert scope["trajectory"] == file.dataset("trajectory")[-1]
        if len(extents) == 2:
            assert scope["plaquette"] == pytest.approx(file.dataset("plaquette")[-1, 0], abs=1e-14)
    assert np.isfinite(scope["plaquette"])


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_of_the_schema_is_documented(kind):
    names = [*ROOT, *KINDS[kind].attributes, *KINDS[kind].datasets]
    documented = set(re.findall(r"`([\w/*]+)`", TEXT))
    undocumented = [n for n in names if n not in documented and n.split("/")[0] + "/*" not in documented]
    assert [n for n in undocumented if n != "first"] == []


def test_the_table_of_measurements_is_that_of_the_observables():
    """If it fails: python -m gaugeflow.ensembles.documentation docs/file_format.md."""
    assert renewed(TEXT, "docs/file_format.md") == TEXT
