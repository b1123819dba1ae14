"""The fused L-CB as plain functions in torch: all pairs, and contracted first."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gaugeflow.nn.bilinear import contracted, enlarged
from gaugeflow.nn.paths import transported

Shifts = Sequence[tuple[int, ...]]
"""Displacement of every path other than (), one integer per direction mu."""


def factors(field: Tensor, transporters: Tensor, shifts: Shifts) -> tuple[Tensor, Tensor]:
    """A[batch, 2 n_in + 1, ..] and B[batch, 2 n_in n_T + 1, ..]: (path, channel), their daggers, 1."""
    moved = [transported(field, transporters[:, k], shift) for k, shift in enumerate(shifts)]
    return enlarged(field), enlarged(torch.cat([field, *moved], 1))


def conv_bilinear_pairs(field: Tensor, transporters: Tensor, shifts: Shifts, alpha: Tensor) -> Tensor:
    """W'_a = sum_ij alpha_aij A_i B_j from all pairs, the obvious way: what the other forms are compared with."""
    first, second = factors(field, transporters, shifts)
    pairs = torch.einsum("bi...mn,bj...nk->bij...mk", first, second)
    return torch.einsum("aij,bij...->ba...", alpha.to(field.dtype), pairs)


def conv_bilinear_torch(field: Tensor, transporters: Tensor, shifts: Shifts, alpha: Tensor) -> Tensor:
    """The same, contracted first."""
    return contracted(*factors(field, transporters, shifts), alpha)
