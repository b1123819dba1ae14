"""The observables of the measure stage: adding one is adding a record here."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gaugeflow.observables.energy import plaquettes, split_plaquettes
from gaugeflow.observables.loops import polyakov_loop, wilson_loops
from gaugeflow.observables.topology import charge_geometric, has_geometric_charge


@dataclass(frozen=True)
class Observable:
    """One family of numbers per configuration.

    wanted    (lattice, settings) -> whether it is defined and asked for
    measure   (lattice, links, settings) -> {data set name: array (chains, ...)}
    """

    name: str
    wanted: Callable[..., bool]
    measure: Callable[..., dict[str, np.ndarray]]


OBSERVABLES = (
    Observable(
        "plaquette",
        lambda lattice, settings: True,
        lambda lattice, links, settings: split_plaquettes(lattice, plaquettes(lattice, links)),
    ),
    Observable(
        "loops",
        lambda lattice, settings: settings.loops is not None,
        lambda lattice, links, settings: wilson_loops(lattice, links, settings.loops.max_r, settings.loops.max_t),
    ),
    Observable(
        "polyakov",
        lambda lattice, settings: settings.polyakov,
        lambda lattice, links, settings: {"polyakov": polyakov_loop(lattice, links)},
    ),
    Observable(
        "charge",
        lambda lattice, settings: has_geometric_charge(lattice),
        lambda lattice, links, settings: {"charge": charge_geometric(lattice, links)},
    ),
)


def measure_all(lattice, links, settings) -> dict[str, np.ndarray]:
    """Every wanted observable of one configuration of all chains."""
    out = {}
    for observable in OBSERVABLES:
        if observable.wanted(lattice, settings):
            out |= observable.measure(lattice, links, settings)
    return out
