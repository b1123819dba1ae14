"""Laws of the training itself: losses fall, the best weights are kept, bad numbers end it, gradients are sums."""

import json
import os
import signal

import numpy as np
import pytest
import torch
from training.small import CNN, train, write_small

from gaugeflow.config.training import AdamW, TrainingSettings
from gaugeflow.ensembles.reader import open_file
from gaugeflow.errors import ConfigError, FileError, PhysicsError, TryAgain
from gaugeflow.lattice.communicator import Serial
from gaugeflow.training import data as data_module
from gaugeflow.training import loop
from gaugeflow.training.data import find_data
from gaugeflow.training.gradients import loss_and_gradient
from gaugeflow.training.network import losses
from gaugeflow.training.optimiser import Optimiser
from gaugeflow.training.schedule import best_epoch, finished, learning_rate
from gaugeflow.training.targets import wilson_loop
from gaugeflow.training.weights import read_model, read_tensors
from gaugeflow.training.world import World, joined

SETTINGS = {"optimiser": {"kind": "adamw", "learning_rate": 0.1}, "batch": 4, "epochs": 9, "seeds": (1,)}


def history(out):
    with open_file(out.with_name("history.h5"), "training") as file:
        return {name: file.dataset(name) for name in file.names}


@pytest.mark.parametrize("precision", ["float32", "float64", "mixed"])
def test_losses_fall_in_every_precision(tmp_path, precision):
    study = write_small(tmp_path, **{"training.epochs": 12, "training.precision": precision})
    out = train(study, tmp_path)
    found = history(out)
    assert len(found["validation_loss"]) == 12
    assert found["validation_loss"][-1] < found["validation_loss"][0] / 3
    weights = read_model(out).module.state_dict().values()
    assert {w.dtype for w in weights} == {torch.float32 if precision == "float32" else torch.float64}


def test_mixed_precision_follows_double_to_single_rounding(tmp_path):
    found = {}
    for precision in ("float64", "mixed"):
        study = write_small(tmp_path / precision, **{"training.precision": precision})
        found[precision] = history(train(study, tmp_path / precision))["validation_loss"]
    assert np.abs(found["mixed"] / found["float64"] - 1).max() < 1e-4
    assert (found["mixed"] != found["float64"]).any()


def test_the_kept_weights_are_those_of_the_best_epoch(tmp_path):
    """With a large learning rate the last epoch is not the best one."""
    changes = {"training.epochs": 8, "training.optimiser.learning_rate": 0.3}
    study = write_small(tmp_path, **changes)
    out = train(study, tmp_path)
    later = tmp_path / "later" / "model.safetensors"
    with pytest.raises(TryAgain):  # after the best epoch
        train(study, tmp_path, later, advance=lambda done: done == 22 and os.kill(os.getpid(), signal.SIGTERM))
    assert train(study, tmp_path, later).read_bytes() == out.read_bytes()
    losses_of_epochs, model = history(out)["validation_loss"], read_model(out)
    text = read_tensors(out, "model").text
    assert text["best_epoch"] == np.argmin(losses_of_epochs) < 7
    training = study.trainings[0]
    data = find_data(training, tmp_path / "data" / "ensembles")
    with joined(Serial(), "cpu") as world, torch.no_grad():
        run = loop.TrainingRun(training, data, world, out)
        run.model.load_state_dict(model.module.state_dict())
        found = torch.cat([run._losses(run._links([row])) for row in data.validation]).mean()
    assert float(found) == pytest.approx(losses_of_epochs.min(), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [(14, "epoch 1, batch 0: got a loss of nan"), (11, "epoch 0: got a validation loss of nan")],
    ids=["training", "validation"],
)
def test_a_loss_that_is_no_number_ends_the_training_and_keeps_the_state_before(tmp_path, monkeypatch, call, message):
    """Losses of a batch are three calls, three batches and the validation an epoch."""
    study = write_small(tmp_path)
    out, calls = tmp_path / "m" / "model.safetensors", []

    def broken(*arguments):
        calls.append(1)
        return losses(*arguments) * (float("nan") if len(calls) == call else 1.0)

    monkeypatch.setattr(loop, "losses", broken)
    with pytest.raises(PhysicsError, match=message) as caught:
        train(study, tmp_path, out)
    assert caught.value.exit_code == 4
    assert not out.exists()
    monkeypatch.setattr(loop, "losses", losses)
    seen = []
    train(study, tmp_path, out, advance=seen.append)
    assert seen[0] == 3
    assert out.read_bytes() == train(study, tmp_path).read_bytes()


def test_an_overflow_is_found_by_itself(tmp_path):
    study = write_small(tmp_path, **{"training.optimiser.learning_rate": 10.0, "training.precision": "float32",
                                     "network.layers": [{"channels": 2}] * 6, "training.epochs": 40})  # fmt: skip
    with pytest.raises(PhysicsError, match=r"wanted (finite numbers|a finite number)"):
        train(study, tmp_path)


def test_a_missing_ensemble_and_a_damaged_row_are_named(tmp_path):
    study = write_small(tmp_path)
    folder = tmp_path / "data" / "ensembles" / study.ensembles[0].ensemble_id / "configs"
    content = bytearray((folder / "0001.h5").read_bytes())
    (folder / "0001.h5").unlink()
    with pytest.raises(FileError, match=r"0001.h5: missing, wanted chunk 1 of the 2 of train .*gaugeflow generate"):
        train(study, tmp_path)
    with open_file(folder / "0000.h5") as file:
        links = file.links(1)[0].tobytes()
    (folder / "0001.h5").write_bytes(content)
    where = (folder / "0000.h5").read_bytes().find(links[:64])
    assert where > 0
    damaged = bytearray((folder / "0000.h5").read_bytes())
    damaged[where] ^= 1
    (folder / "0000.h5").write_bytes(damaged)
    with pytest.raises(FileError, match=r"0000.h5: damaged, reading links failed|checksum of chain"):
        train(study, tmp_path)
    assert (tmp_path / "data/models" / study.trainings[0].model_id / "model.safetensors.partial").exists()


def test_the_gradient_of_a_batch_is_the_sum_over_its_parts_in_their_order():
    model = torch.nn.Linear(3, 1).double()
    rows = torch.randn(7, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def loss(part):
        return (model(rows[list(part)]) ** 2).sum() / 7

    world = World(Serial(), torch.device("cpu"))
    whole = loss_and_gradient(model, [tuple(range(7))], loss, world)
    parts = loss_and_gradient(model, [(0, 1, 2), (3, 4, 5), (6,)], loss, world)
    assert torch.allclose(whole, parts, rtol=1e-13)


def test_gradients_are_clipped_to_their_norm(tmp_path, monkeypatch):
    """The history has the norm before."""
    used, step = [], Optimiser.step

    def watched(optimiser, gradient, rate):
        used.append(float(torch.linalg.vector_norm(gradient)))
        step(optimiser, gradient, rate)

    monkeypatch.setattr(Optimiser, "step", watched)
    study = write_small(tmp_path, **{"training.epochs": 1, "training.gradient_norm": 1e-3})
    assert history(train(study, tmp_path))["gradient_norm"][0] > 1e-2
    assert used == pytest.approx([1e-3] * 3, rel=1e-12)


@pytest.mark.parametrize("kind", ["local", "average"])
def test_the_training_loss_is_the_mean_over_all_configurations(tmp_path, kind):
    """With weights that stay, and batches of 7, 7 and 4."""
    changes = {"training.optimiser.learning_rate": 1e-14, "training.batch": 7, "training.epochs": 1}
    study = write_small(tmp_path, **changes, **{"training.loss": kind})
    out = train(study, tmp_path)
    data, module = find_data(study.trainings[0], tmp_path / "data" / "ensembles"), read_model(out).module
    with data_module.Reader(data.chunks) as reader, torch.no_grad():
        links = reader.links(data.training)
        difference = (module(links)[:, 0] - wilson_loop(links, 1, 2)).flatten(1)
    wanted = (difference**2).mean() if kind == "local" else (difference.mean(1) ** 2).mean()
    assert history(out)["training_loss"][0] == pytest.approx(float(wanted), rel=1e-10)


@pytest.mark.parametrize(("amsgrad", "decay"), [(True, 0.0), (False, 0.1), (True, 0.3)])
def test_the_optimiser_is_the_library_s_and_continues_from_its_state(amsgrad, decay):
    settings = AdamW(kind="adamw", learning_rate=0.1, amsgrad=amsgrad, weight_decay=decay)
    ours, theirs = (torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)).double() for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    library = torch.optim.AdamW(theirs.parameters(), amsgrad=amsgrad, weight_decay=decay, foreach=False)
    optimiser, generator = Optimiser(settings, ours), torch.Generator().manual_seed(1)
    for k in range(40):
        gradient = torch.randn(11, generator=generator, dtype=torch.float64) * 10.0 ** (-k % 5)
        rate = 0.01 * (k + 1)
        library.param_groups[0]["lr"] = rate
        for weight, part in zip(theirs.parameters(), gradient.split([6, 2, 2, 1]), strict=True):
            weight.grad = part.reshape(weight.shape)
        library.step()
        if k % 7 == 3:
            state = optimiser.state()
            optimiser = Optimiser(settings, ours)
            optimiser.load(state, "x")
        optimiser.step(gradient, rate)
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert (one - other).abs().max() < 1e-13 * other.abs().max()
    with pytest.raises(FileError, match="x: the optimiser's state belongs to other weights"):
        optimiser.load(Optimiser(settings, ours[0]).state(), "x")


def test_schedules_follow_their_formulas():
    def rates(losses=(), **schedule):
        settings = TrainingSettings.model_validate({**SETTINGS, "precision": "float64", "schedule": schedule})
        return [learning_rate(settings, epoch, losses) for epoch in range(9)]

    assert rates(kind="constant") == [0.1] * 9
    cosine = rates(kind="cosine", warmup=2, final=0.1)
    assert cosine[:3] == pytest.approx([0.1 / 3, 0.2 / 3, 0.1])
    assert cosine[5] == pytest.approx(0.055)
    assert cosine[8] == pytest.approx(0.01)
    assert rates(kind="step", every=4, factor=0.5) == [0.1] * 4 + [0.05] * 4 + [0.025]
    assert rates((3, 2, 2, 4, 1, 5, 5, 5), kind="plateau", patience=2) == pytest.approx(
        [0.1] * 4 + [0.05] * 3 + [0.025] * 2
    )


def test_patience_ends_a_training_and_the_first_of_equal_epochs_is_best():
    settings = TrainingSettings.model_validate({**SETTINGS, "precision": "float64", "patience": 2})
    assert best_epoch([3, 1, 2, 1]) == 1
    assert not finished(settings, [3, 1, 2])
    assert finished(settings, [3, 1, 2, 1])
    assert finished(settings, range(9, 0, -1))


def test_a_model_of_other_data_is_not_taken_for_this_one(gaugeflow, whole, tmp_path):
    study = write_small(tmp_path, **{"training.epochs": 2})
    line = ["train", tmp_path / "study", "--scale", "tiny", "--model", "small", "--data", tmp_path / "data/ensembles"]
    done = gaugeflow(*line, "--out", whole[2])
    assert done.returncode == 3
    assert "trained on other settings or files" in done.stderr
    done = gaugeflow(*line[:5], "nothing", *line[6:], "--out", tmp_path / "x.safetensors")
    assert done.returncode == 2
    assert study.trainings[0].model_id in done.stderr
    for options, message in ((("--device", "cuda"), "0 cards"), (("--ranks", "9"), "got 9, wanted at most 3")):
        done = gaugeflow(*line, "--out", tmp_path / "x.safetensors", *options)
        assert done.returncode == 2
        assert message in done.stderr


def test_the_log_of_an_attempt_has_the_model(gaugeflow, whole, tmp_path):
    folder, study, _ = whole
    line = ["train", folder / "study", "--scale", "tiny", "--model", study.trainings[0].model_id, "--data",
            folder / "data/ensembles", "--out", tmp_path / "m.safetensors"]  # fmt: skip
    done = gaugeflow("--attempts", tmp_path / "log", *line)
    assert done.returncode == 0, done.stderr
    events = [json.loads(text) for text in (tmp_path / "log" / "1.jsonl").read_text().splitlines()]
    (model,) = [event for event in events if event["event"] == "model"]
    assert (model["model_id"], model["seed"], model["steps"]) == (study.trainings[0].model_id, 5, 9)
    assert events[-1]["steps"] == 9
    assert f"seed 5, {sum(p.numel() for p in read_model(whole[2]).module.parameters())} weights" in done.stderr


def test_a_cnn_trains_on_the_average(tmp_path):
    study = write_small(tmp_path, network=CNN, **{"training.loss": "average", "training.augmentation": "gauge"})
    assert np.isfinite(history(train(study, tmp_path))["validation_loss"]).all()


def test_networks_without_torch_are_a_clear_error(monkeypatch):
    from gaugeflow.cli import options

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"torch is not installed; pip install 'gaugeflow\[nn\]'"):
        options.require_networks()
