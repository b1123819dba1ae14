"""Gradients that do not depend on the number of ranks: one per micro-batch, summed in their order in float64.

Rank r computes the micro-batches r, r + R, r + 2R, ..; after each of these rounds all ranks gather what all have and add
it in the order of micro-batches, so every rank has the same bits, and so would one rank alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gaugeflow.training.world import World


def summed(parts: Sequence[Any], compute: Callable[[Any], Tensor], length: int, world: World) -> Tensor:
    """sum_k compute(parts[k]), k rising, on every rank.

    parts      of all ranks, the same list everywhere
    compute    part -> vector float64, called for this rank's parts only
    length     of the vectors
    """
    total = torch.zeros(length, dtype=torch.float64, device=world.device)
    for first in range(0, len(parts), world.size):
        own = first + world.rank
        vector = compute(parts[own]) if own < len(parts) else torch.zeros_like(total)
        for gathered in world.gather(vector)[: len(parts) - first]:
            total = total + gathered
    return total


def own_parts(parts: Sequence[Any], world: World) -> list[Any]:
    """The parts that `summed` computes on this rank."""
    return list(parts[world.rank :: world.size])


def loss_and_gradient(model: nn.Module, parts: Sequence[Any], loss: Callable[[Any], Tensor], world: World) -> Tensor:
    """(1 + weights,) float64: the sum of the losses of all parts, then its gradient; the same on every rank.

    loss      part -> its share of the loss, a scalar
    """
    weights = list(model.parameters())
    length = 1 + sum(weight.numel() for weight in weights)

    def compute(part: Any) -> Tensor:
        model.zero_grad(set_to_none=True)
        value = loss(part)
        value.backward()
        found = [torch.zeros_like(w) if w.grad is None else w.grad for w in weights]
        return torch.cat([value.detach().reshape(1).double(), *(grad.reshape(-1).double() for grad in found)])

    return summed(parts, compute, length, world)


def set_gradients(model: nn.Module, gradient: Tensor) -> None:
    """Give every weight its part of a gradient, (weights,) float64."""
    first = 0
    for weight in model.parameters():
        part = gradient[first : first + weight.numel()]
        weight.grad = part.reshape(weight.shape).to(weight.dtype)
        first += weight.numel()
