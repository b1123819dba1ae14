"""The kinds of fields and how they change under gauge transformations; random transformations of a group."""

from collections.abc import Sequence
from enum import Enum

import torch
from torch import Tensor

from gaugeflow.conventions import gauge_group
from gaugeflow.nn.fields import shifted
from gaugeflow.nn.matrices import dagger, product


class Kind(Enum):
    """How a field transforms; modules declare the kinds they take and the one they give.

    ADJOINT    W(x) -> Omega(x) W(x) Omega(x)^dagger
    LINKS      U_mu(x) -> Omega(x) U_mu(x) Omega(x + mu)^dagger
    INVARIANT  unchanged
    """

    ADJOINT = "adjoint"
    LINKS = "links"
    INVARIANT = "invariant"


def gauge_transform(field: Tensor, kind: Kind, omega: Tensor) -> Tensor:
    """The field in another gauge.

    field   U[batch, mu, t, .., x, N, N], W[batch, channel, t, .., x, N, N] or anything invariant
    kind    which of these
    omega   (batch, t, .., x, N, N), unitary

    A transformation keeps traces of closed loops. With omega in SU(N) links of SU(N) stay there.
    """
    if kind is Kind.INVARIANT:
        return field
    left = omega[:, None]
    if kind is Kind.ADJOINT:
        return product(product(left, field), dagger(left))
    ndim = field.shape[1]
    ahead = torch.stack([shifted(omega, [int(nu == mu) for nu in range(ndim)]) for mu in range(ndim)], 1)
    return product(product(left, field), dagger(ahead))


def random_matrices(group: str, shape: Sequence[int], generator: torch.Generator, dtype=torch.complex128) -> Tensor:
    """Haar-distributed matrices of a group, (*shape, N, N), drawn in complex128 on the generator's device.

    group   U1, SU2, U3, ..
    dtype   what the result is rounded to

    Columns of Gaussian numbers are made orthonormal one after the other, which is the QR decomposition with a positive
    diagonal: Haar measure of U(N). For SU(N) the others leave the last column one choice with determinant 1.
    """
    known = gauge_group(group)
    drawn = (*shape, known.n - known.special, known.n)
    gaussian = torch.randn(drawn, dtype=torch.complex128, generator=generator, device=generator.device)
    columns: list[Tensor] = []
    for column in gaussian.unbind(-2):
        for _ in range(2 if columns else 0):  # the second time removes what rounding left
            for other in columns:
                column = column - other * (other.conj() * column).sum(-1, keepdim=True)
        columns.append(column / torch.linalg.vector_norm(column, dim=-1, keepdim=True))
    if known.special:
        columns.append(_last_column(columns))
    return torch.stack(columns, -1).to(dtype)


def _last_column(columns: list[Tensor]) -> Tensor:
    """The column that makes the determinant 1: the conjugates of the others' minors, with their signs."""
    n = len(columns) + 1
    rows = torch.stack(columns, -1)
    minors = [_determinant(rows[..., [k for k in range(n) if k != i], :]) for i in range(n)]
    return torch.stack([(-1) ** (i + n - 1) * minor.conj() for i, minor in enumerate(minors)], -1)


def _determinant(a: Tensor) -> Tensor:
    """det A, written out where that is short."""
    if a.shape[-1] == 1:
        return a[..., 0, 0]
    if a.shape[-1] == 2:
        return a[..., 0, 0] * a[..., 1, 1] - a[..., 0, 1] * a[..., 1, 0]
    return torch.linalg.det(a)


def random_rotations(group: str, links: Tensor, generator: torch.Generator) -> Tensor:
    """A random gauge transformation for a field U or W, (batch, t, .., x, N, N) of its precision and lattice."""
    batch, _, *sites, _, _ = links.shape
    return random_matrices(group, (batch, *sites), generator, links.dtype).to(links.device)


def random_links(group: str, extents: Sequence[int], batch: int, generator: torch.Generator, dtype=torch.complex128):
    """Links of a hot start, U[batch, mu, t, .., x, N, N], for extents (x, .., t)."""
    return random_matrices(group, (batch, len(extents), *reversed(extents)), generator, dtype)
