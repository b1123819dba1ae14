"""The fused L-CB as plain functions in torch: all pairs, and contracted first.

    W'_a(x) = sum_ij alpha_aij A_i(x) B_j(x)                                                   arXiv:2012.12901

A runs over W_c, W_c^dagger, 1; B over the transported W_c, ordered (path, channel) with the untransported path first,
their daggers in the same order, 1. All forms take

    field       W[batch, n_in, t, .., x, N, N] complex
    products    P[batch, product, t, .., x, N, N] of the same type
    shifts      one `paths.Transport` per path other than ()
    alpha       [n_out, 2 n_in + 1, 2 n_in (paths + 1) + 1] real, of the field's precision

and give W'[batch, n_out, t, .., x, N, N].
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from gaugeflow.nn.bilinear import contracted, enlarged
from gaugeflow.nn.paths import Transport, transported

Shifts = Sequence[Transport]


def factors(field: Tensor, products: Tensor, shifts: Shifts) -> tuple[Tensor, Tensor]:
    """A[batch, 2 n_in + 1, ..] and B[batch, 2 n_in (paths + 1) + 1, ..]."""
    moved = [transported(field, products[:, s.product], s.displacement, s.backward) for s in shifts]
    return enlarged(field), enlarged(torch.cat([field, *moved], 1))


def conv_bilinear_pairs(field: Tensor, products: Tensor, shifts: Shifts, alpha: Tensor) -> Tensor:
    """From all pairs A_i B_j, the obvious way: what the other forms are compared with."""
    first, second = factors(field, products, shifts)
    pairs = torch.einsum("bi...mn,bj...nk->bij...mk", first, second)
    return torch.einsum("aij,bij...->ba...", alpha.to(field.dtype), pairs)


def conv_bilinear_torch(field: Tensor, products: Tensor, shifts: Shifts, alpha: Tensor) -> Tensor:
    """Contracted first: the form for GPUs and for second derivatives."""
    return contracted(*factors(field, products, shifts), alpha)
