"""Cartesian process grids over (chains, t, z, y, x)."""

import itertools
import math

from gaugeflow.conventions import GRID_AXES
from gaugeflow.errors import GeometryError


def _factorisations(ranks, slots):
    if slots == 1:
        yield (ranks,)
        return
    for head in range(1, ranks + 1):
        if ranks % head == 0:
            for tail in _factorisations(ranks // head, slots - 1):
                yield (head, *tail)


def check_grid(grid, ranks, chains, extents) -> None:
    """GeometryError unless `grid` (chains, t, ..., x) has `ranks` ranks and divides chains and extents (x, ..., t)."""
    sizes = (chains, *reversed(extents))
    names = GRID_AXES[len(extents)]
    if len(grid) != len(sizes) or any(g < 1 for g in grid):
        raise GeometryError(f"process grid {list(grid)}: wanted {len(sizes)} positive numbers ({', '.join(names)})")
    if math.prod(grid) != ranks:
        raise GeometryError(f"process grid {list(grid)} has {math.prod(grid)} ranks, the job has {ranks}")
    for name, size, parts in zip(names, sizes, grid, strict=True):
        if size % parts:
            divisors = [k for k in range(1, size + 1) if size % k == 0]
            raise GeometryError(
                f"process grid {list(grid)}: {name} = {size} cannot be split over {parts} ranks; use one of {divisors}"
            )


def choose_grid(ranks: int, chains: int, extents) -> tuple[int, ...]:
    """Process grid (chains, t, ..., x) with the least halo per rank; chains split first, x last.

    extents  (x, ..., t); GeometryError if no grid divides them
    """
    sizes = (chains, *reversed(extents))
    best = None
    for grid in _factorisations(ranks, len(sizes)):
        if any(size % parts for size, parts in zip(sizes, grid, strict=True)):
            continue
        local = [size // parts for size, parts in zip(sizes, grid, strict=True)]
        volume = math.prod(local)
        surface = sum(2 * volume / n for n, parts in zip(local[1:], grid[1:], strict=True) if parts > 1)
        cost = (surface, grid[::-1])
        if best is None or cost < best[0]:
            best = cost, grid
    if best is None:
        raise GeometryError(
            f"{ranks} ranks cannot split {chains} chains of extents {tuple(extents)} (x, ..., t) into equal parts; "
            "use a number of ranks whose factors divide them"
        )
    return best[1]


def coordinates(rank: int, grid) -> tuple[int, ...]:
    """Place of a rank in the grid, the last direction fastest."""
    out = []
    for parts in reversed(grid):
        out.append(rank % parts)
        rank //= parts
    return tuple(reversed(out))


def rank_at(coords, grid) -> int:
    """Rank at (periodic) coordinates."""
    rank = 0
    for c, parts in zip(coords, grid, strict=True):
        rank = rank * parts + c % parts
    return rank


def parts(grid, shape):
    """Slices of a global array (chains, t, ..., x, ...) that each rank owns, in rank order."""
    for coords in itertools.product(*[range(g) for g in grid]):
        yield tuple(
            slice(c * n // g, (c + 1) * n // g) for c, g, n in zip(coords, grid, shape[: len(grid)], strict=True)
        )
