"""In which order blocks are visited, and so stored: columns of tiles whose stencils fit the cache."""

import itertools
import pathlib

import numpy as np

DEFAULT_L2_BYTES = 1 << 20
TILE_MATRICES_PER_MIB = 290
"""Distinct link matrices (SU(3), 8 lanes) that two slices of a tile column may touch, per MiB of L2."""

LARGEST_TILE, LARGEST_SIDE = 128, 16


def l2_bytes() -> int:
    """Size of one core's second-level cache; 1 MiB where the system does not say."""
    path = pathlib.Path("/sys/devices/system/cpu/cpu0/cache/index2/size")
    text = path.read_text().strip() if path.exists() else ""
    return int(text[:-1]) * 1024 if text.endswith("K") and text[:-1].isdigit() else DEFAULT_L2_BYTES


def _fits(side, extent):
    return extent % side == 0 or (side > 2 and extent % side == side - 1)


def _matrices_per_block(tile, extents, across, run, limit):
    """Distinct (position across, direction) that a slice of the tile needs, per block; None beyond `limit`."""
    ndim = len(extents)

    def step(p, d, s):
        if d == run:
            return p
        return tuple((c + s) % extents[e] if e == d else c for c, e in zip(p, across, strict=True))

    need, positions = set(), list(np.ndindex(*tile))
    for p in positions:
        for mu in range(ndim):
            need.add((p, mu))
            for nu in range(ndim):
                if nu != mu:
                    y = step(p, nu, -1)
                    need |= {(step(p, mu, 1), nu), (y, mu), (y, nu), (step(y, mu, 1), nu)}
        if len(need) > limit:
            return None
    return len(need) / len(positions)


def choose_tile(extents, limit) -> tuple[tuple[int, ...], int]:
    """(tile, running direction) that fetches the fewest link matrices per block; extents are those of block space.

    While the running coordinate advances by one, a tile column needs every distinct link of its stencil once; about
    two such slices must stay in cache, so at most `limit` matrices per slice.
    """
    ndim = len(extents)
    extents = [int(e) for e in extents]
    best = None
    for run in range(ndim):
        across = [d for d in range(ndim) if d != run]
        sides = [[k for k in range(1, min(extents[d], LARGEST_SIDE) + 1) if _fits(k, extents[d])] for d in across]
        for tile in itertools.product(*sides):
            if np.prod(tile) > LARGEST_TILE:
                continue
            cost = _matrices_per_block(tile, extents, across, run, limit)
            if cost is not None and (best is None or (cost, -extents[run]) < best[0]):
                best = (cost, -extents[run]), tile, run
    if best is None:
        return (1,) * ndim, 0
    _, tile, run = best
    tile = list(tile)
    tile.insert(run, 1)
    return tuple(tile), run


def tiled_order(coordinates, tile, run) -> np.ndarray:
    """Permutation that visits tiles in turn, the running direction inside a tile, then the positions across."""
    across = [d for d in range(coordinates.shape[1]) if d != run]
    keys = [coordinates[:, d] // tile[d] for d in across] + [coordinates[:, run]] + [coordinates[:, d] for d in across]
    return np.lexsort(keys[::-1]) if keys else np.arange(len(coordinates))
