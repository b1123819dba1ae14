"""Every registered operation on random input: parameters are filled by their names."""

import inspect

import numpy as np
from laws import momenta_of

from gaugeflow.conventions import planes
from gaugeflow.lattice.operations import OPERATIONS
from gaugeflow.rng import Purpose

SEED = 20261124
SCALARS = {
    "c": 0.3,
    "d": 0.9,
    "c0": 0.7,
    "c1": -0.2,
    "eps": 0.1,
    "mu": 1,
    "beta": 2.3,
    "sweep": 3,
    "seed": SEED,
    "purpose": Purpose.MOMENTA,
    "trajectory": 7,
    "keep_trace": False,
    "slices": True,
    "plane": 0,
    "nu": 0,
    "keep": 3.0,
    "add": 0.2,
    "sweeps": 100,
}
LINES = ("line", "side", "up", "left", "top")
ELEMENTS = ("element", "leaf1", "leaf2", "leaf3", "leaf4")
WRITTEN = ("out", "carried")
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
        elif parameter == "factors":
            out[parameter] = lattice.hot(SEED, Purpose.PILOT_START)
        elif parameter == "momenta":
            out[parameter] = lattice.new_momenta()
            lattice.refresh(out[parameter], SEED, Purpose.MOMENTA, 3)
        elif parameter == "other":
            out[parameter] = lattice.scatter(np.roll(links, 1, axis=1))
        elif parameter in LINES:
            out[parameter] = lattice.new_line()
            lattice.take_links(lattice.scatter(links), LINES.index(parameter) % lattice.ndim, out[parameter])
        elif parameter in ELEMENTS:
            out[parameter] = elements(lattice, links, ELEMENTS.index(parameter))
        elif parameter == "f":
            out[parameter] = field_strength(lattice, links)
        elif parameter in WRITTEN:
            out[parameter] = lattice.new_element() if parameter == "carried" else lattice.new_line()
        else:
            raise TypeError(f"operation {name}: give its parameter {parameter!r} a sample in {__file__}")
    return out


def elements(lattice, links, which):
    """One of the leaves of lines of the links."""
    lines, leaves = [], [lattice.new_element() for _ in range(4)]
    for shift in range(4):
        lines.append(lattice.new_line())
        lattice.take_links(lattice.scatter(links), (which + shift) % lattice.ndim, lines[-1])
    lattice.corner_leaves(*lines, *leaves)
    return leaves[which % 4]


def field_strength(lattice, links):
    """Different elements in all planes."""
    f = lattice.new_field_strength()
    for plane in range(len(planes(lattice.ndim))):
        leaves = [elements(lattice, links, plane + k) for k in range(4)]
        lattice.add_leaves(*leaves, 0.25, 0.0, plane, f)
    return f


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
    if kind in ("links", "other", "factors"):
        return lattice.gather(field)
    if kind == "momenta":
        return momenta_of(lattice, field)
    if kind in (*ELEMENTS, "carried", "f"):
        reals = momenta_of(lattice, field)
        return reals[..., 0, :] if packed and kind != "f" else reals
    if kind in (*LINES, *WRITTEN):
        if not packed:
            return field
        reals = lattice.layout.unpack(lattice.device.to_host(field), lattice.local_chains, 1)[..., 0, :]
        return reals.view(np.complex128).reshape(*reals.shape[:-1], lattice.n, lattice.n)
    return np.asarray(field)
