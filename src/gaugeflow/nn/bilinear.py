"""L-Bilin: products of two fields at a site, with the unit matrix and Hermitian conjugates among the factors."""

import torch
from torch import Tensor, nn

from gaugeflow.nn.fields import check_adjoint, check_precision
from gaugeflow.nn.matrices import dagger, mixed, product
from gaugeflow.nn.transformation import Kind


def enlarged(field: Tensor) -> Tensor:
    """Channels W_c, then W_c^dagger, then the unit matrix: n -> 2 n + 1."""
    batch, _, *sites, n, _ = field.shape
    one = torch.eye(n, dtype=field.dtype, device=field.device).expand(batch, 1, *sites, n, n)
    return torch.cat([field, dagger(field), one], 1)


def contracted(first: Tensor, second: Tensor, alpha: Tensor) -> Tensor:
    """W'_a = sum_ij alpha_aij A_i B_j, contracted first.

    first    A[batch, i, t, .., x, N, N]
    second   B[batch, j, t, .., x, N, N]
    alpha    [a, i, j] real

    Y_ai = sum_j alpha_aij B_j is one real matrix product, 4 a i j N^2 flop a site; then W'_a = sum_i A_i Y_ai is one
    product of N x iN and iN x aN matrices a site, 8 a i N^3 flop: far fewer than i j products of pairs. Y is written,
    reordered and read, 64 N^2 a i bytes a site in complex128 beside 16 N^2 (i + j + a) for the fields.
    """
    n_out, n_first, n_second = alpha.shape
    batch, _, *sites, n, _ = first.shape
    y = mixed(alpha.reshape(n_out * n_first, n_second), second.reshape(batch, n_second, -1, n, n))
    left = first.reshape(batch, n_first, -1, n, n).permute(0, 2, 3, 1, 4).flatten(-2)
    right = y.unflatten(1, (n_out, n_first)).permute(0, 3, 2, 4, 1, 5).flatten(-2).flatten(-3, -2)
    out = product(left, right).unflatten(-1, (n_out, n)).permute(0, 3, 1, 2, 4)
    return out.reshape(batch, n_out, *sites, n, n)


class Bilinear(nn.Module):
    """W''_a(x) = sum_ij alpha_aij A_i(x) B_j(x), A and B the two fields enlarged         arXiv:2012.12901

    A runs over W_c, W_c^dagger and 1, B over the same of W'. The unit matrix keeps the factors themselves and a bias,
    conjugates are loops in the other orientation.

    n_first, n_second, n_out   channels
    init                       weights are drawn from N(0, init^2 / ((2 n_first + 1) (2 n_second + 1)))

    Weights alpha[n_out, 2 n_first + 1, 2 n_second + 1] are real; flops as in `contracted`.
    """

    takes = (Kind.ADJOINT, Kind.ADJOINT)
    gives = Kind.ADJOINT

    def __init__(
        self, n_first: int, n_second: int, n_out: int, *, init: float = 1.0, generator: torch.Generator | None = None
    ):
        super().__init__()
        self.n_first, self.n_second, self.n_out = n_first, n_second, n_out
        shape = (n_out, 2 * n_first + 1, 2 * n_second + 1)
        scale = init / (shape[1] * shape[2]) ** 0.5
        self.weight = nn.Parameter(scale * torch.randn(shape, generator=generator))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """W[batch, n_first, ..], W'[batch, n_second, ..] -> W''[batch, n_out, ..]."""
        check_adjoint(first, "L-Bilin", self.n_first)
        check_adjoint(second, "L-Bilin", self.n_second)
        weight = check_precision(self.weight, first, "L-Bilin")
        return contracted(enlarged(first), enlarged(second), weight)

    def extra_repr(self) -> str:
        """What `print` shows."""
        return f"{self.n_first} x {self.n_second} -> {self.n_out}"
