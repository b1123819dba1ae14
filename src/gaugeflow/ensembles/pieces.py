"""How large arrays are cut: HDF5 chunks of links, and the pieces in which anything is read, hashed and written."""

import itertools

import numpy as np

PIECE_BYTES = 1 << 22
"""Pieces are as large as this where they can be; a time slice of one chain is never cut."""

MIN_CHUNK_BYTES = 1 << 16
"""Smaller HDF5 chunks cost more in their index than they save."""

Piece = tuple[slice, ...]
"""Slices of the leading axes, with start and stop; the axes behind them are whole."""


def link_chunks(shape: tuple[int, ...]) -> tuple[int, ...]:
    """HDF5 chunk of links (n, chains, t, .., N, N): one time slice of one chain, joined until it has MIN_CHUNK_BYTES.

    Slices are joined along t first, then chains along the chain axis; configurations are never joined.
    """
    wanted = list((1, 1, 1) + shape[3:])
    for axis in (2, 1):
        size = 16 * int(np.prod(wanted))
        wanted[axis] = min(shape[axis], max(1, -(-MIN_CHUNK_BYTES // size)))
    return tuple(wanted)


def pieces(shape: tuple[int, ...], itemsize: int, chunk: tuple[int, ...] | None) -> list[Piece]:
    """Pieces of an array in C order: whole HDF5 chunks (or, without chunks, the whole array), at most PIECE_BYTES.

    A chunk that is larger is a piece of its own.
    """
    if not shape or 0 in shape:
        return [()]
    chunk = chunk or shape
    cut = [axis for axis in range(len(shape)) if chunk[axis] < shape[axis]]
    if not cut or itemsize * int(np.prod(shape)) <= PIECE_BYTES:
        return [()]
    row = [itemsize * int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    axis = next((axis for axis in range(cut[-1]) if row[axis] * chunk[axis] <= PIECE_BYTES), cut[-1])
    step = max(1, PIECE_BYTES // (row[axis] * chunk[axis])) * chunk[axis]
    rows = [slice(start, min(start + step, shape[axis])) for start in range(0, shape[axis], step)]
    single = [[slice(i, i + 1) for i in range(size)] for size in shape[:axis]]
    return [(*head, last) for *head, last in itertools.product(*single, rows)]


def link_slabs(shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """Pieces (chains, times) of one configuration of links (chains, t, .., N, N)."""
    whole = (slice(0, shape[0]), slice(0, shape[1]))
    return [(*piece, *whole[len(piece) :]) for piece in pieces(shape, 16, link_chunks((1, *shape))[1:])]
