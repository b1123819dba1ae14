"""L-Act: fields scaled by a function of their invariants."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gaugeflow.nn.fields import check_adjoint
from gaugeflow.nn.matrices import trace
from gaugeflow.nn.transformation import Kind


def real_trace(field: Tensor) -> Tensor:
    """Re Tr W, [batch, channel, t, .., x]."""
    return trace(field).real


class LatticeActivation(nn.Module):
    """W'_c(x) = g(z_c(x)) W_c(x), z an invariant of W                                         arXiv:2012.12901

    function    g, real to real; ReLU of Re Tr W as standard
    invariant   W[batch, channel, ..] -> z[batch, channel or 1, t, .., x] real, unchanged by gauge transformations

    No weights; 2 N^2 flop a site and channel, 32 N^2 bytes in complex128.
    """

    takes = (Kind.ADJOINT,)
    gives = Kind.ADJOINT

    def __init__(
        self,
        function: Callable[[Tensor], Tensor] = torch.relu,
        invariant: Callable[[Tensor], Tensor] = real_trace,
    ):
        super().__init__()
        self.function, self.invariant = function, invariant

    def forward(self, field: Tensor) -> Tensor:
        """W[batch, channel, t, .., x, N, N] -> the same shape."""
        check_adjoint(field, "L-Act")
        scale = self.function(self.invariant(field))[..., None, None, None]
        return torch.view_as_complex(scale * torch.view_as_real(field.resolve_conj()))
