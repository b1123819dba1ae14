"""Adjoint fields made of links: plaquettes and Polyakov loops, the inputs of networks."""

import torch
from torch import Tensor, nn

from gaugeflow.conventions import planes
from gaugeflow.errors import ConfigError
from gaugeflow.nn.fields import check_links, shifted
from gaugeflow.nn.matrices import dagger, product
from gaugeflow.nn.transformation import Kind


def plaquettes(links: Tensor) -> Tensor:
    """Plaquettes at x in positive orientation, W[batch, plane, t, .., x, N, N] in the order of `conventions.planes`.

        P_mu_nu(x) = U_mu(x) U_nu(x + mu) [U_nu(x) U_mu(x + nu)]^dagger,  mu < nu           arXiv:2012.12901

    24 N^3 flop a site and plane. In complex128 16 N^2 (D + planes) bytes a site must move; two shifts, three products
    and the stack move 240 N^2 a plane. The daggers come in later as channels of the bilinear layers.
    """
    ndim = check_links(links, "plaquettes").shape[1]
    unit = torch.eye(ndim, dtype=torch.int64).tolist()
    found = []
    for mu, nu in planes(ndim):
        first = product(links[:, mu], shifted(links[:, nu], unit[mu]))
        second = product(links[:, nu], shifted(links[:, mu], unit[nu]))
        found.append(product(first, dagger(second)))
    return torch.stack(found, 1)


def polyakov_loops(links: Tensor) -> Tensor:
    """Products of all links around the torus from x on, W[batch, mu, t, .., x, N, N], one channel per direction.

    Lines are doubled: log2 L shifts and products a direction, up to twice as many for an L that is no power of two. One
    of both takes 8 N^3 flop and in complex128 moves 80 N^2 bytes a site.
    """
    ndim = check_links(links, "polyakov_loops").shape[1]
    return torch.stack([_closed_line(links[:, mu], mu, ndim) for mu in range(ndim)], 1)


def _closed_line(link: Tensor, mu: int, ndim: int) -> Tensor:
    """The product of all links of a direction from x on."""

    def ahead(line: Tensor, distance: int) -> Tensor:
        return shifted(line, [distance * int(nu == mu) for nu in range(ndim)])

    length = link.shape[-3 - mu]
    line, known = link, 1
    for bit in bin(length)[3:]:
        line, known = product(line, ahead(line, known)), 2 * known
        if bit == "1":
            line, known = product(line, ahead(link, known)), known + 1
    return line


class LoopInputs(nn.Module):
    """Links -> plaquettes, then Polyakov loops, as channels."""

    takes = (Kind.LINKS,)
    gives = Kind.ADJOINT

    def __init__(self, ndim: int, plaquettes: bool = True, polyakov: bool = False):
        super().__init__()
        if not (plaquettes or polyakov):
            raise ConfigError("inputs: plaquettes and polyakov are both off; a network needs one of them")
        self.ndim, self.plaquettes, self.polyakov = ndim, plaquettes, polyakov
        self.channels = plaquettes * len(planes(ndim)) + polyakov * ndim

    def forward(self, links: Tensor) -> Tensor:
        """W[batch, channel, t, .., x, N, N]."""
        check_links(links, "inputs", self.ndim)
        found = [plaquettes(links)] if self.plaquettes else []
        found += [polyakov_loops(links)] if self.polyakov else []
        return found[0] if len(found) == 1 else torch.cat(found, 1)
