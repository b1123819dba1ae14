"""Everything that was published, or computed by other code, on single configurations."""

import numpy as np

from gaugeflow.analysis.observables import at_flow_time, plaquette

CHARGES = {
    "Q clover": "charge",
    "Q improved": "charge_improved",
    "Q 5Li": "charge_5li",
    "Q plaquette": "charge_plaquette",
}

FLOWS = ("wilson", "symanzik")
FLOW_TIMES = (0.0, 0.1, 0.2, 0.5, 0.9)
"""t / a^2 at which flows are compared with tables."""


def analyse(data):
    """Estimates `<ensemble>/<observable>`."""
    results = {}
    for ensemble in data:
        values = {"plaquette": plaquette(ensemble)} | _measured(ensemble) | _unflowed(ensemble) | _flowed(ensemble)
        results |= {f"{ensemble.label}/{name}": value for name, value in values.items()}
    return results


def _measured(ensemble):
    loops, polyakov = ensemble.series("loops"), ensemble.series("polyakov")
    series = {
        "plaquette space": ensemble.series("plaquette_space"),
        "plaquette time": ensemble.series("plaquette_time"),
        "plaquette, stout": ensemble.series("plaquette_smeared")[:, :, 0],
        "Re L": np.real(polyakov),
        "Im L": np.imag(polyakov),
        **{f"W({r}x{t})": loops[:, :, r - 1, t - 1] for r in (1, 2) for t in (1, 2)},
    }
    return {name: ensemble.estimate(values) for name, values in series.items()}


def _unflowed(ensemble):
    """Energies and charges of the links as they are, with and without the trace of F."""
    first = ensemble.along("wilson")
    names = {"E plaquette": "energy_plaquette", "E clover": "energy_clover", **CHARGES}
    found = {name: ensemble.estimate(at_flow_time(first, series, 0.0)) for name, series in names.items()}
    if "zeuthen" in ensemble.flows:
        traced = ensemble.along("zeuthen")
        for name, series in {"E clover": "energy_clover", "Q clover": "charge"}.items():
            found[f"{name}, with trace"] = ensemble.estimate(at_flow_time(traced, series, 0.0))
    return found


def _flowed(ensemble):
    """E in planes with t (Et) and without (Es), and Q, along the flows."""
    names = {"Et": "energy_clover_time", "Es": "energy_clover_space", "Q": "charge"}
    return {
        f"{kind} {name}({time:g})": ensemble.estimate(at_flow_time(ensemble.along(kind), series, time))
        for kind in FLOWS
        if kind in ensemble.flows
        for time in FLOW_TIMES
        for name, series in names.items()
    }
