"""Predictions of a trained model: any lattice size, targets as measured, errors that decompose."""

import numpy as np
import pytest
import torch
from training.small import train, write_small

from gaugeflow.cli.main import main
from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.verify import verify_file
from gaugeflow.nn.fields import from_file_order
from gaugeflow.training.targets import wilson_loop
from gaugeflow.training.weights import read_model


def chunks_of(folder, study, label):
    ensemble = study.ensemble(label)
    configs = folder / "data" / "ensembles" / ensemble.ensemble_id / "configs"
    return [configs / f"{k:04d}.h5" for k in range(ensemble.chunks)]


@pytest.fixture(scope="module")
def predicted(whole, tmp_path_factory):
    """(chunks, predictions) of the test ensemble, which has twice the extents."""
    folder, study, model = whole
    out, paths = tmp_path_factory.mktemp("p") / "p.h5", chunks_of(folder, study, "test")
    assert main(["predict", str(model), *map(str, paths), "--out", str(out), "--batch", "5"]) == 0
    return paths, out


def test_predictions_and_targets_are_those_of_every_configuration_and_chain(whole, predicted):
    paths, out = predicted
    module = read_model(whole[2]).module
    assert verify_file(out).ok
    with open_file(out, "predictions") as file, open_file(paths[0]) as links:
        assert np.array_equal(file.dataset("trajectory"), links.dataset("trajectory"))
        for i in range(file.n):
            fields = from_file_order(torch.from_numpy(links.links(i)))
            with torch.no_grad():
                p, q = module(fields)[:, 0].flatten(1), wilson_loop(fields, 1, 2).flatten(1)
            assert np.allclose(file.entry("prediction", i), p.mean(1), rtol=1e-12)
            assert np.allclose(file.entry("target", i), q.mean(1), rtol=1e-12)
            assert np.allclose(file.entry("local_mse", i), ((p - q) ** 2).mean(1), rtol=1e-12)


def test_the_local_error_is_that_of_the_means_and_of_the_fluctuations(predicted):
    with open_file(predicted[1], "predictions") as file:
        p, q, mse, variance, covariance = (
            file.dataset(name)
            for name in ("prediction", "target", "local_mse", "local_target_variance", "local_covariance")
        )
    variance_of_p = mse - (p - q) ** 2 - variance + 2 * covariance
    assert (variance_of_p >= 0).all()
    assert (covariance**2 <= variance * variance_of_p * (1 + 1e-9)).all()


def test_the_same_command_finds_its_work_done_and_repeats_what_was_damaged(whole, predicted, tmp_path, capsys):
    paths, _ = predicted
    out, receipt = tmp_path / "p.h5", tmp_path / "p.done"
    line = ["predict", str(whole[2]), *map(str, paths), "--out", str(out), "--receipt", str(receipt)]
    assert main(line) == 0
    first = out.read_bytes()
    capsys.readouterr()
    assert main(line) == 0
    assert capsys.readouterr().out == f"{out}: already complete\n"
    assert receipt.resolve() == out
    out.write_bytes(first[:-100])
    assert main(line) == 0
    assert out.read_bytes() == first


def test_chunks_of_other_groups_or_twice_are_refused(whole, tmp_path, capsys):
    folder, study, model = whole
    test, training = chunks_of(folder, study, "test"), chunks_of(folder, study, "train")
    for paths, wanted in (((*test, *training), "wanted a folder"), ((*test, *test), "wanted different chunks")):
        assert main(["predict", str(model), *map(str, paths), "--out", str(tmp_path / "p.h5")]) == 2
        assert wanted in capsys.readouterr().err
    other = write_small(tmp_path, ensemble={"group": "U1"})
    path = chunks_of(tmp_path, other, "test")[0]
    assert main(["predict", str(model), str(path), "--out", str(tmp_path / "p.h5")]) == 2
    assert "got U1 in 2 dimensions, wanted SU2 in 2" in capsys.readouterr().err
    assert main(["predict", str(model), str(path), "--sha256", "0" * 64, "--out", str(tmp_path / "p.h5")]) == 3


def test_chunks_come_in_the_order_of_their_numbers(whole, tmp_path):
    folder, study, model = whole
    paths = chunks_of(folder, study, "train")
    outs = [tmp_path / "a.h5", tmp_path / "b.h5"]
    for out, order in zip(outs, (paths, paths[::-1]), strict=True):
        assert main(["predict", str(model), *map(str, order), "--out", str(out)]) == 0
    assert outs[0].read_bytes() == outs[1].read_bytes()
    with open_file(outs[0]) as file:
        assert list(file.dataset("trajectory")) == sorted(file.dataset("trajectory"))


def test_several_ensembles_get_a_file_each_with_the_bytes_of_one_command_per_ensemble(whole, tmp_path):
    folder, study, model = whole
    paths = {label: chunks_of(folder, study, label) for label in ("train", "test")}
    both, receipt = tmp_path / "predict", tmp_path / "predict.done"
    line = ["predict", str(model), *map(str, paths["train"] + paths["test"]), "--out", str(both)]
    assert main([*line, "--receipt", str(receipt)]) == 0
    assert receipt.resolve() == max(both.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    for label, own in paths.items():
        alone = tmp_path / f"{label}.h5"
        assert main(["predict", str(model), *map(str, own), "--out", str(alone)]) == 0
        assert (both / f"{study.ensemble(label).ensemble_id}.h5").read_bytes() == alone.read_bytes()


def test_a_second_gauge_changes_the_prediction_of_a_plain_network_alone(whole, predicted):
    with open_file(predicted[1], "predictions") as file:
        p, rotated = file.dataset("prediction"), file.dataset("rotated_prediction")
    assert 0 < np.abs(p - rotated).max() < 1e-13  # other roundings, so it was another gauge


def test_a_model_trained_in_units_of_its_target_predicts_in_them(tmp_path):
    study = write_small(tmp_path, **{"training.target_unit": 0.25, "training.epochs": 1})
    model, out = train(study, tmp_path), tmp_path / "p.h5"
    paths = chunks_of(tmp_path, study, "test")
    assert main(["predict", str(model), *map(str, paths), "--out", str(out)]) == 0
    found = read_model(model)
    with open_file(out, "predictions") as file, open_file(paths[0]) as links:
        fields = from_file_order(torch.from_numpy(links.links(0)))
        with torch.no_grad():
            value = 0.25 * found.module(fields)[:, 0].flatten(1).mean(1)
        assert np.allclose(file.entry("prediction", 0), value, rtol=1e-12)
