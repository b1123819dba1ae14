"""Operations of overrelaxation and heat bath, see `algebra.subgroups`."""

from numba import types

from gaugeflow.kernels.algebra import subgroups
from gaugeflow.kernels.targets.lanes import Lanes


def sweep_operations(registers, n: int, special: bool, width: int, precision: str) -> dict:
    """Name -> operation, for the table of `operations.operations`."""
    m, integer = Lanes(2 * n * n, width, precision), Lanes(1, width, "int64")
    tiny = subgroups.TINY[precision]

    def only_lanes(b, after, before, colours, colour):
        other = (colours[0] - colour).to_real().absolute()
        return [other.at_least(0.5, old, new) for new, old in zip(after, before, strict=True)]

    return {
        "overrelaxed": registers.traced(
            m, (m, m), lambda b, u, s: subgroups.overrelaxed(n, special, u, s, tiny)
        ),
        "only_lanes": registers.traced(m, (m, m, integer, types.int64), only_lanes),
    }
