"""Which rows of accumulators a kernel's sums over time slices use, and what the rows mean."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of exact sums: block b adds to row rows[b], in which lane l holds the sum over time slice times[row, l].

    rows    (local blocks,), a table of the device;  times  (rows, lanes) int;  slices  number of slices of the lattice
    """

    rows: object
    times: np.ndarray
    slices: int

    def per_slice(self, sums: np.ndarray) -> np.ndarray:
        """(batch, lane, rows * columns, 3) -> (batch, lane, slices * columns, 3), zero for slices of other ranks."""
        count, lanes = self.times.shape
        batches, columns = len(sums), sums.shape[2] // count
        out = np.zeros((batches, lanes, self.slices, columns, 3), np.int64)
        row, lane = np.indices(self.times.shape)
        np.add.at(out, (slice(None), lane, self.times), sums.reshape(batches, lanes, count, columns, 3)[:, lane, row])
        return out.reshape(batches, lanes, self.slices * columns, 3)


def one_row(layout, table) -> Rows:
    """All blocks in one row: sums over the whole lattice."""
    return Rows(table(np.zeros(layout.local_blocks, np.int64)), np.zeros((1, layout.lanes_used), np.int64), 1)


def time_rows(layout, table) -> Rows:
    """A row for every combination of time slices that the lanes of a block have."""
    times = layout.site[: layout.local_blocks, : layout.lanes_used] // int(np.prod(layout.global_extents[1:]))
    found, rows = np.unique(times, axis=0, return_inverse=True)
    return Rows(table(rows.reshape(-1)), found, layout.global_extents[0])
