"""Gradients that do not depend on the number of ranks: one per micro-batch, summed in their order in float64.

Rank r computes micro-batches r, r + R, r + 2R, ..; after each of these rounds all ranks gather what all have and add
it in the order of micro-batches, so every rank has the same bits, and so would one rank alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gaugeflow.errors import GaugeflowError
from gaugeflow.training.world import World


def summed(parts: Sequence[Any], compute: Callable[[Any], Tensor], length: int, world: World) -> Tensor:
    """sum_k compute(parts[k]), k rising, on every rank.

    parts      of all ranks, the same list everywhere
    compute    part -> vector float64, called for this rank's parts only
    length     of the vectors

    Raises     on all ranks what `compute` raised on one, if it is an expected error (a file that cannot be read)
    """
    total = torch.zeros(length, dtype=torch.float64, device=world.device)
    problem: GaugeflowError | None = None
    for first in range(0, len(parts), world.size):
        own, vector = first + world.rank, torch.zeros_like(total)
        if own < len(parts) and problem is None:
            try:
                vector = compute(parts[own])
            except GaugeflowError as error:
                problem = error
        for gathered in world.gather(vector)[: len(parts) - first]:
            total = total + gathered
    world.agree(problem)
    return total


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
