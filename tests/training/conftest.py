"""One small study, trained once, and commands in forks of one process that has torch loaded."""

import sys
from pathlib import Path

import pytest
from production.fork_server import ForkServer
from production.small import COMMIT
from training.small import train, write_small


@pytest.fixture(autouse=True)
def fixed_commit(monkeypatch):
    """The same provenance in every process."""
    for name, value in COMMIT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """(folder, study, model's file) of a training that was left in peace."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in COMMIT.items():
            patch.setenv(name, value)
            study = write_small(folder)
        return folder, study, train(study, folder)


@pytest.fixture(scope="session")
def gaugeflow(whole, tmp_path_factory):
    """gaugeflow(*words): a command in a fork of a process that has trained before."""
    folder = whole[0]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in COMMIT.items():
            patch.setenv(name, value)
        server = ForkServer()
    out = tmp_path_factory.mktemp("warm") / "model.safetensors"
    done = server(*train_words(folder, out), fork=False)
    assert done.returncode == 0, done.stderr
    yield server
    server.close()


def train_words(folder: Path, out: Path) -> list[object]:
    """`train` of the study in a folder."""
    data = folder / "data" / "ensembles"
    return ["train", folder / "study", "--scale", "tiny", "--model", "small", "--data", data, "--out", out]


PROGRAM = [sys.executable, str(Path(__file__).with_name("kill_train.py"))]
