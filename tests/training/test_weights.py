"""A model's file holds numbers and text: it is whole or refused, for its own network and group, and runs no code."""

import json
import os
import pickle
import struct

import pytest
import torch
from training.small import write_small

from gaugeflow.cli.main import main
from gaugeflow.ensembles.catalogue import file_sha256
from gaugeflow.ensembles.weights_file import KEY, MODEL, verify_weights
from gaugeflow.errors import ConfigError, FileError
from gaugeflow.training.network import make_network
from gaugeflow.training.weights import load_weights, read_model, read_tensors, write_tensors


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("writer", [pickle.dump, torch.save])
def test_reading_weights_never_unpickles(tmp_path, writer):
    trap, path = str(tmp_path / "sprung"), tmp_path / "model.safetensors"
    with path.open("wb") as stream:
        writer(Trap(trap), stream)
    with pytest.raises(FileError, match="damaged, or no safetensors file"):
        read_model(path)
    assert main(["predict", str(path), str(path), "--out", str(tmp_path / "p.h5")]) == 3
    assert not os.path.exists(trap)


def test_what_is_written_is_read_and_the_same_state_gives_the_same_bytes(tmp_path):
    tensors = {"b": torch.randn(3, 2, dtype=torch.float64), "a": torch.randn(4)}
    first = write_tensors(tmp_path / "1", tensors, {"kind": MODEL, "x": [1, 0.1]})
    assert first == write_tensors(tmp_path / "2", dict(reversed(tensors.items())), {"x": [1, 0.1], "kind": MODEL})
    found = read_tensors(tmp_path / "1", MODEL)
    assert (found.text["x"], found.sha256) == ([1, 0.1], first)
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("at", ["number", "header", "end"])
def test_every_damage_is_found_with_and_without_torch(whole, tmp_path, capsys, at):
    content = bytearray(whole[2].read_bytes())
    length = struct.unpack("<Q", content[:8])[0]
    content[{"number": length + 20, "header": 40, "end": -1}[at]] ^= 1
    path = tmp_path / "model.safetensors"
    path.write_bytes(content[:-1] if at == "end" else content)
    with pytest.raises(FileError, match=r"model.safetensors: "):
        read_model(path)
    assert not verify_weights(path).ok
    assert main(["check", str(whole[2])]) == 0
    assert main(["check", str(path)]) == 3
    assert "FAILED" in capsys.readouterr().out


def test_a_model_fits_its_group_dimension_and_hash(whole):
    path = whole[2]
    model = read_model(path, file_sha256(path)[1])
    model.require("SU2", 2, "here")
    with pytest.raises(ConfigError, match="here: got SU3 in 2 dimensions, wanted SU2 in 2, for which model"):
        model.require("SU3", 2, "here")
    with pytest.raises(ConfigError, match="got SU2 in 4 dimensions"):
        model.require("SU2", 4, "here")
    with pytest.raises(FileError, match=r"got sha256 [0-9a-f]{64}, wanted 0{64}; correct the study or the file"):
        read_model(path, "0" * 64)


def rewritten(whole, path, change, tensors=None):
    """The model's file with its text changed and a hash that fits."""
    found = read_tensors(whole[2], MODEL)
    text = json.loads(json.dumps(found.text))
    change(text)
    write_tensors(path, tensors or found.tensors, text)
    return path


def test_weights_of_another_network_version_or_program_are_refused(whole, tmp_path):
    def other_layers(text):
        text["identity"]["network"]["layers"] = [{"channels": 3, "kernel_size": 2, "symmetric": False}]

    with pytest.raises(FileError, match=r"weights head.head.weights.0: got .*wanted .*belongs to another network"):
        read_model(rewritten(whole, tmp_path / "layers", other_layers))
    with pytest.raises(FileError, match=r"network.kind: got 'unet', wanted one of"):
        read_model(rewritten(whole, tmp_path / "kind", lambda text: text["identity"]["network"].update(kind="unet")))
    with pytest.raises(FileError, match="description is incomplete"):
        read_model(rewritten(whole, tmp_path / "less", lambda text: text["identity"].pop("group")))
    with pytest.raises(FileError, match=r"got format, version and kind \('gaugeflow', 2, 'model'\)"):
        read_model(rewritten(whole, tmp_path / "version", lambda text: text.update(version=2)))
    with pytest.raises(FileError, match=r"wanted .*'training state'"):
        read_tensors(whole[2], "training state")
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2)}, tmp_path / "foreign", {"format": "pt"})
    with pytest.raises(FileError, match="weights of another program"):
        read_model(tmp_path / "foreign")
    assert "weights of another program" in verify_weights(tmp_path / "foreign").problems[0]


def test_missing_and_surplus_weights_are_named(whole):
    network = whole[1].trainings[0].network
    module = make_network(network, 2, "SU2", 1)
    tensors = module.state_dict()
    less = {name: t for name, t in tensors.items() if name != "layers.1.weight"}
    with pytest.raises(FileError, match=r"x: weights layers.1.weight: got none, wanted"):
        load_weights(module, less, "x")
    with pytest.raises(FileError, match=r"x: weights more: got \(\(1,\), 'torch.float64'\), wanted none"):
        load_weights(module, {**tensors, "more": torch.zeros(1, dtype=torch.float64)}, "x")


def test_first_weights_follow_from_the_seed_alone(whole):
    network = whole[1].trainings[0].network
    one, same, other = (make_network(network, 2, "SU2", seed).state_dict() for seed in (2**64 - 1, 2**64 - 1, 3))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_info_tells_where_a_model_comes_from(whole, capsys):
    assert main(["info", str(whole[2])]) == 0
    shown = capsys.readouterr().out
    for text in (file_sha256(whole[2])[1], whole[1].trainings[0].model_id, "identity.seed", "provenance.commit"):
        assert text in shown
    assert KEY == "gaugeflow"


def test_a_model_in_the_study_of_another_is_predicted_with(whole, tmp_path):
    """`model: {file, sha256}`: nothing to train, and the command says so."""
    study = write_small(tmp_path / "s")
    assert study.trainings[0].file is None
    folder = tmp_path / "named"
    entry = {"label": "theirs", "model": {"file": "m.safetensors", "sha256": "0" * 64}, "test_on": ["test"]}
    from house import write_study
    from training.small import content

    changed = content()
    for scale in changed["scales"].values():
        scale["networks"] = [entry]
    write_study(folder, changed)
    line = ["train", str(folder), "--scale", "tiny", "--model", "theirs", "--data", ".", "--out", "x.safetensors"]
    assert main(line) == 2
