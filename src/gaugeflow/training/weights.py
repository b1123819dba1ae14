"""Weights as files: safetensors with provenance. They hold numbers and text only; reading one never runs code."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from gaugeflow.config.canonical import canonical_json
from gaugeflow.config.explain import validated
from gaugeflow.config.networks import Network, Target
from gaugeflow.config.training import TrainingSettings
from gaugeflow.ensembles.atomic import atomic_path
from gaugeflow.ensembles.weights_file import FORMAT, HASH, KEY, MODEL, VERSION, hash_of_lines, tensor_line
from gaugeflow.errors import ConfigError, FileError
from gaugeflow.models import FrozenModel
from gaugeflow.training.network import make_network

DTYPES = {torch.float32: "F32", torch.float64: "F64"}
"""Names of types in safetensors."""


@dataclass(frozen=True)
class Tensors:
    """Content of a file: tensors, the JSON beside them, and the SHA-256 of all its bytes."""

    tensors: dict[str, Tensor]
    text: dict[str, Any]
    sha256: str


def weights_sha256(tensors: Mapping[str, Tensor]) -> str:
    """Hash of names, types, shapes and bytes, whatever file they are in."""
    lines = []
    for name, tensor in tensors.items():
        data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        lines.append(tensor_line(name, DTYPES[tensor.dtype], tensor.shape, data))
    return hash_of_lines(lines)


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], text: Mapping[str, Any], permit: Callable[[], None] | None = None
) -> str:
    """Write a file in one step, read back before it takes its place; returns the SHA-256 of its bytes.

    text      JSON types; `weights_sha256` is added
    permit    called just before the renaming; what it raises forbids that

    Raises    FileError for a full disk, or if what is read back differs
    """
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    content = canonical_json({"format": FORMAT, "version": VERSION, **text, HASH: weights_sha256(plain)})
    data = save(plain, {KEY: content})
    digest = hashlib.sha256(data).hexdigest()
    with atomic_path(path, permit) as temporary:
        temporary.write_bytes(data)
        if hashlib.sha256(temporary.read_bytes()).hexdigest() != digest:
            raise FileError(f"{path}: what was read back differs from what was written; check the disk and run again")
    return digest


def read_tensors(path: Path, kind: str) -> Tensors:
    """Read a file of ours and prove it sound.

    Raises    FileError if it is missing, damaged, foreign, or of another version or kind
    """
    wanted = f"wanted a {kind} written by gaugeflow train"
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror or error}; {wanted}") from error
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise FileError(f"{path}: damaged, or no safetensors file ({error}); {wanted}") from error
    try:
        text = json.loads(metadata[KEY])
        found = (text["format"], text["version"], text["kind"])
        stored = text[HASH]
    except (KeyError, ValueError, TypeError) as error:
        raise FileError(f"{path}: weights of another program; {wanted}") from error
    if found != (FORMAT, VERSION, kind):
        raise FileError(f"{path}: got format, version and kind {found}, wanted {(FORMAT, VERSION, kind)}")
    if any(tensor.dtype not in DTYPES for tensor in tensors.values()) or stored != weights_sha256(tensors):
        raise FileError(f"{path}: its weights are not those of weights_sha256: damaged or edited; make it again")
    return Tensors(tensors, text, sha256)


class _Described(FrozenModel):
    """What of a model's identity makes the network."""

    network: Network
    target: Target


@dataclass(frozen=True)
class Model:
    """A trained model, ready to predict.

    module       with its weights, in their precision
    identity     what it is and what it was trained on, JSON types
    precision    of the training: a key of network.WEIGHTS
    unit         the prediction is this times the module's number
    sha256       of the bytes of its file
    """

    module: nn.Module
    described: _Described
    model_id: str
    identity: dict[str, Any]
    precision: str
    unit: float
    sha256: str

    @property
    def group(self) -> str:
        """Gauge group."""
        return self.identity["group"]

    @property
    def ndim(self) -> int:
        """Dimension."""
        return self.identity["ndim"]

    def require(self, group: str, ndim: int, where: str) -> None:
        """Raises ConfigError unless the model is for this group and dimension; `where` has them."""
        if (group, ndim) != (self.group, self.ndim):
            raise ConfigError(
                f"{where}: got {group} in {ndim} dimensions, wanted {self.group} in {self.ndim}, for which model "
                f"{self.model_id} was trained; choose another model or other configurations"
            )


def read_model(path: Path, sha256: str | None = None) -> Model:
    """Load a trained model.

    sha256    of the bytes of the file, as a study names it; None: any

    Raises    FileError if the file is not sound, another one than named, or its weights do not fit its network
    """
    found = read_tensors(path, MODEL)
    if sha256 not in (None, found.sha256):
        raise FileError(f"{path}: got sha256 {found.sha256}, wanted {sha256}; correct the study or the file")
    try:
        identity = found.text["identity"]
        described = validated(_Described, {key: identity[key] for key in ("network", "target")}, f"{path}: identity")
        settings = {**identity["training"], "seeds": [identity["seed"]]}
        trained = validated(TrainingSettings, settings, f"{path}: identity.training")
        precision, unit = trained.precision, trained.target_unit
        group, ndim, model_id = str(identity["group"]), int(identity["ndim"]), str(found.text["model_id"])
        module = make_network(described.network, ndim, group, 0, precision)
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise FileError(f"{path}: its description is incomplete or of another version ({error})") from error
    load_weights(module, found.tensors, str(path))
    return Model(module, described, model_id, identity, precision, unit, found.sha256)


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], where: str) -> None:
    """Put tensors into a network.

    Raises    FileError unless names, shapes and types are those of the network
    """
    wanted = {name: (tuple(t.shape), str(t.dtype)) for name, t in module.state_dict().items()}
    found = {name: (tuple(t.shape), str(t.dtype)) for name, t in tensors.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise FileError(
                f"{where}: weights {name}: got {found.get(name, 'none')}, wanted {wanted.get(name, 'none')}; the file "
                "belongs to another network"
            )
    module.load_state_dict(dict(tensors))


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    """A copy of all weights by name."""
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
