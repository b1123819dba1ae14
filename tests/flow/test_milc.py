"""E and Q along the Wilson and the Symanzik flow are those of the MILC code, on a configuration of its own."""

import numpy as np
import pytest
from flow.milc import flow_table, read_links

from gaugeflow.flow.gradient_flow import FLOWS, gradient_flow
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.energy import energy_and_charge_clover

TABLES = {"wilson": "wilson_flow.1.sample-out", "symanzik": "wilson_flow.2.sample-out"}
ROWS = {"wilson": 10, "symanzik": 11}
STEP = 0.1
CHARGE_PRECISION = 5e-8
"""MILC ran in single precision."""


def misses(kind, table):
    """(E, Q) by how many units of the last digit and of CHARGE_PRECISION our flow `kind` misses a table."""
    links = read_links("lat.sample.l4448")
    lattice = PackedLattice("SU3", links.shape[1:5][::-1], 1)
    rows = flow_table(table)
    assert len(rows) in ROWS.values()
    assert [row[0] for row in rows] == pytest.approx(STEP * np.arange(len(rows)))
    found = []
    links = lattice.scatter(links)
    for (_, time_like, space_like, charge, *units), _ in zip(
        rows, gradient_flow(lattice, links, [row[0] for row in rows], STEP, kind), strict=True
    ):
        energy, q = energy_and_charge_clover(lattice, links)
        # both addends are rounded to half a unit
        found.append((abs(energy[0] - time_like - space_like) / max(units[:2]), abs(q[0] - charge) / CHARGE_PRECISION))
    return np.array(found)


@pytest.mark.parametrize("kind", TABLES)
def test_energy_and_charge_are_milcs(kind):
    found = misses(kind, TABLES[kind])
    assert len(found) == ROWS[kind]
    assert found.max() <= 1
    for other in set(FLOWS) - {kind}:
        assert misses(other, TABLES[kind])[1:].max(1).min() > 100
