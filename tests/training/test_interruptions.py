"""A training that is killed, stopped or out of time continues to the bits of one that was left in peace."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from training.small import train, write_small

from gaugeflow.ensembles.reader import open_file
from gaugeflow.errors import FileError, LeaseLost, TryAgain
from gaugeflow.training.checkpoint import Progress

PROGRAM = Path(__file__).with_name("kill_train.py")


@pytest.mark.parametrize(
    ("seed", "kills", "epochs"), [(1, 4, 3), pytest.param(2, 16, 20, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_a_training_killed_at_seeded_moments_equals_the_uninterrupted_one(tmp_path, seed, kills, epochs):
    """After the kills of the training six follow while its files are published and the state is removed."""
    folder = tmp_path / "study"
    model = train(write_small(folder, **{"training.epochs": epochs}), folder)
    out = tmp_path / "m" / "model.safetensors"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    line = [sys.executable, str(PROGRAM), str(folder), str(out), str(seed), str(kills)]
    done = subprocess.run(line, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["problems"] == []
    phases = [phase for _, _, phase in outcome["kills"]]
    assert phases.count(0) >= min(kills, 10) - 1
    assert len(phases) - phases.count(0) >= 5
    assert out.read_bytes() == model.read_bytes()
    assert sorted(os.listdir(out.parent)) == ["history.h5", "model.safetensors"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_saves_at_the_end_of_the_step_and_the_next_run_continues(whole, tmp_path, number):
    folder, study, model = whole
    out, seen = tmp_path / "m" / "model.safetensors", []

    def stop_after_four(done):
        seen.append(done)
        if done == 4:
            os.kill(os.getpid(), number)

    with pytest.raises(TryAgain, match=r"told to stop \(signal SIG.*\); epoch 1, batch 2 of 3 is saved"):
        train(study, folder, out, advance=stop_after_four)
    assert not out.exists()
    again = []
    train(study, folder, out, advance=again.append)
    assert (seen[-1], again[0]) == (5, 5)
    assert out.read_bytes() == model.read_bytes()
    with open_file(out.with_name("history.h5")) as one, open_file(model.with_name("history.h5")) as other:
        assert one.attributes["weights_sha256"] == other.attributes["weights_sha256"]
        for name in set(one.names) - {"seconds"}:
            assert (one.dataset(name) == other.dataset(name)).all(), name


def test_a_deadline_ends_a_command_with_75_and_the_same_command_continues(gaugeflow, tmp_path):
    study = write_small(tmp_path, **{"training.epochs": 60})
    model = train(study, tmp_path)
    out = tmp_path / "m" / "model.safetensors"
    line = ["train", tmp_path / "study", "--scale", "tiny", "--model", "small", "--data", tmp_path / "data/ensembles"]
    stops = []
    for seconds in (0.4, 0.8, *range(2, 20)):
        began = time.monotonic()
        done = gaugeflow(*line, "--out", out, environment={"GAUGEFLOW_DEADLINE_SECONDS": str(seconds)})
        if done.returncode == 0:
            break
        assert done.returncode == 75, done.stderr
        assert "told to stop (deadline" in done.stderr
        if "is saved, the same command continues" in done.stderr:
            assert time.monotonic() - began < seconds + 0.5
            stops.append(seconds)
    assert stops
    assert "continuing in epoch" in done.stderr
    assert out.read_bytes() == model.read_bytes()
    assert (
        gaugeflow(*line, "--out", out, "--receipt", out.with_name("model.done")).stdout == f"{out}: already complete\n"
    )
    assert out.with_name("model.done").resolve() == out.resolve()


def test_nothing_is_published_after_another_process_took_the_folder(whole, tmp_path):
    folder, study, _ = whole
    out = tmp_path / "m" / "model.safetensors"
    partial, taken = out.with_name("model.safetensors.partial"), tmp_path / "taken"
    with pytest.raises(LeaseLost, match="is gone"):
        train(study, folder, out, checkpoint_seconds=0, advance=lambda done: done == 4 and partial.rename(taken))
    assert os.listdir(out.parent) == []
    assert sorted(os.listdir(taken)) == ["identity.json", "lock", "owner", "state.safetensors"]


def test_a_state_of_other_settings_or_data_is_refused_and_kept(whole, tmp_path):
    folder, study, _ = whole
    out = tmp_path / "m" / "model.safetensors"
    interrupted(study, folder, out)
    state = out.with_name("model.safetensors.partial") / "state.safetensors"
    before = state.read_bytes()
    other = write_small(tmp_path / "other", **{"training.optimiser.learning_rate": 0.01})
    with pytest.raises(FileError, match="progress of another training"):
        train(other, tmp_path / "other", out)
    assert state.read_bytes() == before


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "pickle"])
def test_a_damaged_state_is_refused_with_what_to_do(whole, tmp_path, damage):
    folder, study, _ = whole
    out = tmp_path / "m" / "model.safetensors"
    interrupted(study, folder, out)
    state = out.with_name("model.safetensors.partial") / "state.safetensors"
    content = bytearray(state.read_bytes())
    content[-20] ^= 1
    damaged = {"cut": content[:-9], "flipped": content, "empty": b"", "pickle": b"\x80\x04N."}[damage]
    state.write_bytes(damaged)
    with pytest.raises(
        FileError, match=r"cannot be used: delete .*model.safetensors.partial to start the training again"
    ):
        train(study, folder, out)
    assert state.read_bytes() == damaged


def interrupted(study, folder, out):
    """A training that was stopped after two steps."""
    with pytest.raises(TryAgain):
        train(study, folder, out, advance=lambda done: done == 2 and os.kill(os.getpid(), signal.SIGTERM))
    assert Progress(out, "").has_progress()
