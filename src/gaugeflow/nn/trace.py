"""Traces of adjoint fields and the head that reads them: from matrices to real numbers at every site."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from gaugeflow.errors import ConfigError
from gaugeflow.nn.fields import check_adjoint, check_precision
from gaugeflow.nn.matrices import trace
from gaugeflow.nn.transformation import Kind

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "leaky_relu": functional.leaky_relu,
    "tanh": torch.tanh,
    "gelu": functional.gelu,
    "identity": torch.positive,
}
"""Functions between layers that act on real numbers; a pair of leaky_relu is the identity, so that nothing is lost."""


def activation_named(name: str) -> Callable[[Tensor], Tensor]:
    """The function of that name; ConfigError if there is none."""
    if name not in ACTIVATIONS:
        raise ConfigError(f"activation {name!r} is not known; use one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def traces(field: Tensor) -> Tensor:
    """Re Tr W_c, then Im Tr W_c: [batch, 2 channels, t, .., x] real, without factor 1 / N."""
    found = trace(field)
    return torch.cat([found.real, found.imag], 1)


class SiteHead(nn.Module):
    """Linear layers at every site, with an activation between them: [batch, n_in, ..] -> [batch, n_out, ..] real.

    n_in         channels of what comes in
    widths       channels of hidden layers; none for one linear map
    n_out        channels of what goes out
    activation   function between layers, a name of `ACTIVATIONS`

    2 flop a weight and site; 8 bytes a channel and site of every layer in float64.
    """

    takes = (Kind.INVARIANT,)
    gives = Kind.INVARIANT

    def __init__(
        self,
        n_in: int,
        widths: Sequence[int] = (),
        n_out: int = 1,
        activation: str = "leaky_relu",
        *,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        sizes = (n_in, *widths, n_out)
        self.activation = activation_named(activation)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for before, after in pairwise(sizes):
            bound = before**-0.5
            self.weights.append(nn.Parameter(bound * (2 * torch.rand((after, before), generator=generator) - 1)))
            self.biases.append(nn.Parameter(torch.zeros(after)))

    def forward(self, values: Tensor) -> Tensor:
        """[batch, n_in, t, .., x] -> [batch, n_out, t, .., x]."""
        batch, channels, *sites = values.shape
        out = values.reshape(batch, channels, -1)
        for k, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            inner = self.activation(out) if k else out
            out = check_precision(weight, inner, "head") @ inner + bias[:, None]
        return out.reshape(batch, -1, *sites)


class TraceHead(nn.Module):
    """W[batch, n_in, ..] -> Re and Im of Tr W -> linear layers: local invariants [batch, n_out, t, .., x].

    Arguments as for `SiteHead`; n_in counts channels of W. The traces read 16 N bytes a channel and site in complex128.
    """

    takes = (Kind.ADJOINT,)
    gives = Kind.INVARIANT

    def __init__(
        self,
        n_in: int,
        widths: Sequence[int] = (),
        n_out: int = 1,
        activation: str = "leaky_relu",
        *,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        self.n_in = n_in
        self.head = SiteHead(2 * n_in, widths, n_out, activation, generator=generator)

    def forward(self, field: Tensor) -> Tensor:
        """W[batch, n_in, t, .., x, N, N] -> [batch, n_out, t, .., x]."""
        return self.head(traces(check_adjoint(field, "trace head", self.n_in)))
