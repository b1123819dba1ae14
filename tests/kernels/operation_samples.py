"""Every registered operation on random input: parameters are filled by their names."""

import inspect

import numpy as np
from laws import momenta_of

from gaugeflow.lattice.operations import OPERATIONS
from gaugeflow.rng import Purpose

SEED = 20261124
SCALARS = {
    "c": 0.3,
    "d": 0.9,
    "eps": 0.1,
    "mu": 1,
    "beta": 2.3,
    "sweep": 3,
    "seed": SEED,
    "purpose": Purpose.MOMENTA,
    "trajectory": 7,
}
LINES = ("line", "side", "up", "left", "top")
WRITTEN = ("out",)
SWEEPS = ("overrelax", "heatbath")
"""Where staples almost vanish, as among hot links, these divide by them, and a test would see little but rounding."""


def inputs(lattice, name, links):
    """Arguments of an operation on the canonical links of rank 0."""
    out = {}
    for parameter in list(inspect.signature(OPERATIONS[name]).parameters)[1:]:
        if parameter in SCALARS:
            out[parameter] = SCALARS[parameter]
        elif parameter == "links":
            out[parameter] = smooth_links(lattice) if name in SWEEPS else lattice.scatter(links)
        elif parameter == "momenta":
            out[parameter] = lattice.new_momenta()
            lattice.refresh(out[parameter], SEED, Purpose.MOMENTA, 3)
        elif parameter in LINES:
            out[parameter] = lattice.new_line()
            lattice.take_links(lattice.scatter(links), LINES.index(parameter) % lattice.ndim, out[parameter])
        elif parameter in WRITTEN:
            out[parameter] = lattice.new_line()
        else:
            raise TypeError(f"operation {name}: give its parameter {parameter!r} a sample in {__file__}")
    return out


def smooth_links(lattice):
    """Random links near one: neighbouring staples hardly cancel."""
    out, momenta = lattice.cold(), lattice.new_momenta()
    lattice.refresh(momenta, SEED, Purpose.MOMENTA, 4)
    lattice.drift(out, momenta, 0.4)
    return out


def results(lattice, name, links):
    """Everything that an operation returns or changes, as canonical numbers."""
    given = inputs(lattice, name, links)
    returned = getattr(lattice, name)(**given)
    out = {key: canonical(lattice, key, value) for key, value in given.items() if key not in SCALARS}
    if name.endswith("_sums"):
        returned = lattice.total(returned)
    if returned is not None:
        out["returned"] = canonical(lattice, "links" if name == "hot" else "", returned)
    return out


def canonical(lattice, kind, field):
    """Fields of a packed or an oracle lattice as canonical numbers, momenta as their compact reals."""
    packed = hasattr(lattice, "layout")
    if kind == "links":
        return lattice.gather(field)
    if kind == "momenta":
        return momenta_of(lattice, field)
    if kind in (*LINES, *WRITTEN):
        if not packed:
            return field
        reals = lattice.layout.unpack(lattice.device.to_host(field), lattice.local_chains, 1)[..., 0, :]
        return reals.view(np.complex128).reshape(*reals.shape[:-1], lattice.n, lattice.n)
    return np.asarray(field)
