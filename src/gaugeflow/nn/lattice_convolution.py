"""L-Conv: sums of fields that are transported to x along paths."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gaugeflow.nn.fields import check_adjoint, check_links, check_precision
from gaugeflow.nn.matrices import mixed
from gaugeflow.nn.paths import Path, displacement, kernel_paths, transported, transporters
from gaugeflow.nn.transformation import Kind


class LatticeConvolution(nn.Module):
    """W'_i(x) = sum_{j, path} omega_{i j path} P W_j(x + displacement) P^dagger             arXiv:2012.12901

    n_in, n_out   channels
    ndim          dimension
    kernel_size   straight paths of 1 .. kernel_size - 1 steps, with `symmetric` also backward
    paths         any other list of paths, () first, instead of the standard kernel
    init          weights are drawn from N(0, init^2 / (n_in number of paths))

    Weights omega[n_out, n_in, path] are real. Flops a site: paths (16 N^3 n_in + 4 N^2 n_in n_out). Bytes a site that
    must move in complex128: 16 N^2 (n_in + D + n_out); each path, one at a time, moves 16 N^2 (9 n_in + 4 n_out).
    """

    takes = (Kind.ADJOINT, Kind.LINKS)
    gives = Kind.ADJOINT

    def __init__(
        self,
        n_in: int,
        n_out: int,
        ndim: int,
        kernel_size: int = 2,
        symmetric: bool = False,
        paths: Sequence[Path] | None = None,
        *,
        init: float = 1.0,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        self.n_in, self.n_out, self.ndim = n_in, n_out, ndim
        self.paths = kernel_paths(ndim, kernel_size, symmetric, paths)
        shape = (n_out, n_in, len(self.paths))
        scale = init / (n_in * len(self.paths)) ** 0.5
        self.weight = nn.Parameter(scale * torch.randn(shape, generator=generator))

    def forward(self, field: Tensor, links: Tensor) -> Tensor:
        """W[batch, n_in, ..], U[batch, mu, ..] -> W'[batch, n_out, ..]."""
        check_links(links, "L-Conv", self.ndim)
        check_adjoint(field, "L-Conv", self.n_in, links)
        weight = check_precision(self.weight, field, "L-Conv")
        lines = transporters(links, self.paths)
        out = mixed(weight[..., 0], field)
        for k, path in enumerate(self.paths[1:]):
            moved = transported(field, lines[:, k], displacement(path, self.ndim))
            out = out + mixed(weight[..., k + 1], moved)
        return out

    def extra_repr(self) -> str:
        """What `print` shows."""
        return f"{self.n_in} -> {self.n_out}, {len(self.paths)} paths in {self.ndim} dimensions"
