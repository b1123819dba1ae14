"""The optimiser, and its state as plain tensors by name."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gaugeflow.config.training import AdamW
from gaugeflow.errors import FileError


def make_optimiser(settings: AdamW, model: nn.Module) -> torch.optim.AdamW:
    """AdamW over all weights, one after the other in every precision and on every device."""
    return torch.optim.AdamW(
        model.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        amsgrad=settings.amsgrad,
        foreach=False,
    )


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """The rate of the next steps."""
    for group in optimiser.param_groups:
        group["lr"] = rate


def moments(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """A copy of its state: "3/exp_avg" is that of the fourth weight. Empty before the first step."""
    state = optimiser.state_dict()["state"]
    return {f"{number}/{name}": value.detach().clone() for number, own in state.items() for name, value in own.items()}


def set_moments(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor], where: str) -> None:
    """Put a state back; `where` is for messages.

    Raises    FileError if it is not that of these weights
    """
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, name = key.partition("/")
        state.setdefault(int(number), {})[name] = tensor
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    for number, own in state.items():
        shapes = {tuple(tensor.shape) for name, tensor in own.items() if name != "step"}
        if number >= len(weights) or shapes != {tuple(weights[number].shape)}:
            raise FileError(f"{where}: the optimiser's state belongs to other weights; delete it to start again")
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
