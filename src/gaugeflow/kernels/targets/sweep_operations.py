"""Operations of overrelaxation and heat bath, see `algebra.subgroups` and `algebra.heatbath`.

Rotations and phases are computed in float64 and rounded once, as random numbers are; a float32 kernel applies them in
float32.
"""

from numba import types

from gaugeflow.kernels.algebra import heatbath, subgroups
from gaugeflow.kernels.algebra.random import counter_words, philox
from gaugeflow.kernels.targets import lanes
from gaugeflow.kernels.targets.lanes import Lanes
from gaugeflow.kernels.targets.trace import Real, constant

DOUBLE_TINY = subgroups.TINY["float64"]


def _number(builder, t, value):
    return Real(builder, constant(lanes.register_type(t), value))


def _words(sites, chains, trajectory, stream, key0, key1, draw):
    return philox(counter_words(sites[0], chains[0], trajectory, stream, draw), (key0, key1))


def _other_colour(colours, colour):
    """Not zero in lanes of another colour."""
    return (colours[0] - colour).to_real().absolute()


def _waiting(registers, width, any_lane):
    """Trials (delta, waiting) of a register: who waits for a random number that is accepted."""
    integer, real, pair = Lanes(1, width, "int64"), Lanes(1, width), Lanes(2, width)

    def some_wait(b, x):
        return any_lane(b, width, b.fcmp_ordered(">=", x[1].value, _number(b, real, 0.5).value))

    def lanes_wait(b, colours, colour):
        zero, one = _number(b, real, 0.0), _number(b, real, 1.0)
        return [zero, _other_colour(colours, colour).at_least(0.5, zero, one)]

    return {
        "all_wait": registers.traced(pair, (), lambda b: [_number(b, real, 0.0), _number(b, real, 1.0)]),
        "lanes_wait": registers.traced(pair, (integer, types.int64), lanes_wait),
        "some_wait": registers.traced(types.boolean, (pair,), some_wait),
    }


def _draws(registers, width):
    """Random rotations and phases, in float64."""
    integer, real, pair, four = Lanes(1, width, "int64"), Lanes(1, width), Lanes(2, width), Lanes(4, width)
    key = (integer, integer, *[types.int64] * 5)  # sites, chains, trajectory, stream, key0, key1, draw

    def attempt(b, x, alpha, *where):
        *place, draw = where
        return heatbath.attempt(x, alpha[0], _words(*place, draw), _words(*place, draw + 1), draw)

    def rotation(b, a, x, *where):
        return heatbath.rotation(a, x[0], _words(*where), DOUBLE_TINY)

    def phase(b, z, c, sites, chains, trajectory, stream, key0, key1, draw):
        counter = counter_words(sites[0], chains[0], trajectory, stream, draw)
        return heatbath.phase(z, c, counter, (key0, key1), DOUBLE_TINY)

    def weight_of(b, a, c):
        return [c * subgroups.norm_squared([a[0] + DOUBLE_TINY, *a[1:]]).sqrt()]

    return {
        "quaternion": registers.traced(four, [pair] * 4, lambda b, *z: subgroups.quaternion(*z)),
        "weight_of": registers.traced(real, (four, types.float64), weight_of),
        "attempt": registers.traced(pair, (pair, real, *key), attempt),
        "rotation": registers.traced(four, (four, pair, *key), rotation),
        "phase": registers.traced(pair, (pair, types.float64, *key), phase),
    }


def sweep_operations(registers, n: int, special: bool, width: int, precision: str, any_lane) -> dict:
    """Name -> operation, for the table of `operations.operations`; any_lane(builder, width, condition)."""
    m, integer = Lanes(2 * n * n, width, precision), Lanes(1, width, "int64")
    row, entry = Lanes(2 * n, width, precision), Lanes(2, width, precision)
    pair, four, tiny = Lanes(2, width), Lanes(4, width), subgroups.TINY[precision]

    def narrowed(x):
        return [y.narrow(row.llvm_element) for y in x]

    def only_lanes(b, after, before, colours, colour):
        other = _other_colour(colours, colour)
        return [other.at_least(0.5, old, new) for new, old in zip(after, before, strict=True)]

    def rotated(k):
        return lambda b, g, p, q: subgroups.rotate(narrowed(g), p, q)[k]

    table = {
        "load_row": registers.make_load(row),
        "store_row": registers.make_store(row),
        "load_entry": registers.make_load(entry),
        "overrelaxed": registers.traced(m, (m, m), lambda b, u, s: subgroups.overrelaxed(n, special, u, s, tiny)),
        "only_lanes": registers.traced(m, (m, m, integer, types.int64), only_lanes),
        "widened_entry": registers.traced(pair, (entry,), lambda b, z: [x.widen() for x in z]),
        "upper_row": registers.traced(row, (four, row, row), rotated(0)),
        "lower_row": registers.traced(row, (four, row, row), rotated(1)),
        "turned_row": registers.traced(row, (pair, row), lambda b, z, x: subgroups.turn(narrowed(z), x)),
    }
    return table | _waiting(registers, width, any_lane) | _draws(registers, width)
