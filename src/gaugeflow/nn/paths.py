"""Transport paths and the products of links along them.

A path is a tuple of signed steps, each +-(mu + 1): (1, 1) is two steps in +x, (-2,) one step back in y, () the site
itself. With P the ordered product of the links from x, P^dagger that back,

    T_path W(x) = P W(x + displacement) P^dagger
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gaugeflow.errors import ConfigError
from gaugeflow.nn.fields import shifted
from gaugeflow.nn.matrices import dagger, product

Path = tuple[int, ...]


class Transport(NamedTuple):
    """How one path carries W, given a list of products of links P.

        backward False    T W(x) = P(x) W(x + d) P(x)^dagger
        backward True     T W(x) = P(x + d)^dagger W(x + d) P(x + d)

    displacement   d, one integer per direction mu
    product        which P
    backward       whether P leads from x + d to x: straight paths back need no products of their own
    """

    displacement: tuple[int, ...]
    product: int
    backward: bool = False


def straight_paths(ndim: int, kernel_size: int, symmetric: bool = False) -> tuple[Path, ...]:
    """The standard kernel: (), then for every direction 1 .. kernel_size - 1 steps forward, each followed by that back.

    symmetric   also backward: -(kernel_size - 1) .. kernel_size - 1, otherwise 0 .. kernel_size - 1
    """
    if kernel_size < 1:
        raise ConfigError(f"kernel_size = {kernel_size}, wanted at least 1, which transports nothing")
    signs = (1, -1) if symmetric else (1,)
    steps = ((sign * (mu + 1),) * k for mu in range(ndim) for k in range(1, kernel_size) for sign in signs)
    return ((), *steps)


def check_paths(paths: Sequence[Sequence[int]], ndim: int) -> tuple[Path, ...]:
    """The paths as tuples, () first; ConfigError for steps outside of D dimensions, for repeated paths and none."""
    checked = tuple(tuple(path) for path in paths)
    wrong = [path for path in checked if any(not 1 <= abs(step) <= ndim for step in path)]
    if wrong:
        raise ConfigError(f"paths {wrong}: wanted steps +-1 .. +-{ndim}, which are +-(mu + 1) in {ndim} dimensions")
    if not checked or checked[0] != () or len(set(checked)) != len(checked):
        raise ConfigError(f"paths {list(checked)}: wanted different paths of which the first is (), the site itself")
    return checked


def kernel_paths(
    ndim: int, kernel_size: int, symmetric: bool, paths: Sequence[Sequence[int]] | None
) -> tuple[Path, ...]:
    """The paths of a layer: those given, or straight ones of a kernel size."""
    return straight_paths(ndim, kernel_size, symmetric) if paths is None else check_paths(paths, ndim)


def displacement(path: Path, ndim: int) -> tuple[int, ...]:
    """Where the path ends: the number of steps in each direction mu = 0 .. D - 1."""
    steps = [0] * ndim
    for step in path:
        steps[abs(step) - 1] += 1 if step > 0 else -1
    return tuple(steps)


def transporters(links: Tensor, paths: Sequence[Path]) -> Tensor:
    """Products of links along the paths other than (), P[batch, path, t, .., x, N, N] in their order.

    A path's product extends that of its beginning, so straight lines cost one product per further step: 8 N^3 flop a
    site and product. Forward steps alone are the links themselves, without a copy where paths are (1,), (2,), .. (D,).
    """
    ndim = links.shape[1]
    wanted = [path for path in paths if path]
    if wanted == [(mu + 1,) for mu in range(ndim)]:
        return links
    known: dict[Path, Tensor] = {}
    for path in wanted:
        _extend(known, links, path)
    return torch.stack([known[path] for path in wanted], 1) if wanted else links[:, :0]


def transports(links: Tensor, paths: Sequence[Path]) -> tuple[Tensor, tuple[Transport, ...]]:
    """(P[batch, product, t, .., x, N, N], how the paths other than () use it), in the order of the paths.

    Two paths that run the same links in opposite senses along one line share a product; where only single forward or
    backward steps are asked for in all directions, P is the links without a copy.
    """
    products, entries = _shared_products(links.shape[1], tuple(paths))
    return transporters(links, products), entries


@functools.lru_cache(maxsize=64)
def _shared_products(ndim, paths):
    """(paths whose products are needed, one `Transport` per path other than ())."""
    wanted = [path for path in paths if path]
    forward = [path if path[0] > 0 or len(set(path)) > 1 else tuple(-step for step in path) for path in wanted]
    products = list(dict.fromkeys(forward))
    steps = [(mu + 1,) for mu in range(ndim)]
    if set(products) <= set(steps):
        products = steps
    entries = (
        Transport(displacement(path, ndim), products.index(base), path != base)
        for path, base in zip(wanted, forward, strict=True)
    )
    return tuple(products), tuple(entries)


def _extend(known: dict[Path, Tensor], links: Tensor, path: Path) -> Tensor:
    """The product along a path, from that along its beginning, which is kept too."""
    if path not in known:
        ndim, *beginning, step = links.shape[1], *path
        mu = abs(step) - 1
        start = displacement(tuple(beginning), ndim)
        if step > 0:
            link = shifted(links[:, mu], start)
        else:
            link = dagger(shifted(links[:, mu], [s - int(nu == mu) for nu, s in enumerate(start)]))
        known[path] = product(_extend(known, links, tuple(beginning)), link) if beginning else link
    return known[path]


def transported(field: Tensor, transporter: Tensor, steps: Sequence[int], backward: bool = False) -> Tensor:
    """P(x) W(x + steps) P(x)^dagger for every channel; 16 N^3 flop a site and channel.

    field         W[batch, channel, t, .., x, N, N]
    transporter   P[batch, t, .., x, N, N]
    backward      use P(x + steps)^dagger instead of P(x)
    """
    side = dagger(shifted(transporter[:, None], steps)) if backward else transporter[:, None]
    return product(product(side, shifted(field, steps)), dagger(side))
