"""The scratch folder of a chunk: one owner, one spec, nothing damaged goes unseen."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from ensembles.example import configuration, make_history, random_links

from gaugeflow.ensembles import checkpoint
from gaugeflow.ensembles.checkpoint import Progress, State
from gaugeflow.ensembles.links import as_array
from gaugeflow.errors import ConfigError, FileError


def links(number=0):
    return random_links(np.random.default_rng(number), "SU2", (3, 2), 2)


def state(number, n_saved):
    return State(links(number), number, make_history(0, number + 1, 2), n_saved)


def saved(out, n=3):
    """A scratch folder with n configurations, each counted by a state of its own."""
    with Progress(out, "spec", 0) as progress:
        assert progress.load() is None
        for i in range(n):
            progress.save_configuration(i, links(i), configuration(links(i)).plaquettes)
            progress.save(state(i, i + 1))
    return out.with_name(out.name + ".partial")


def test_what_was_saved_is_loaded(tmp_path):
    out = tmp_path / "configs" / "0000.h5"
    saved(out)
    with Progress(out, "spec", 0) as progress:
        found = progress.load()
        assert (found.trajectory, found.n_saved) == (2, 3)
        assert np.array_equal(as_array(found.links), links(2))
        for name, values in make_history(0, 3, 2).items():
            assert np.array_equal(found.history[name], values)
        for i, stored in enumerate(progress.configurations()):
            assert np.array_equal(as_array(stored.links), links(i))
            assert np.array_equal(stored.plaquettes["plaquette"], configuration(links(i)).plaquettes["plaquette"])
        assert i == 2


def test_configurations_wait_for_their_state_and_share_a_file(tmp_path, monkeypatch):
    out = tmp_path / "0000.h5"
    folder = tmp_path / "0000.h5.partial"
    with Progress(out, "spec", 0) as progress:
        progress.load()
        for i in range(3):
            progress.save_configuration(i, links(i), configuration(links(i)).plaquettes)
        assert list(folder.glob("config_*")) == []
        progress.save(state(2, 3))
        monkeypatch.setattr(checkpoint, "WAITING_BYTES", 1)
        progress.save_configuration(3, links(3), configuration(links(3)).plaquettes)
        assert [p.name for p in sorted(folder.glob("config_*"))] == ["config_0000.h5", "config_0003.h5"]
    with Progress(out, "spec", 0) as progress:
        assert progress.load().n_saved == 3
        assert [p.name for p in folder.glob("config_*")] == ["config_0000.h5"]
        assert sum(1 for _ in progress.configurations()) == 3


def test_a_state_counts_exactly_what_was_saved(tmp_path):
    with Progress(tmp_path / "0000.h5", "spec", 0) as progress:
        progress.load()
        with pytest.raises(FileError, match="configuration 1 was given, wanted 0"):
            progress.save_configuration(1, links(), configuration(links()).plaquettes)
        with pytest.raises(FileError, match="counts 1 configurations, 0 were saved"):
            progress.save(state(0, 1))


HOLDER = """
import sys
from gaugeflow.ensembles.checkpoint import Progress
with Progress(sys.argv[1], "spec", 0):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_and_death_frees_the_lock(tmp_path):
    out = tmp_path / "0000.h5"
    command = [sys.executable, "-c", HOLDER, str(out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ConfigError, match=f"another process works on this chunk .process {holder.pid} on "):
            Progress(out, "spec", 0).__enter__()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with Progress(out, "spec", 0) as progress:
        assert progress.load() is None


@pytest.mark.parametrize(("spec", "chunk"), [("other", 0), ("spec", 1)])
def test_scratch_of_another_run_is_refused(tmp_path, spec, chunk):
    out = tmp_path / "0000.h5"
    folder = saved(out)
    with pytest.raises(FileError, match="progress of another chunk") as caught:
        Progress(out, spec, chunk).__enter__()
    assert str(folder) in str(caught.value)
    with Progress(out, "spec", 0) as progress:  # the refusal keeps neither the lock nor touches the progress
        assert progress.load().n_saved == 3


@pytest.mark.parametrize("name", ["state.h5", "config_0000.h5", "config_0002.h5", "identity.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "swap", "lose"])
def test_damaged_progress_is_refused_with_what_to_delete(tmp_path, name, damage):
    out = tmp_path / "0000.h5"
    folder = saved(out)
    path = folder / name
    content = path.read_bytes()
    middle = len(content) // 2
    if damage == "lose":
        path.unlink()
    elif damage == "swap":
        path.write_bytes((folder / "config_0001.h5").read_bytes())
    else:
        flipped = content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
        path.write_bytes({"flip": flipped, "cut": content[:middle], "empty": b""}[damage])

    def load():
        with Progress(out, "spec", 0) as progress:
            return progress.load()

    if (name, damage) == ("state.h5", "lose"):
        assert load() is None  # never saved, as far as the folder can tell
        return
    with pytest.raises(FileError) as caught:
        load()
    assert str(folder) in str(caught.value)
    assert "delete" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_leftovers_of_killed_processes_are_removed(tmp_path):
    out = tmp_path / "0000.h5"
    folder = saved(out)
    left = [folder / ".state.h5.elsewhere-1-00000000.tmp", tmp_path / ".0000.h5.elsewhere-1-00000000.tmp"]
    for path in left:
        path.touch()
    trash = tmp_path / ".0000.h5.elsewhere-1-11111111.tmp"
    trash.mkdir()
    (trash / "state.h5").touch()
    other = tmp_path / ".0001.h5.elsewhere-1-00000000.tmp"
    other.touch()
    with Progress(out, "spec", 0):
        assert not any(path.exists() for path in [*left, trash])
        assert other.exists()


def test_finish_removes_the_scratch_only_if_the_file_is_there(tmp_path):
    out = tmp_path / "0000.h5"
    folder = saved(out)
    with Progress(out, "spec", 0) as progress:
        with pytest.raises(FileError, match="not written yet"):
            progress.finish()
        assert folder.exists()
        out.touch()
        progress.finish()
    assert os.listdir(tmp_path) == ["0000.h5"]
