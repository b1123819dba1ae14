"""How sound links are: distance from the group and link trace.

The fast operation and, below, the obvious one that the tests compare it with.
"""

import numpy as np

from gaugeflow.kernels.dispatch import kernel_oracle as oracle
from gaugeflow.kernels.dispatch import true_defects
from gaugeflow.lattice.operations import operation


class Defects:
    """Operations of `PackedLattice`."""

    @operation
    def link_defects(self, links) -> np.ndarray:
        """Largest |(U^dagger U - 1)_ab|, largest determinant defect, mean of Re tr U / N over links, (chains, 3).

        The determinant defect is |det U - 1| for SU(N) and ||det U| - 1| for U(N). NaN where a link has no such number.
        """
        self.device.fill_dead(links, np.eye(self.n, dtype=complex).view(float).ravel())  # no defect, and a trace of N
        raw, worst = self.device.sums_and_largest("link_defects", 1, 2, u=links)
        self.device.fill_dead(links, 0.0)
        largest = [true_defects(self._largest_of_chains(worst[:, row])) for row in range(2)]
        beyond = self.total(self._of_chains(self._totals(raw)))[:, 0]
        return np.stack([*largest, 1.0 + beyond / (self.n * self.ndim * self.volume)], 1)


class OracleDefects:
    """The same of `OracleLattice`."""

    def link_defects(self, links):
        """Largest defects and mean link trace, (chains, 3)."""
        flat = links.reshape(self.chains, -1, self.n, self.n)
        gram = oracle.dagger(flat) @ flat - np.eye(self.n)
        det = np.linalg.det(flat)
        determinant = abs(det - 1) if self.special else abs(abs(det) - 1)
        trace = np.trace(flat, axis1=-2, axis2=-1).real.mean(1) / self.n
        return np.stack([abs(gram).max((1, 2, 3)), determinant.max(1), trace], 1)
