"""L-CB: L-Conv and L-Bilin in one layer, the one that networks are made of."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gaugeflow.errors import ConfigError
from gaugeflow.nn.conv_bilinear import conv_bilinear_pairs, conv_bilinear_torch
from gaugeflow.nn.fields import check_adjoint, check_links, check_precision
from gaugeflow.nn.fused import conv_bilinear_kernel, runs_on_kernels
from gaugeflow.nn.paths import Path, kernel_paths, transports
from gaugeflow.nn.transformation import Kind

FORMS = {"kernel": conv_bilinear_kernel, "torch": conv_bilinear_torch, "pairs": conv_bilinear_pairs}


class LatticeConvBilinear(nn.Module):
    """W'_a(x) = sum_ij alpha_aij A_i(x) B_j(x)                                                arXiv:2012.12901

    A runs over W_c, W_c^dagger, 1; B over the transported P W_c(x + displacement) P^dagger, ordered (path, channel)
    with () first, their daggers, 1.

    n_in, n_out   channels
    ndim          dimension
    kernel_size   straight paths of 1 .. kernel_size - 1 steps, with `symmetric` also backward
    paths         any other list of paths, () first, instead of the standard kernel
    init          weights are drawn from N(0, init^2 / ((2 n_in + 1) (2 n_in n_T + 1))), n_T the number of paths
    form          how it is computed: kernel (compiled, for the CPU), torch (contracted first), pairs (the oracle) or
                  auto, which is kernel on the CPU and torch elsewhere; may be set later

    Weights alpha[n_out, 2 n_in + 1, 2 n_in n_T + 1] are real. Flops a site: transports 16 N^3 n_in (n_T - 1), mixing
    4 N^2 n_out (2 n_in + 1) (2 n_in n_T + 1), products 8 N^3 n_out (2 n_in + 1). Bytes that must move: W, U and W',
    16 N^2 (n_in + D + n_out) in complex128. Kernels halve the mixing, see `nn.fused`.
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
        form: str = "auto",
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        self.n_in, self.n_out, self.ndim, self.form = n_in, n_out, ndim, form
        self.paths = kernel_paths(ndim, kernel_size, symmetric, paths)
        shape = (n_out, 2 * n_in + 1, 2 * n_in * len(self.paths) + 1)
        scale = init / (shape[1] * shape[2]) ** 0.5
        self.weight = nn.Parameter(scale * torch.randn(shape, generator=generator))

    def forward(self, field: Tensor, links: Tensor) -> Tensor:
        """W[batch, n_in, ..], U[batch, mu, ..] -> W'[batch, n_out, ..]."""
        check_links(links, "L-CB", self.ndim)
        check_adjoint(field, "L-CB", self.n_in, links)
        weight = check_precision(self.weight, field, "L-CB")
        form = self.form
        if form == "auto":
            form = "kernel" if runs_on_kernels(field) else "torch"
        if form not in FORMS:
            raise ConfigError(f"L-CB: form {form!r} is not known; use one of auto, {', '.join(FORMS)}")
        return FORMS[form](field, *transports(links, self.paths), weight)

    def extra_repr(self) -> str:
        """What `print` shows."""
        return f"{self.n_in} -> {self.n_out}, {len(self.paths)} paths in {self.ndim} dimensions, form {self.form}"
