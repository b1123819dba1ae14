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


def sweep_operations(registers, n: int, special: bool, width: int, precision: str, any_lane) -> dict:
    """Name -> operation, for the table of `operations.operations`; any_lane(builder, width, condition)."""
    m, integer = Lanes(2 * n * n, width, precision), Lanes(1, width, "int64")
    row, entry = Lanes(2 * n, width, precision), Lanes(2, width, precision)
    real, pair, four = Lanes(1, width), Lanes(2, width), Lanes(4, width)
    word, double = types.int64, types.float64
    key = (integer, integer, *[word] * 5)  # sites, chains, trajectory, stream, key0, key1, draw
    tiny = subgroups.TINY[precision]

    def narrowed(x):
        return [y.narrow(row.llvm_element) for y in x]

    def widened(x):
        return [y.widen() for y in x]

    def words(sites, chains, trajectory, stream, key0, key1, number):
        return philox(counter_words(sites[0], chains[0], trajectory, stream, number), (key0, key1))

    def only_lanes(b, after, before, colours, colour):
        other = (colours[0] - colour).to_real().absolute()
        return [other.at_least(0.5, old, new) for new, old in zip(after, before, strict=True)]

    def number(b, value):
        return Real(b, constant(lanes.register_type(real), value))

    def some_wait(b, x):
        return any_lane(b, width, b.fcmp_ordered(">=", x[1].value, number(b, 0.5).value))

    def nobody_waits_but(b, colours, colour):
        other = (colours[0] - colour).to_real().absolute()
        return [number(b, 0.0), other.at_least(0.5, number(b, 0.0), number(b, 1.0))]

    def attempt(b, x, alpha, sites, chains, trajectory, stream, key0, key1, draw):
        where = sites, chains, trajectory, stream, key0, key1
        return heatbath.attempt(x, alpha[0], words(*where, draw), words(*where, draw + 1), draw)

    def rotation(b, a, x, *where):
        return heatbath.rotation(a, x[0], words(*where), DOUBLE_TINY)

    def phase(b, z, c, sites, chains, trajectory, stream, key0, key1, draw):
        counter = counter_words(sites[0], chains[0], trajectory, stream, draw)
        return heatbath.phase(z, c, counter, (key0, key1), DOUBLE_TINY)

    def size(b, a, c):
        return [c * subgroups.norm_squared([a[0] + DOUBLE_TINY, *a[1:]]).sqrt()]

    def rotated(k):
        return lambda b, g, p, q: subgroups.rotate(narrowed(g), p, q)[k]

    return {
        "load_row": registers.make_load(row),
        "store_row": registers.make_store(row),
        "load_entry": registers.make_load(entry),
        "overrelaxed": registers.traced(m, (m, m), lambda b, u, s: subgroups.overrelaxed(n, special, u, s, tiny)),
        "only_lanes": registers.traced(m, (m, m, integer, word), only_lanes),
        "widened_entry": registers.traced(pair, (entry,), lambda b, z: widened(z)),
        "quaternion": registers.traced(four, [pair] * 4, lambda b, *z: subgroups.quaternion(*z)),
        "weight_of": registers.traced(real, (four, double), size),
        "all_wait": registers.traced(pair, (), lambda b: [number(b, 0.0), number(b, 1.0)]),
        "lanes_wait": registers.traced(pair, (integer, word), nobody_waits_but),
        "some_wait": registers.traced(types.boolean, (pair,), some_wait),
        "attempt": registers.traced(pair, (pair, real, *key), attempt),
        "rotation": registers.traced(four, (four, pair, *key), rotation),
        "upper_row": registers.traced(row, (four, row, row), rotated(0)),
        "lower_row": registers.traced(row, (four, row, row), rotated(1)),
        "phase": registers.traced(pair, (pair, double, *key), phase),
        "turned_row": registers.traced(row, (pair, row), lambda b, z, x: subgroups.turn(narrowed(z), x)),
    }
