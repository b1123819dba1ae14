"""Networks of a study: what they are, what they shall predict, on which ensembles they are trained and tested."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from gaugeflow.config.fields import FrozenModel, Name, PositiveInt
from gaugeflow.config.training import TrainingSettings

KernelSize = Annotated[int, Field(ge=1, le=64, description="steps 0 .. K - 1 along every axis; symmetric: both ways")]
Channels = Annotated[int, Field(ge=1, le=4096, description="adjoint fields (lcnn) or real numbers (cnn) per site")]
Head = Annotated[
    tuple[Annotated[int, Field(ge=1, le=4096)], ...],
    Field(max_length=16, description="widths of hidden linear layers at every site, behind the last layer"),
]


class LcnnLayer(FrozenModel):
    """One gauge-equivariant layer: convolution with parallel transport, then products of channels."""

    channels: Channels
    kernel_size: KernelSize = 2
    symmetric: Annotated[bool, Field(description="transport from both sides of x, not from x + mu only")] = False


class LcnnInputs(FrozenModel):
    """Closed loops that the first layer gets."""

    plaquettes: Annotated[bool, Field(description="1 x 1 loops of every plane")] = True
    polyakov: Annotated[bool, Field(description="loops around the torus in every direction")] = False

    @model_validator(mode="after")
    def _not_empty(self) -> "LcnnInputs":
        if not (self.plaquettes or self.polyakov):
            raise ValueError("plaquettes or polyakov to be true: a network without inputs predicts nothing")
        return self


class LcnnNetwork(FrozenModel):
    """Lattice gauge equivariant convolutional network; local gauge-invariant numbers.  arXiv:2012.12901"""

    kind: Literal["lcnn"]
    layers: Annotated[tuple[LcnnLayer, ...], Field(min_length=1, max_length=64)]
    inputs: LcnnInputs = LcnnInputs()
    head: Head = ()


class CnnLayer(FrozenModel):
    """One convolution on the torus and the activation behind it."""

    channels: Channels
    kernel_size: KernelSize = 3


class CnnNetwork(FrozenModel):
    """The baseline: an ordinary convolutional network on components of links."""

    kind: Literal["cnn"]
    layers: Annotated[tuple[CnnLayer, ...], Field(min_length=1, max_length=64)]
    activation: Literal["relu", "leaky_relu", "tanh", "gelu"] = "leaky_relu"
    head: Head = ()


Network = Annotated[LcnnNetwork | CnnNetwork, Field(discriminator="kind")]


class WilsonLoopTarget(FrozenModel):
    """1/N Re tr of the r x t loop that begins at x: r along space, t along time, mean over the planes with t."""

    kind: Literal["wilson_loop"]
    r: Annotated[PositiveInt, Field(description="spatial extent in lattice units")]
    t: Annotated[PositiveInt, Field(description="temporal extent in lattice units")]

    @property
    def name(self) -> str:
        """As it stands in names of models."""
        return f"w{self.r}x{self.t}"


class ChargeDensityTarget(FrozenModel):
    """q_P(x) = -(1/4 pi^2) tr [F_xy F_zt - F_xz F_yt + F_xt F_yz], F from one plaquette; four dimensions."""

    kind: Literal["charge_density"]

    @property
    def name(self) -> str:
        """As it stands in names of models."""
        return "qp"


Target = Annotated[WilsonLoopTarget | ChargeDensityTarget, Field(discriminator="kind")]

LABEL_GLOB = r"^[A-Za-z0-9._*?\[\]!-]+$"

Labels = tuple[Annotated[str, Field(pattern=LABEL_GLOB, max_length=100)], ...]
Tests = Annotated[Labels, Field(description="labels of ensembles that are predicted once it is trained, or globs")]


class NetworkEntry(FrozenModel):
    """One entry of `networks`: a network that is trained once per seed."""

    label: Annotated[Name, Field(description="name in tables")]
    network: Network
    target: Target
    train_on: Annotated[Labels, Field(min_length=1, description="labels of ensembles, or globs like 'b*_8x8'")]
    test_on: Tests = ()
    training: TrainingSettings
    ranks: Annotated[PositiveInt, Field(description="MPI ranks; not part of the identity")] = 1


class ModelFile(FrozenModel):
    """Weights trained elsewhere; the hash says which file, wherever it lies."""

    file: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9._/-]+$", description="model.safetensors, relative to the working folder")
    ]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="of its bytes, as gaugeflow train prints it")]


class ModelEntry(FrozenModel):
    """An entry of `networks` that takes a trained model as it is; it is told from a training by `model`."""

    label: Annotated[Name, Field(description="name in tables")]
    model: ModelFile
    test_on: Annotated[Tests, Field(min_length=1)]
    ranks: Annotated[PositiveInt, Field(description="MPI ranks; not part of the identity")] = 1


def _entry_kind(value: Any) -> str:
    named = isinstance(value, ModelEntry) or (isinstance(value, dict) and "model" in value)
    return "<model>" if named else "<training>"


AnyNetworkEntry = Annotated[
    Annotated[NetworkEntry, Tag("<training>")] | Annotated[ModelEntry, Tag("<model>")], Discriminator(_entry_kind)
]
"""A network to train, or a trained model: the key `model` tells which."""


def _different_labels(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    labels = [entry.label for entry in entries]
    twice = [label for label in labels if labels.count(label) > 1]
    if twice:
        raise ValueError(f"networks with different labels, {twice[0]!r} occurs twice")
    return entries


Networks = Annotated[
    tuple[AnyNetworkEntry, ...],
    AfterValidator(_different_labels),
    Field(description="networks to train and test, and trained ones to test"),
]
