"""Laws of networks in a study: labels lead to ensembles that go together, identities name all that decides weights."""

import copy

import pytest
from house import run, study_content, write_study

from gaugeflow.config.load import load_study
from gaugeflow.config.training import validating_chains
from gaugeflow.errors import ConfigError

NETWORK = {"kind": "lcnn", "layers": [{"channels": 2, "kernel_size": 2}, {"channels": 2, "kernel_size": 2}]}
TRAINING = {
    "optimiser": {"kind": "adamw", "learning_rate": 0.01},
    "batch": 4,
    "micro_batch": 2,
    "epochs": 3,
    "precision": "float64",
    "seeds": [1, 2],
}
ENTRY = {
    "label": "small",
    "network": NETWORK,
    "target": {"kind": "wilson_loop", "r": 1, "t": 2},
    "train_on": ["b*_4x4"],
    "test_on": ["b1.0_6x8", "b2.5_6x8"],
    "training": TRAINING,
}


def changed(entry, **changes):
    """An entry with changes: {"training.epochs": 4}."""
    out = copy.deepcopy(entry)
    for key, value in changes.items():
        *path, last = key.split(".")
        target = out
        for part in path:
            target = target[int(part) if part.isdigit() else part]
        target[last] = value
    return out


def load(folder, *entries, **ensemble):
    study = write_study(folder / "s", study_content(networks=list(entries), **ensemble))
    return load_study(study, "tiny")


def ids(folder, *entries, **ensemble):
    return [training.model_id for training in load(folder, *entries, **ensemble).trainings]


def test_labels_and_globs_lead_to_ensembles_and_every_seed_is_a_model(tmp_path):
    study = load(tmp_path, ENTRY)
    first, second = study.trainings
    assert [e.label for e in first.train] == ["b1.0_4x4", "b2.5_4x4"]
    assert [e.label for e in first.test] == ["b1.0_6x8", "b2.5_6x8"]
    assert (first.seed, second.seed, first.label) == (1, 2, "small")
    assert first.training_configurations == 2 * 7 * 15
    assert study.training("small", 2) is second
    assert study.training(first.model_id) is first
    with pytest.raises(ConfigError, match=r"model 'small': 2 at scale tiny, wanted one of them with --seed"):
        study.training("small")


def test_ids_are_stable(tmp_path):
    assert ids(tmp_path, ENTRY)[0] == "lcnn_u1_2d_w1x2-e2692705c0"


def test_ids_of_ensembles_do_not_depend_on_networks(tmp_path):
    with_networks = [e.ensemble_id for e in load(tmp_path / "a", ENTRY).ensembles]
    study = load_study(write_study(tmp_path / "b", study_content()), "tiny")
    assert with_networks == [e.ensemble_id for e in study.ensembles]
    assert study.trainings == ()


@pytest.mark.parametrize(
    "change",
    [
        {"network.layers.0.channels": 3},
        {"network.inputs": {"polyakov": True}},
        {"target.r": 2},
        {"train_on": ["b1.0_4x4"]},
        {"training.epochs": 4},
        {"training.precision": "mixed"},
        {"training.augmentation": "gauge"},
        {"training.configurations": 7},
        {"training.optimiser.learning_rate": 0.02},
        {"training.schedule": {"kind": "cosine"}},
        {"training.micro_batch": 4},
    ],
)
def test_ids_depend_on_all_that_decides_the_weights(tmp_path, change):
    assert set(ids(tmp_path / "a", ENTRY)).isdisjoint(ids(tmp_path / "b", changed(ENTRY, **change)))


def test_ids_depend_on_the_length_and_physics_of_the_training_ensembles(tmp_path):
    before = set(ids(tmp_path / "a", ENTRY))
    for number, change in enumerate([{"chunks": 4}, {"seed": 8}, {"save_every": 3}]):
        changes = {f"ensembles.0.{key}": value for key, value in change.items()}
        assert before.isdisjoint(ids(tmp_path / str(number), ENTRY, **changes))


@pytest.mark.parametrize(
    "change",
    [{"label": "other"}, {"test_on": []}, {"ranks": 2}, {"training.seeds": [2, 1]}, {"training.patience": None}],
)
def test_ids_do_not_depend_on_names_ranks_and_tests(tmp_path, change):
    assert set(ids(tmp_path / "a", ENTRY)) == set(ids(tmp_path / "b", changed(ENTRY, **change)))


REFUSED = {
    "no such label": ({"train_on": ["x*"]}, r"networks\[0\]\.train_on: got 'x\*', wanted the label of an ensemble"),
    "trained and tested": ({"test_on": ["b1.0_4x4"]}, r"test_on: got 'b1.0_4x4', which is in train_on"),
    "charge in 2D": (
        {"target": {"kind": "charge_density"}},
        r"target.kind: got charge_density, wanted wilson_loop in 2",
    ),
    "loop too long": ({"target.t": 5}, r"target: got 1 x 5, wanted at most 4 x 4 on 4x4"),
    "no inputs": (
        {"network.inputs": {"plaquettes": False}},
        r"network.inputs: wanted plaquettes or polyakov to be true",
    ),
    "unknown kind": ({"network.kind": "unet"}, r"network.kind: got 'unet', wanted one of 'lcnn', 'cnn'"),
    "micro-batch": ({"training.micro_batch": 5}, r"training.micro_batch: got 5, wanted at most the batch, 4"),
    "unknown key": ({"training.epoch": 5}, r"training.epoch: got an unknown key, wanted perhaps 'epochs'"),
    "idle ranks": ({"ranks": 3}, r"ranks: got 3, wanted at most 2, the micro-batches of a batch"),
    "equal seeds": ({"training.seeds": [1, 1]}, r"training.seeds: got \[1, 1\], wanted seeds that occur once"),
    "warmup": ({"training.schedule": {"kind": "cosine", "warmup": 3}}, r"schedule: .* wanted a warmup of fewer than 3"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_go_together_is_refused_with_its_place(tmp_path, change, message):
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, changed(ENTRY, **change))


def test_equal_labels_and_equal_models_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"networks: .*'small' occurs twice"):
        load(tmp_path, ENTRY, ENTRY)
    with pytest.raises(ConfigError, match=r"networks\[1\]: got the model of 'small' again"):
        load(tmp_path, ENTRY, changed(ENTRY, label="same"))


def test_one_chain_cannot_be_split(tmp_path):
    with pytest.raises(ConfigError, match=r"train_on: got 'b1.0_4x4' with 1 chain, wanted at least 2 chains"):
        load(tmp_path, ENTRY, **{"ensembles.0.chains": 1})
    assert [validating_chains(8, share) for share in (0.01, 0.25, 0.99)] == [1, 2, 7]


def test_ensembles_of_one_network_have_one_group_and_dimension(tmp_path):
    content = study_content(networks=[changed(ENTRY, test_on=["cube"])])
    for scale in content["scales"].values():
        scale["ensembles"].append({**scale["ensembles"][0], "label": "cube", "extents": [4, 4, 4], "beta": 1.0})
    with pytest.raises(
        ConfigError, match=r"'b1.0_4x4' \(U1, 2D\) and 'cube' \(U1, 3D\), wanted one group and dimension"
    ):
        load_study(write_study(tmp_path, content), "tiny")


def test_a_trained_model_is_named_by_its_hash(tmp_path):
    entry = {"label": "theirs", "model": {"file": "m.safetensors", "sha256": "0" * 64}, "test_on": ["b*_4x4"]}
    (model,) = load(tmp_path / "a", entry).trainings
    assert model.file.file == "m.safetensors"
    assert (model.seed, model.train, len(model.test)) == (None, (), 2)
    (moved,) = load(tmp_path / "b", changed(entry, **{"model.file": "x/m.safetensors"})).trainings
    (other,) = load(tmp_path / "c", changed(entry, **{"model.sha256": "1" * 64})).trainings
    assert model.model_id == moved.model_id != other.model_id


def test_check_study_prints_the_models(tmp_path):
    folder = write_study(tmp_path / "s", study_content(networks=[ENTRY]))
    done = run("gaugeflow", "check-study", folder, "--scale", "tiny")
    assert done.returncode == 0, done.stderr
    assert "lcnn_u1_2d_w1x2-" in done.stdout
    assert "210 configurations" in done.stdout
    assert "valid, 4 ensembles, 2 models" in done.stdout
