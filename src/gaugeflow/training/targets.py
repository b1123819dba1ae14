"""What networks learn to predict: local numbers computed from the links themselves."""

from collections.abc import Callable

import torch
from torch import Tensor

from gaugeflow.config.networks import ChargeDensityTarget, WilsonLoopTarget
from gaugeflow.conventions import planes
from gaugeflow.errors import GeometryError
from gaugeflow.nn.fields import check_links, shifted
from gaugeflow.nn.inputs import plaquettes
from gaugeflow.nn.matrices import dagger, product, trace

Target = Callable[[Tensor], Tensor]


def target_of(settings: WilsonLoopTarget | ChargeDensityTarget) -> Target:
    """The function U[batch, mu, t, .., x, N, N] -> [batch, t, .., x] float64 that settings name."""
    if isinstance(settings, ChargeDensityTarget):
        return charge_density
    return lambda links: wilson_loop(links, settings.r, settings.t)


def straight_line(links: Tensor, mu: int, length: int) -> Tensor:
    """U_mu(x) U_mu(x + mu) .. of `length` links, [batch, t, .., x, N, N]; lines are doubled, log2 products."""
    line, known = links[:, mu], 1
    for bit in bin(length)[3:]:
        line, known = product(line, _ahead(line, mu, known)), 2 * known
        if bit == "1":
            line, known = product(line, _ahead(links[:, mu], mu, known)), known + 1
    return line


def wilson_loop(links: Tensor, r: int, t: int) -> Tensor:
    """1/N Re tr of the r x t loop that begins at x, mean over the planes of a space direction and t.

        W(x) = L_r(x) L_t(x + r) [L_t(x) L_r(x + t)]^dagger,  L straight lines       cf. observables.loops, `loops`

    links     U[batch, mu, t, .., x, N, N], complex128

    Returns   [batch, t, .., x] float64; its mean over sites is `loops[r - 1, t - 1]` of the measurements
    Raises    GeometryError if the loop winds around the lattice
    """
    ndim, n = check_links(links, "wilson loop").shape[1], links.shape[-1]
    if max(r, t) > min(links.shape[2:-2]):
        raise GeometryError(
            f"wilson loop: got {r} x {t} on extents {tuple(reversed(links.shape[2:-2]))}, wanted loops that do not "
            "wind around the lattice; choose a smaller loop or a larger lattice"
        )
    time = ndim - 1
    up = straight_line(links, time, t)
    total = None
    for mu in range(time):
        side = straight_line(links, mu, r)
        first = product(side, _ahead(up, mu, r))
        second = product(up, _ahead(side, time, t))
        value = trace(product(first, dagger(second))).real
        total = value if total is None else total + value
    assert total is not None
    return total / (n * time)


def charge_density(links: Tensor) -> Tensor:
    """Topological charge density from one plaquette, F = (P - P^dagger) / 2 with its trace (zero for SU(2)).

        q_P(x) = -(1/4 pi^2) tr [F_xy F_zt - F_xz F_yt + F_xt F_yz]                cf. observables.field_strength

    links     U[batch, mu, t, z, y, x, N, N], complex128

    Returns   [batch, t, z, y, x] float64; its sum over sites is `charge_plaquette` of a flow with_trace at t = 0
    Raises    GeometryError outside of four dimensions
    """
    if check_links(links, "charge density").shape[1] != 4:
        raise GeometryError(
            f"charge density: got links in {links.shape[1]} dimensions, wanted 4; choose another target"
        )
    loops = plaquettes(links)
    strength = dict(zip(planes(4), ((loops - dagger(loops)) / 2).unbind(1), strict=True))

    def term(first: tuple[int, int], second: tuple[int, int]) -> Tensor:
        return (strength[first] * strength[second].mT).sum((-2, -1)).real

    total = term((0, 1), (2, 3)) - term((0, 2), (1, 3)) + term((0, 3), (1, 2))
    return -total / (4 * torch.pi**2)


def _ahead(field: Tensor, mu: int, distance: int) -> Tensor:
    """field(x + distance mu) of [batch, t, .., x, N, N]."""
    ndim = field.ndim - 3
    return shifted(field[:, None], [distance * int(nu == mu) for nu in range(ndim)])[:, 0]
