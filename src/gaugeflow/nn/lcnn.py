"""L-CNN: loops of the links, L-CB layers, traces."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gaugeflow.errors import ConfigError, GeometryError
from gaugeflow.nn.fields import check_links
from gaugeflow.nn.fused_bilinear import LatticeConvBilinear
from gaugeflow.nn.inputs import LoopInputs
from gaugeflow.nn.trace import TraceHead
from gaugeflow.nn.transformation import Kind


@dataclass(frozen=True)
class LayerShape:
    """One L-CB: channels that it gives, and its kernel of straight paths."""

    channels: int
    kernel_size: int = 2
    symmetric: bool = False


class LCNN(nn.Module):
    """Gauge-invariant numbers at every site from links                                        arXiv:2012.12901

        U -> plaquettes and Polyakov loops -> L-CB -> .. -> L-CB -> Re, Im Tr W -> linear layers at every site

    layers       L-CB layers; anything with channels, kernel_size and symmetric
    ndim, n      dimension and matrix size of the links that it will get; the number of weights does not depend on n
    plaquettes   whether plaquettes are inputs
    polyakov     whether Polyakov loops are inputs
    head         widths of hidden linear layers
    activation   function between these, a name of `trace.ACTIVATIONS`
    n_out        numbers per site
    init         scale of the L-CBs' first weights
    generator    where first weights come from

    One network serves every lattice size. Covariant under translations; weights in float32 until `double()` is called.
    """

    takes = (Kind.LINKS,)
    gives = Kind.INVARIANT

    def __init__(
        self,
        layers: Sequence[LayerShape],
        ndim: int,
        n: int,
        *,
        plaquettes: bool = True,
        polyakov: bool = False,
        head: Sequence[int] = (),
        activation: str = "leaky_relu",
        n_out: int = 1,
        init: float = 1.0,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        if not layers:
            raise ConfigError("lcnn: no layers; give at least one with its number of channels")
        self.ndim, self.n = ndim, n
        self.inputs = LoopInputs(ndim, plaquettes, polyakov)
        channels = [self.inputs.channels, *(layer.channels for layer in layers)]
        self.layers = nn.ModuleList(
            LatticeConvBilinear(
                before, layer.channels, ndim, layer.kernel_size, layer.symmetric, init=init, generator=generator
            )
            for before, layer in zip(channels, layers, strict=False)
        )
        self.head = TraceHead(channels[-1], head, n_out, activation, generator=generator)

    @classmethod
    def from_settings(cls, settings, ndim: int, n: int, generator: torch.Generator | None = None) -> "LCNN":
        """The network that settings {layers, inputs: {plaquettes, polyakov}, head} describe."""
        return cls(
            settings.layers,
            ndim,
            n,
            plaquettes=settings.inputs.plaquettes,
            polyakov=settings.inputs.polyakov,
            head=settings.head,
            generator=generator,
        )

    def forward(self, links: Tensor) -> Tensor:
        """U[batch, mu, t, .., x, N, N] -> [batch, n_out, t, .., x]."""
        check_size(links, self.ndim, self.n, "lcnn")
        field = self.inputs(links)
        for layer in self.layers:
            field = layer(field, links)
        return self.head(field)


def check_size(links: Tensor, ndim: int, n: int, where: str) -> Tensor:
    """The links themselves; GeometryError if they have another dimension or matrix size than the network."""
    if check_links(links, where, ndim).shape[-1] != n:
        raise GeometryError(
            f"{where}: got links of N = {links.shape[-1]}, wanted N = {n}; the network is for that group"
        )
    return links
