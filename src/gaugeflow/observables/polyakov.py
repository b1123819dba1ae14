"""Polyakov loops and their correlator: lines that wind once around t."""

from typing import Annotated

import numpy as np
from pydantic import Field

from gaugeflow.models import FrozenModel, PositiveInt
from gaugeflow.observables.observable import Observable, per_chain


def _winding_line(lattice, links):
    """Product of all links along t, from every site."""
    time = lattice.ndim - 1
    line, spare = lattice.new_line(), lattice.new_line()
    lattice.take_links(links, time, line)
    for _ in range(lattice.extents[time] - 1):
        lattice.extend_line(links, time, line, spare)
        line, spare = spare, line
    return line


def polyakov_loop(lattice, links) -> np.ndarray:
    """tr P / N of lines that wind once around t, averaged over space; (chains,) complex128."""
    totals = lattice.total(lattice.trace_sums(_winding_line(lattice, links))) / (lattice.volume * lattice.n)
    return totals[:, 0] + 1j * totals[:, 1]


def polyakov_correlator(lattice, links, max_r: int) -> np.ndarray:
    """C(R) = <Re L(x) L^*(x + R e_k)>, L = tr P / N, mean over x and the space directions k, R = 1 .. max_r.

    (chains, max_r). The imaginary part averages to zero, as -R e_k is at the same distance.
    """
    here, directions = _winding_line(lattice, links), range(lattice.ndim - 1)
    out = np.zeros((lattice.chains, max_r))
    for k in directions:
        there, spare = lattice.copy(here), lattice.new_line()
        for r in range(max_r):
            lattice.shift_line(there, k, spare)
            there, spare = spare, there
            out[:, r] += lattice.total(lattice.correlation_sums(here, there))[:, 0]
    return out / (lattice.volume * lattice.n**2 * len(directions))


class CorrelatorSettings(FrozenModel):
    """Correlator of Polyakov loops on the axes of space."""

    max_r: Annotated[PositiveInt, Field(description="largest distance R in lattice units")]


def _refused(settings: CorrelatorSettings, system) -> str | None:
    half = min(system.extents[:-1]) // 2
    if settings.max_r <= half:
        return None
    size = "x".join(map(str, system.extents))
    return f"got max_r {settings.max_r}, wanted at most {half} on {size}; beyond half an extent distances come again"


OBSERVABLES = (
    Observable(
        name="polyakov",
        datasets={"polyakov": per_chain("Polyakov loop tr P / N along t, mean over space", dtype="<c16")},
        measure=lambda lattice, links, settings: {"polyakov": polyakov_loop(lattice, links)},
        settings=bool,
        description="Polyakov loop in direction t",
        hashed=True,
    ),
    Observable(
        name="polyakov_correlator",
        datasets={
            "polyakov_correlator": per_chain(
                "Polyakov loops Re L(x) L^*(x + R), L = tr P / N, R = index + 1 along a space axis, mean over x, axes",
                ("polyakov_max_r",),
            )
        },
        measure=lambda lattice, links, settings: {
            "polyakov_correlator": polyakov_correlator(lattice, links, settings.max_r)
        },
        settings=CorrelatorSettings,
        description="correlator of Polyakov loops against their distance, or null",
        refused=_refused,
    ),
)
