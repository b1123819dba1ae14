"""One warm process that runs all commands of this folder."""

import pytest
from production.fork_server import ForkServer
from production.small import COMMIT, generate, write_small_spec


@pytest.fixture(scope="session")
def gaugeflow(tmp_path_factory):
    """gaugeflow(*words, cwd=, file_size=): a command in a fork of a process that has U(1) in 2D loaded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAUGEFLOW_COMMIT", COMMIT["GAUGEFLOW_COMMIT"])
        server = ForkServer()
    folder = tmp_path_factory.mktemp("warm")
    spec = write_small_spec(server, folder)
    chunk = generate(server, spec, folder / "0000.h5", fork=False)
    for command in ("measure", "flow"):
        done = server(command, chunk, "--study", folder, "--out", folder / command, fork=False)
        assert done.returncode == 0, done.stderr
    yield server
    server.close()


@pytest.fixture(autouse=True)
def fixed_commit(monkeypatch):
    """The same provenance for the processes that a test starts itself."""
    for name, value in COMMIT.items():
        monkeypatch.setenv(name, value)
