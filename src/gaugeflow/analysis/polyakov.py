"""Free energy of a static pair from the correlator of Polyakov loops.

a V(R) = -ln <Re L(x) L^*(x + R e_k)> / N_t        the static potential at temperature 1 / (a N_t), up to exp(-gap N_t)
"""

from __future__ import annotations

import math

from gaugeflow.analysis.dataset import EnsembleData
from gaugeflow.stats.estimate import Estimate, derive


def polyakov_potential(ensemble: EnsembleData) -> dict[int, Estimate]:
    """R -> a V(R), R = 1 .. max_r, from `polyakov_correlator` (n, chains, R - 1); NaN where noise makes C(R) <= 0.

    Beside potentials from Wilson loops it needs no plateau, and can be fitted by the same models (`fits.fit`).

    Raises ConfigError if the correlator was not measured
    """
    series, extent = ensemble.series("polyakov_correlator"), ensemble.spec.extents[-1]
    correlator = [ensemble.estimate(series[:, :, index]) for index in range(series.shape[2])]
    return {
        r: derive(lambda c: -math.log(c) / extent if c > 0 else math.nan, here)
        for r, here in enumerate(correlator, start=1)
    }
