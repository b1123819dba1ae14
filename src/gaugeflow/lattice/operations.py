"""Register of what a lattice can do: a method of `PackedLattice` and, slow and obvious, one of `OracleLattice`.

The tests run all entries on all groups, dimensions, lanes and devices against the oracle. They fill parameters by
their names (links, momenta, line, mu, eps, ..), so a new operation brings its tests by being registered.
"""

OPERATIONS: dict[str, object] = {}


def operation(method):
    """Enter a method of `PackedLattice` into the register."""
    OPERATIONS[method.__name__] = method
    return method
