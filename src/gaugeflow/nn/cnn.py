"""The baseline: an ordinary convolutional network on components of links, which knows nothing of gauge invariance."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from gaugeflow.errors import ConfigError, GeometryError
from gaugeflow.nn.fields import check_precision
from gaugeflow.nn.lcnn import check_size
from gaugeflow.nn.trace import SiteHead, activation_named
from gaugeflow.nn.transformation import Kind


def components(links: Tensor) -> Tensor:
    """Real and imaginary parts of all matrix elements as channels, [batch, 2 D N^2, t, .., x]."""
    parts = torch.view_as_real(links.resolve_conj()).movedim((-3, -2, -1), (2, 3, 4))
    return parts.flatten(1, 4).contiguous()


class PeriodicConvolution(nn.Module):
    """Convolution on the torus: y_i(x) = b_i + sum_{j, o} w_ij(o) z_j(x + o), o in -(K - 1) // 2 .. K // 2 per axis.

    2 n_in n_out K^D flop a site. In four dimensions it is a sum over offsets along t of three-dimensional ones.
    """

    takes = (Kind.INVARIANT,)
    gives = Kind.INVARIANT

    def __init__(self, n_in: int, n_out: int, ndim: int, kernel_size: int, *, generator: torch.Generator | None = None):
        super().__init__()
        if ndim not in (2, 3, 4):
            raise ConfigError(f"convolution in {ndim} dimensions; use 2, 3 or 4")
        self.ndim, self.kernel_size = ndim, kernel_size
        shape = (n_out, n_in, *(kernel_size,) * ndim)
        bound = (3 / (n_in * kernel_size**ndim)) ** 0.5  # variance 1 / (terms of the sum)
        self.weight = nn.Parameter(bound * (2 * torch.rand(shape, generator=generator) - 1))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, values: Tensor) -> Tensor:
        """[batch, n_in, t, .., x] -> [batch, n_out, t, .., x]."""
        weight = check_precision(self.weight, values, "convolution")
        before, after = (self.kernel_size - 1) // 2, self.kernel_size // 2
        if min(values.shape[2:]) < self.kernel_size:
            raise GeometryError(
                f"convolution: got extents {tuple(values.shape[2:])}, wanted at least the kernel, {self.kernel_size}"
            )
        if self.ndim == 4:
            return self._over_time_slices(values, weight, before, after)
        padded = functional.pad(values, (before, after) * self.ndim, mode="circular")
        convolve = functional.conv2d if self.ndim == 2 else functional.conv3d
        return convolve(padded, weight, self.bias)

    def _over_time_slices(self, values: Tensor, weight: Tensor, before: int, after: int) -> Tensor:
        batch, channels, times, *space = values.shape
        slices = values.transpose(1, 2).reshape(batch * times, channels, *space)
        padded = functional.pad(slices, (before, after) * 3, mode="circular")
        out = values.new_zeros(())
        for k in range(self.kernel_size):
            here = functional.conv3d(padded, weight[:, :, k]).reshape(batch, times, -1, *space)
            out = out + torch.roll(here, before - k, 1)
        return out.transpose(1, 2) + self.bias[:, None, None, None, None]


class CNN(nn.Module):
    """Numbers at every site, or their average, from components of links.

    layers       anything with channels and kernel_size
    ndim, n      dimension and matrix size of the links
    activation   function after every convolution and hidden layer, a name of `trace.ACTIVATIONS`
    head         widths of hidden linear layers at every site
    n_out        numbers
    average      whether to give their mean over sites, [batch, n_out], instead of [batch, n_out, t, .., x]
    generator    where first weights come from

    It declares to give invariants, which is what it should learn: the laws show that it does not.
    """

    takes = (Kind.LINKS,)
    gives = Kind.INVARIANT

    def __init__(
        self,
        layers: Sequence,
        ndim: int,
        n: int,
        *,
        activation: str = "leaky_relu",
        head: Sequence[int] = (),
        n_out: int = 1,
        average: bool = False,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        self.ndim, self.n, self.average = ndim, n, average
        self.activation = activation_named(activation)
        channels = [2 * ndim * n * n, *(layer.channels for layer in layers)]
        self.layers = nn.ModuleList(
            PeriodicConvolution(before, layer.channels, ndim, layer.kernel_size, generator=generator)
            for before, layer in zip(channels, layers, strict=False)
        )
        self.head = SiteHead(channels[-1], head, n_out, activation, generator=generator)

    @classmethod
    def from_settings(cls, settings, ndim: int, n: int, generator: torch.Generator | None = None) -> "CNN":
        """The network that settings {layers, activation, head} describe."""
        return cls(settings.layers, ndim, n, activation=settings.activation, head=settings.head, generator=generator)

    def forward(self, links: Tensor) -> Tensor:
        """U[batch, mu, t, .., x, N, N] -> [batch, n_out, t, .., x], or [batch, n_out] of averages."""
        values = components(check_size(links, self.ndim, self.n, "cnn"))
        for layer in self.layers:
            values = self.activation(layer(values))
        out = self.head(values)
        return out.flatten(2).mean(-1) if self.average else out
