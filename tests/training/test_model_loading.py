"""Trained models and predictions as the analysis sees them."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from gaugeflow.analysis.dataset import EnsembleData
from gaugeflow.analysis.loading_models import load_models
from gaugeflow.cli.main import main
from gaugeflow.config.networks import CnnLayer, CnnNetwork, LcnnInputs, LcnnLayer, LcnnNetwork
from gaugeflow.config.training_needs import training_memory_mb, training_minutes, weights
from gaugeflow.ensembles.reader import open_file
from gaugeflow.errors import FileError
from gaugeflow.training.network import make_network
from gaugeflow.training.weights import read_model

NETWORKS = [
    (
        LcnnNetwork(kind="lcnn", layers=(LcnnLayer(channels=3, symmetric=True), LcnnLayer(channels=2, kernel_size=3))),
        "SU2",
        2,
    ),
    (LcnnNetwork(kind="lcnn", layers=(LcnnLayer(channels=4),), inputs=LcnnInputs(polyakov=True)), "SU3", 4),
    (CnnNetwork(kind="cnn", layers=(CnnLayer(channels=5, kernel_size=2), CnnLayer(channels=3))), "SU2", 2),
]


def configurations(folder, study):
    ensemble = study.ensemble("test")
    return folder / "data" / "ensembles" / ensemble.ensemble_id / "configs" / "0000.h5"


@pytest.fixture
def predicted(whole, tmp_path):
    """(study, folder of models, ensembles as the analysis knows them)."""
    folder, study, model = whole
    models = tmp_path / "models"
    (models / model.parent.name).mkdir(parents=True)
    for name in (model.name, "history.h5"):
        (models / model.parent.name / name).write_bytes((model.parent / name).read_bytes())
    out = models / model.parent.name / "predict"
    assert main(["predict", str(model), str(configurations(folder, study)), "--out", str(out)]) == 0
    with open_file(configurations(folder, study)) as file:
        inputs = {"configs/0000.h5": file.content_sha256}
    spec = SimpleNamespace(extents=(6, 8), chains=4)
    plaquette = {"plaquette": np.zeros((3, 4))}
    data = EnsembleData("test", study.ensemble("test").ensemble_id, spec, np.arange(3), plaquette, {}, 0, inputs=inputs)
    return study, models, {"test": data}


def test_a_model_is_loaded_with_its_size_its_history_and_its_predictions(whole, predicted):
    study, models, ensembles = predicted
    (found,) = load_models(study, ensembles, models)
    assert found.weights == sum(weight.numel() for weight in read_model(whole[2]).module.parameters())
    assert (found.kind, found.target, found.group, found.ndim) == ("lcnn", "w1x2", "SU2", 2)
    assert found.configurations == 18  # 3 of 4 chains of 6
    assert found.steps == 3 * math.ceil(18 / 6)
    spread = found.predictions["test"].numbers["prediction"] - found.predictions["test"].numbers["rotated_prediction"]
    assert np.abs(spread).max() < 1e-12


def test_predictions_of_another_model_or_other_configurations_are_refused(predicted):
    study, models, ensembles = predicted
    (folder,) = models.iterdir()
    model = folder / "model.safetensors"
    content = model.read_bytes()
    model.write_bytes(content + b"\0")
    with pytest.raises(FileError, match="made by another model"):
        load_models(study, ensembles, models)
    model.write_bytes(content)
    ensembles["test"].inputs["configs/0000.h5"] = "0" * 64
    with pytest.raises(FileError, match="made from other configurations"):
        load_models(study, ensembles, models)
    model.unlink()
    with pytest.raises(FileError, match="make it with gaugeflow train"):
        load_models(study, ensembles, models)


@pytest.mark.parametrize(("network", "group", "ndim"), NETWORKS)
def test_weights_are_counted_without_making_the_network(network, group, ndim):
    made = make_network(network, ndim, group, 1)
    counted = [sum(weight.numel() for weight in layer.parameters()) for layer in made.layers]
    assert weights(network, ndim, int(group[-1])) == counted


def test_needs_grow_with_steps_and_attempts(whole):
    training = whole[1].trainings[0]
    longer = training.__class__(
        **{**training.__dict__, "training": training.training.model_copy(update={"epochs": 10**5})}
    )
    assert training_minutes(longer) > 2 * training_minutes(training)
    assert training_minutes(training, 2) > training_minutes(training)
    assert training_memory_mb(training, 2) == 2 * training_memory_mb(training)
