"""The observables of the measure stage: adding one is adding a record here."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gaugeflow.observables.energy import plaquettes, split_plaquettes
from gaugeflow.observables.loops import polyakov_loop, wilson_loops
from gaugeflow.observables.topology import charge_geometric


@dataclass(frozen=True)
class Observable:
    """One family of numbers per configuration.

    wanted    (lattice, settings) -> whether it is defined and asked for
    measure   (lattice, links, settings) -> {data set name: array (chains, ...)}
    describes {data set name: description with normalisation}
    """

    name: str
    wanted: Callable[..., bool]
    measure: Callable[..., dict[str, np.ndarray]]
    describes: dict[str, str]


OBSERVABLES = (
    Observable(
        "plaquette",
        lambda lattice, settings: True,
        lambda lattice, links, settings: split_plaquettes(lattice, plaquettes(lattice, links)),
        {
            "plaquette": "Re tr U_p / N averaged over sites and planes",
            "plaquette_space": "the same over space-like planes",
            "plaquette_time": "the same over planes that contain t",
        },
    ),
    Observable(
        "loops",
        lambda lattice, settings: settings.loops is not None,
        lambda lattice, links, settings: wilson_loops(lattice, links, settings.loops.max_r, settings.loops.max_t),
        {
            "loops": "Re tr W(R, T) / N, R along space, T along t; entry [R - 1, T - 1]",
            "loops_all": "Re tr W(R, T) / N over all ordered pairs of directions; entry [R - 1, T - 1]",
        },
    ),
    Observable(
        "polyakov",
        lambda lattice, settings: settings.polyakov,
        lambda lattice, links, settings: {"polyakov": polyakov_loop(lattice, links)},
        {"polyakov": "tr P / N of lines winding around t, averaged over space"},
    ),
    Observable(
        "charge",
        lambda lattice, settings: lattice.group == "U1" and lattice.ndim == 2,
        lambda lattice, links, settings: {"charge": charge_geometric(lattice, links)},
        {"charge": "topological charge, sum of plaquette angles / 2 pi"},
    ),
)


def measure_all(lattice, links, settings) -> dict[str, np.ndarray]:
    """Every wanted observable of one configuration of all chains."""
    out = {}
    for observable in OBSERVABLES:
        if observable.wanted(lattice, settings):
            out |= observable.measure(lattice, links, settings)
    return out
