"""How network fields lie in memory, shifts of them, and the checks at the doors of layers."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gaugeflow.errors import GeometryError

MATRIX_AXES = 2
"""Axes of the colour matrix, which come last in links and adjoint fields."""


def number_of_dimensions(field: Tensor) -> int:
    """D of links U[batch, mu, t, .., x, N, N] or an adjoint field W[batch, channel, t, .., x, N, N]."""
    return field.ndim - 2 - MATRIX_AXES


def extents(field: Tensor) -> tuple[int, ...]:
    """Lattice extents (x, .., t) of links or of an adjoint field, in the order of the directions mu."""
    return tuple(reversed(field.shape[2:-MATRIX_AXES]))


def from_file_order(links: Tensor) -> Tensor:
    """Links as on file, [chain, t, .., x, mu, N, N], in the order of networks, U[batch, mu, t, .., x, N, N]."""
    return links.movedim(-3, 1).contiguous()


def shifted(field: Tensor, steps: Sequence[int], trailing: int = MATRIX_AXES) -> Tensor:
    """field(x + sum_mu steps[mu] mu) at x, on the torus.

    field      (.., t, .., x, then `trailing` axes)
    steps      one integer per direction mu
    trailing   2 for links and adjoint fields, 0 for invariants
    """
    moved = [mu for mu, step in enumerate(steps) if step]
    if not moved:
        return field
    return torch.roll(field, [-steps[mu] for mu in moved], [-1 - trailing - mu for mu in moved])


def check_links(links: Tensor, where: str, ndim: int | None = None) -> Tensor:
    """The links themselves; GeometryError if their shape or number type is not U[batch, mu, t, .., x, N, N] complex."""
    found = number_of_dimensions(links)
    wanted = found if ndim is None else ndim
    good = links.is_complex() and found >= 1 and found == wanted and links.shape[1] == wanted
    if not good or links.shape[-1] != links.shape[-2]:
        raise GeometryError(
            f"{where}: got links of shape {tuple(links.shape)} and type {links.dtype}, wanted complex "
            f"[batch, {wanted} directions, {wanted} lattice axes t .. x, N, N]; take links as "
            "gaugeflow stores them and move the direction to axis 1"
        )
    return links


def check_adjoint(field: Tensor, where: str, channels: int | None = None, links: Tensor | None = None) -> Tensor:
    """The field itself; GeometryError unless W[batch, channel, t, .., x, N, N] complex, on the lattice of the links."""
    good = field.is_complex() and field.ndim >= 5 and field.shape[-1] == field.shape[-2]
    good = good and (channels is None or field.shape[1] == channels)
    if good and links is not None:
        good = field.dtype == links.dtype and field.shape[:1] + field.shape[2:] == links.shape[:1] + links.shape[2:]
    if not good:
        beside = "" if links is None else f" beside links of shape {tuple(links.shape)} and type {links.dtype}"
        raise GeometryError(
            f"{where}: got a field of shape {tuple(field.shape)} and type {field.dtype}{beside}, wanted complex "
            f"[batch, {'channels' if channels is None else f'{channels} channels'}, t .. x, N, N]; "
            "give the layer the channels it was made for, and fields of one lattice and precision"
        )
    return field


def check_precision(weight: Tensor, field: Tensor, where: str) -> Tensor:
    """The weights themselves; GeometryError unless they have the precision of the field's real parts."""
    if weight.dtype != field.real.dtype:
        raise GeometryError(
            f"{where}: got weights in {weight.dtype} and fields in {field.dtype}, wanted one precision; "
            "call module.double() for complex128 or module.float() for complex64"
        )
    return weight
