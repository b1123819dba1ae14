"""A fake scheduler, an empty working folder, and the command line in this process."""

import logging
import os

import pytest
from coordinator.fake_slurm import FakeSlurm
from house import study_content, write_study

from gaugeflow.cli.main import main


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A scheduler that is first in PATH."""
    fake = FakeSlurm(tmp_path / "slurm")
    monkeypatch.setenv("PATH", f"{fake.bin}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SLURM", str(fake.folder))
    return fake


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with a study named s."""
    place = tmp_path / "work"
    write_study(place / "s", study_content(**{"ensembles.0.beta": 1.0, "ensembles.0.extents": [[4, 4]]}))
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def gaugeflow(capsys):
    """Run a command in this process: exit code, standard output, standard error."""

    def run(*words):
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out, said.err

    root = logging.getLogger()
    before = list(root.handlers), root.level
    yield run
    root.handlers[:], root.level = before  # the command's handler writes to a stream that ends with the test
    logging.captureWarnings(False)
