"""From settings to a network, and how it is called in every precision."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call

from gaugeflow.config.networks import CnnNetwork, LcnnNetwork
from gaugeflow.conventions import gauge_group
from gaugeflow.nn.cnn import CNN
from gaugeflow.nn.lcnn import LCNN

Predict = Callable[[Tensor], Tensor]

WEIGHTS = {"float32": torch.float32, "float64": torch.float64, "mixed": torch.float64}
"""Precision of weights, and of what the optimiser does."""

FIELDS = {"float32": torch.complex64, "float64": torch.complex128, "mixed": torch.complex64}
"""Precision of the fields inside a network."""


def make_network(
    settings: LcnnNetwork | CnnNetwork, ndim: int, group: str, seed: int, precision: str = "float64"
) -> nn.Module:
    """The network that settings describe, with its first weights.

    seed       of the first weights, which are drawn in float32 in every precision
    precision  a key of WEIGHTS
    """
    generator = torch.Generator().manual_seed(seed)
    made = LCNN if isinstance(settings, LcnnNetwork) else CNN
    return made.from_settings(settings, ndim, gauge_group(group).n, generator).to(WEIGHTS[precision])


def predictor(model: nn.Module, precision: str, unit: float = 1.0) -> Predict:
    """links U[batch, mu, t, .., x, N, N] complex128 -> prediction [batch, t, .., x] float64.

    unit    the prediction is this times the network's number, which then is of order 1 whatever the target

    Mixed precision rounds the weights for each call; their gradients come back in float64.
    """

    def predict(links: Tensor) -> Tensor:
        links = links.to(FIELDS[precision])
        if precision != "mixed":
            return unit * model(links)[:, 0].double()
        rounded = {name: weight.float() for name, weight in model.named_parameters()}
        return unit * functional_call(model, rounded, (links,))[:, 0].double()

    return predict


def losses(prediction: Tensor, target: Tensor, kind: str) -> Tensor:
    """Squared error of every configuration, (batch,): mean over sites ("local"), or of the means ("average")."""
    difference = (prediction - target).flatten(1)
    return (difference**2).mean(1) if kind == "local" else difference.mean(1) ** 2
