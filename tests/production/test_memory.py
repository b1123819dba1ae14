"""A generating process holds links, proposal, momenta and tables, and no whole configuration beside them."""

import math
import os
import sys

import pytest
from house import REPOSITORY

from gaugeflow.config.cost import FIELDS_IN_MEMORY

sys.path.insert(0, str(REPOSITORY / "benchmarks"))
from memory import peak_of_generation

SMALL, LARGE = [4, 4, 4, 4], [16, 16, 12, 12]
LINKS_AND_MOMENTA = 1.5  # in link fields


def field(extents):
    return 16 * 9 * 4 * math.prod(extents)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="peak memory is read as Linux counts it")
def test_peak_is_at_most_2_2_times_links_and_momenta_above_the_base():
    peak_of_generation("SU3", SMALL, 1)  # kernels are compiled and on the disk
    base, peak = (peak_of_generation("SU3", extents, 1) for extents in (SMALL, LARGE))
    fields = (peak - base) / (field(LARGE) - field(SMALL))
    assert 2.5 < fields <= 2.2 * LINKS_AND_MOMENTA
    assert fields <= FIELDS_IN_MEMORY
