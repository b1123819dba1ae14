"""AdamW of torch as a function of plain tensors: the optimiser's class loads a compiler for two seconds."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from gaugeflow.config.training import AdamW
from gaugeflow.errors import FileError

BETAS = (0.9, 0.999)
EPSILON = 1e-8
MOMENTS = ("first", "second", "largest")
STEPS = "steps"


class Optimiser:
    """Adam with decoupled weight decay, arXiv:1711.05101; amsgrad, arXiv:1904.09237.

        m <- b1 m + (1 - b1) g        v <- b2 v + (1 - b2) g^2        v' <- max(v', v) with amsgrad, else v
        w <- (1 - rate decay) w - rate [m / (1 - b1^n)] / [sqrt(v' / (1 - b2^n)) + epsilon]

    settings    weight decay and amsgrad
    model       whose weights are changed in place; moments have their precision
    """

    def __init__(self, settings: AdamW, model: nn.Module) -> None:
        self._settings = settings
        self._weights = list(model.parameters())
        names = MOMENTS if settings.amsgrad else MOMENTS[:2]
        self._moments = {name: [torch.zeros_like(w) for w in self._weights] for name in names}
        self._steps = 0

    @torch.no_grad()
    def step(self, gradient: Tensor, rate: float) -> None:
        """One step.

        gradient   (number of weights,) float64, in the order of the model's parameters
        rate       learning rate
        """
        self._steps += 1
        parts = gradient.split([weight.numel() for weight in self._weights])
        gradients = [g.reshape(w.shape).to(w.dtype) for g, w in zip(parts, self._weights, strict=True)]
        before = torch.tensor(float(self._steps - 1))
        adamw(
            self._weights, gradients, self._moments["first"], self._moments["second"],
            self._moments.get("largest", []), [before.clone() for _ in self._weights], foreach=False,
            amsgrad=self._settings.amsgrad, beta1=BETAS[0], beta2=BETAS[1], lr=rate,
            weight_decay=self._settings.weight_decay, eps=EPSILON, maximize=False,
        )  # fmt: skip

    def state(self) -> dict[str, Tensor]:
        """A copy of its state by name: "first/3" is of the fourth weight."""
        found = {f"{name}/{k}": t.clone() for name, own in self._moments.items() for k, t in enumerate(own)}
        return {**found, STEPS: torch.tensor(float(self._steps), dtype=torch.float64)}

    def load(self, state: Mapping[str, Tensor], where: str) -> None:
        """Put a state back; `where` is for messages.

        Raises    FileError if it is not that of these weights
        """
        own = self.state()
        wanted = {name: (tensor.shape, tensor.dtype) for name, tensor in own.items()}
        if {name: (tensor.shape, tensor.dtype) for name, tensor in state.items()} != wanted:
            raise FileError(f"{where}: the optimiser's state belongs to other weights; delete it to start again")
        self._steps = int(state[STEPS])
        for name, tensors in self._moments.items():
            for k, tensor in enumerate(tensors):
                tensor.copy_(state[f"{name}/{k}"])
