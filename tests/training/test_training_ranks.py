"""Ranks share the work of a training and change no bit of it: those of MPI, and tasks that no MPI connects."""

import os
import subprocess

import pytest
from house import BIN, run, surroundings
from training.conftest import train_words
from training.small import train, write_small

from gaugeflow.config.load import load_study

LONG = {
    "training.epochs": 36,
    "training.augmentation": "gauge",
    "training.batch": 7,
    "training.micro_batch": 2,
    "training.gradient_norm": 0.05,
    "training.schedule": {"kind": "cosine", "warmup": 3},
}
"""108 steps; micro-batches of 2, 2, 2 and 1: the order of four terms shows in their sum."""


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAUGEFLOW_COMMIT", "0" * 40)
        return folder, train(write_small(folder, **LONG), folder)


@pytest.mark.mpi
def test_two_ranks_give_the_bits_of_one_after_a_hundred_steps(alone, tmp_path):
    folder, model = alone
    out = tmp_path / "model.safetensors"
    done = run("mpiexec", "-n", "2", "gaugeflow", *train_words(folder, out), "--ranks", "2")
    assert done.returncode == 0, done.stderr
    assert "36 epochs" in done.stdout
    assert out.read_bytes() == model.read_bytes()


@pytest.mark.mpi
def test_ranks_that_are_told_to_stop_leave_a_state_for_any_number_of_ranks(alone, tmp_path):
    """The signal reaches one rank only, and not the one that saves."""
    folder, model = alone
    out = tmp_path / "model.safetensors"
    line = train_words(folder, out)
    program = "import os, signal; from gaugeflow.training import loop; from gaugeflow.cli.main import main\n"
    program += "step, rank = loop.TrainingRun._step, os.environ['PMI_RANK']\n"
    program += "def stopped(run, *arguments):\n"
    program += "    step(run, *arguments)\n"
    program += "    if rank == '1' and run.position.epoch == 2: os.kill(os.getpid(), signal.SIGTERM)\n"
    program += "loop.TrainingRun._step = stopped\n"
    program += f"raise SystemExit(main({[*map(str, line), '--ranks', '2']!r}))"
    done = run("mpiexec", "-n", "2", "python", "-c", program)
    assert done.returncode == 75, done.stderr
    assert "told to stop (another rank was told to); epoch 2, batch 1 of 3 is saved" in done.stderr
    seen = []
    train(load_study(folder / "study", "tiny"), folder, out, advance=seen.append)
    assert seen[0] == 7
    assert out.read_bytes() == model.read_bytes()


@pytest.mark.mpi
def test_tasks_without_mpi_give_the_same_bits(whole, tmp_path):
    """As srun --mpi=none starts them."""
    folder, _, model = whole
    out = tmp_path / "model.safetensors"
    line = [str(BIN / "gaugeflow"), *map(str, train_words(folder, out)), "--ranks", "2"]
    step = {"SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_NODELIST": "localhost", "SLURM_STEP_ID": "0"}
    step["SLURM_JOB_ID"] = str(os.getpid())
    step["GAUGEFLOW_DEADLINE_SECONDS"] = "300"
    tasks = [
        subprocess.Popen(line, env=surroundings(**step, SLURM_PROCID=str(k)), stderr=subprocess.PIPE, text=True)
        for k in range(2)
    ]
    errors = [task.communicate(timeout=120)[1] for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], errors
    assert out.read_bytes() == model.read_bytes()


@pytest.mark.mpi
def test_a_world_of_another_size_than_asked_is_refused(whole, tmp_path):
    out = tmp_path / "model.safetensors"
    done = run("mpiexec", "-n", "2", "gaugeflow", *train_words(whole[0], out), "--ranks", "3")
    assert done.returncode == 2
    assert "asked for 3 ranks, this world has 2" in done.stderr
