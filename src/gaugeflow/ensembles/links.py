"""Links of one configuration that nobody holds whole: a shape, and slabs in C order on demand.

A source has `shape` (chains, t, .., x, D, N, N) and `slabs()`, which yields ((chains, times), values) as
`pieces.link_slabs` cuts that shape.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from gaugeflow.ensembles.pieces import link_slabs

Slab = tuple[slice, slice]


class LinkSource(Protocol):
    """What writers take instead of an array."""

    shape: tuple[int, ...]

    def slabs(self) -> Iterator[tuple[Slab, np.ndarray]]: ...


class ArrayLinks:
    """An array as a source."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.shape = array, array.shape

    def slabs(self) -> Iterator[tuple[Slab, np.ndarray]]:
        """Views of the array."""
        for slab in link_slabs(self.shape):
            yield slab, self.array[slab]


class GatheredLinks:
    """A lattice's links, gathered by rank 0 while it takes the slabs and the other ranks `follow`."""

    def __init__(self, lattice: Any, links: Any) -> None:
        self._lattice, self._links, self.shape = lattice, links, lattice.shape

    def slabs(self) -> Iterator[tuple[Slab, np.ndarray]]:
        """Collective: every rank goes through all slabs; values on rank 0."""
        return self._lattice.gather_slabs(self._links, link_slabs(self.shape))

    def follow(self) -> None:
        """What ranks other than 0 do meanwhile."""
        for _ in self.slabs():
            pass


def as_source(links: "np.ndarray | LinkSource") -> LinkSource:
    """An array or a source as a source."""
    return ArrayLinks(np.asarray(links, np.complex128)) if isinstance(links, np.ndarray) else links


def as_array(links: "np.ndarray | LinkSource") -> np.ndarray:
    """A copy of all links."""
    source = as_source(links)
    out = np.empty(source.shape, np.complex128)
    for slab, values in source.slabs():
        out[slab] = values
    return out


def scatter(lattice: Any, source: LinkSource | None) -> Any:
    """Links in the lattice's form from a source on rank 0 (None elsewhere); collective."""
    read = None
    if source is not None:
        stream = source.slabs()

        def read(slab: Slab) -> np.ndarray:
            found, values = next(stream)
            assert found == slab
            return values

    return lattice.scatter_slabs(link_slabs(lattice.shape), read)


def nbytes(shape: tuple[int, ...]) -> int:
    """Bytes of links of this shape."""
    return 16 * int(np.prod(shape))
