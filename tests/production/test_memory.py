"""A generating process holds links, proposal, momenta and tables, and no whole configuration beside them."""

import json
import math
import os

import pytest
from house import REPOSITORY, run

from gaugeflow.config.cost import FIELDS_IN_MEMORY

SMALL, LARGE = [4, 4, 4, 4], [16, 16, 16, 16]  # huge pages come and go by 8 MiB, a quarter of this field
LINKS_AND_MOMENTA = 1.5  # in link fields


def field(extents):
    return 16 * 9 * 4 * math.prod(extents)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="peak memory is read as Linux counts it")
def test_peak_is_at_most_2_2_times_links_and_momenta_above_the_base(tmp_path):
    record = tmp_path / "memory.json"
    extents = [",".join(map(str, e)) for e in (SMALL, LARGE)]
    # A program of its own: a child's peak counts that of the process it was forked from.
    program = REPOSITORY / "benchmarks" / "memory.py"
    # The first process of a host times candidates on a lattice of its own.
    done = run("python", program, "--extents", *extents, "--json", record, GAUGEFLOW_TIMING="off")
    assert done.returncode == 0, done.stderr
    base, peak = (row["peak_bytes"] for row in json.loads(record.read_text()))
    fields = (peak - base) / (field(LARGE) - field(SMALL))
    assert 2.5 < fields <= 2.2 * LINKS_AND_MOMENTA
    assert fields <= FIELDS_IN_MEMORY
