"""Random links and files of them in every format, precision, byte order and number of rows."""

import numpy as np

from gaugeflow.conventions import gauge_group
from gaugeflow.formats.reading import LinkFile, read_header
from gaugeflow.formats.writing import ORDERS, PRECISIONS, LinkWriter, Wanted

ODD = (2, 3, 4, 5)
EVEN = (2, 6, 4, 8)
GROUPS = ("U1", "SU2", "U2", "SU3", "SU4")
PLAQUETTE, LINK_TRACE = 0.123456789012345, -0.0123456789012345

VARIANTS = [
    (name, precision, order, rows)
    for name, orders in ORDERS.items()
    for precision in PRECISIONS.get(name, ("float32", "float64"))
    for order in orders
    for rows in ((None, 2) if name == "nersc" else (None,))
]
"""(format, precision, byte order, rows): all that can be written."""


def extents_of(name):
    """Unequal extents that the format has, odd ones where it can."""
    return EVEN if name == "openqcd" else ODD


def random_links(extents, group, seed=1):
    """Links (t, z, y, x, 4, N, N) on the group, complex128."""
    n, special = gauge_group(group).n, gauge_group(group).special
    rng = np.random.default_rng(seed)
    shape = (*reversed(extents), 4, n, n)
    q, r = np.linalg.qr(rng.normal(size=shape) + 1j * rng.normal(size=shape))
    phases = np.einsum("...ii->...i", r)
    q = q * (phases / np.abs(phases))[..., None, :]
    return q / np.linalg.det(q)[..., None, None] ** (1 / n) if special else q


def rounded(links, precision):
    """Links as they are at a precision, complex128."""
    return links.astype({"float32": np.complex64, "float64": np.complex128}[precision]).astype(np.complex128)


def wanted_of(variant, group="SU3", **facts):
    """What is to be written, of a row of VARIANTS."""
    name, precision, order, rows = variant
    return Wanted(name, extents_of(name), group, precision, order, rows, facts)


def write_file(path, wanted, links):
    """Write all links at once, and return the checksums."""
    with LinkWriter(path, wanted) as writer:
        writer.create()
        writer.write(slice(0, links.shape[0]), slice(0, links.shape[1]), links)
        writer.finish(writer.checksums, PLAQUETTE, LINK_TRACE)
        return writer.checksums


def read_file(path, **known):
    """(header, links complex128 (t, z, y, x, 4, N, N), checksums), read by blocks."""
    header = read_header(path, **known)
    links = np.empty(header.shape, np.complex128)
    with LinkFile(path, header) as file:
        for (times, zs), reals in file.blocks():
            links[times, zs] = complex_of(reals)
        return header, links, file.checksums


def complex_of(reals):
    """Reals (.., 2) of any type as complex128."""
    return np.ascontiguousarray(reals, np.float64).view(np.complex128)[..., 0]
