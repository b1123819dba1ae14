"""Which links are updated at once, and plans of such updates.

A link U_mu(x) stands in staples of U_mu(x +- nu), nu != mu, and of no other link of its direction: links of one colour
do not see each other. Where all extents but that of mu are even, two colours do, the parity of the site. An odd cycle
takes three: 0 1 0 1 .. 2 along every odd direction, and the sum over directions modulo 3, in which neighbours differ as
each cycle's colours differ. Extents are those of the whole lattice, so that ranks agree.

A step of a plan is a block b whose lanes all have one colour, or ~(b COLOURS + colour) where only lanes of that colour
are updated: on odd extents, on uneven cuts, beside lanes without a site.
"""

import numpy as np

from gaugeflow.errors import GeometryError
from gaugeflow.kernels import schedule
from gaugeflow.kernels.lane_group import COLOURS, SEAMS
from gaugeflow.kernels.launches import simple_plan
from gaugeflow.kernels.schedule import Plan, Stage

DEAD = -1
"""Colour of a lane without a site."""

FETCH_BEYOND = 16
"""Links of this many second-level caches are fetched ahead; fewer stay in the third, and fetching costs 7 per cent."""


def colour_count(extents, mu: int, wanted: int | None = None) -> int:
    """Colours of an update of direction `mu`: 2, or 3 where an extent beside that of mu is odd.

    extents   of the whole lattice in site-axis order (t, .., x)
    wanted    number of colours that somebody asks for, 2 or 3

    Raises    GeometryError for an extent of 1 beside mu, where a link stands in its own staple, and for two colours
              where there is an odd extent
    """
    others = [n for axis, n in enumerate(extents) if axis != len(extents) - 1 - mu]
    shown = " x ".join(map(str, reversed(extents)))
    if 1 in others:
        raise GeometryError(
            f"heat bath and overrelaxation on {shown}: along an extent of 1 a link stands in its own staple; "
            "use extents of 2 or more, or sampler hmc"
        )
    least = 3 if any(n % 2 for n in others) else 2
    if wanted is not None and not least <= wanted <= COLOURS:
        raise GeometryError(
            f"heat bath and overrelaxation on {shown}: got {wanted} colours for direction {mu}, wanted {least}"
            + (": neighbours around an odd extent would be updated at once" if wanted == 2 else "")
        )
    return least if wanted is None else wanted


def colours_of(sites, extents, mu: int, wanted: int | None = None) -> np.ndarray:
    """Colour of the links of direction `mu` at `sites`, numbers of the whole lattice, int64 of their shape."""
    count, total = colour_count(extents, mu, wanted), 0
    for axis, (x, n) in enumerate(zip(np.unravel_index(sites, extents), extents, strict=True)):
        last = axis != len(extents) - 1 - mu and n % 2 == 1
        total = total + np.where(last & (x == n - 1), 2, x % 2)
    return np.asarray(total % count, np.int64)


def lane_colours(layout, mu: int) -> np.ndarray:
    """Colour of every lane (blocks, W); DEAD where there is no site."""
    out = colours_of(layout.site, layout.global_extents, mu)
    out.reshape(-1)[layout.dead] = DEAD
    return out


def steps_of(colours, colour: int) -> tuple[np.ndarray, np.ndarray]:
    """(steps, blocks) that update one colour, in the order of blocks; `colours` (blocks, W) of local blocks."""
    one = (colours == colour).all(1)
    blocks = np.flatnonzero((colours == colour).any(1))
    return np.where(one[blocks], blocks, ~(blocks * COLOURS + colour)), blocks


def blocks_of(steps) -> np.ndarray:
    """Block of every step."""
    return np.where(steps >= 0, steps, ~steps // COLOURS)


def merged_steps(layout, mu: int) -> np.ndarray:
    """All colours in one program with the bits of one colour after the other, for one rank and one thread.

    Two colours of whole blocks: an odd block right after the even blocks that it reads, so that these are still in the
    cache. Else colour after colour.
    """
    n = layout.local_blocks
    colours = lane_colours(layout, mu)[:n]
    if not (colours == colours[:, :1]).all() or colours.max() > 1:
        return np.concatenate([steps_of(colours, colour)[0] for colour in range(colours.max() + 1)])
    odd = np.flatnonzero(colours[:, 0] == 1)
    first_reader = np.full(n, n)
    for nu in range(layout.ndim):
        if nu != mu:
            for table in (layout.forward, layout.backward):
                np.minimum.at(first_reader, table[odd, nu] // SEAMS, odd)
    first_reader[odd] = odd
    return np.lexsort((np.arange(n), colours[:, 0], first_reader))


def touched_by_update(layout, steps, mu: int) -> np.ndarray:
    """Units that the update of direction `mu` touches, one row per step, in the order of first use."""
    b = blocks_of(steps)
    ahead, behind, ndim = layout.sources(layout.forward), layout.sources(layout.backward), layout.ndim
    found = []
    for nu in (nu for nu in range(ndim) if nu != mu):
        found += [(y, nu) for y in ahead[mu][:, b]] + [(y, mu) for y in ahead[nu][:, b]] + [(b, nu)]
        lower = list(behind[nu][:, b])
        found += [(y, mu) for y in lower] + [(z, nu) for y in lower for z in ahead[mu][:, y]]
        found += [(y, nu) for y in lower]
    found.append((b, mu))
    return np.stack([2 * (block * ndim + d) + half for block, d in found for half in (0, 1)], 1)


def sweep_plan(layout, mu: int, colour: int | None, *, parts=1, unit_bytes=0, cache_bytes=0, far=0) -> Plan:
    """Plan of a processor: links of direction `mu` and one colour, or (None, one part) of all colours in turn."""
    late = schedule.reads_halo(layout, behind=True)
    if colour is None:
        programs = [merged_steps(layout, mu)]
        lengths = [[len(programs[0])]]
    else:
        steps, blocks = steps_of(lane_colours(layout, mu)[: layout.local_blocks], colour)
        programs, lengths = [], []
        for part in np.array_split(np.arange(len(steps)), parts):
            waits = late[blocks[part]]
            programs.append(np.concatenate([steps[part][~waits], steps[part][waits]]))
            lengths.append([int((~waits).sum()), int(waits.sum())] if late.any() else [len(part)])
    start = np.concatenate(([0], np.cumsum(np.concatenate(lengths)))).astype(np.int64)
    q0 = 2 * layout.blocks * layout.ndim
    capacity = int(schedule.L2_SHARE * cache_bytes / unit_bytes) if unit_bytes else 0
    fetch_start, fetch_units = np.zeros(start[-1] + 1, np.int64), np.zeros(1, np.int64)
    if unit_bytes and q0 * unit_bytes > FETCH_BEYOND * cache_bytes:

        def touched(layout, steps, *_):
            return touched_by_update(layout, steps, mu)

        nothing = [None] * len(programs)
        fetch_start, fetch_units = schedule.prefetch_lists(
            layout, touched, programs, nothing, q0, q0, q0, capacity, far
        )
    each = len(lengths[0])
    stages = tuple(Stage(tuple(range(k, parts * each, each)), halo=k == each - 1 and each > 1) for k in range(each))
    rows, slots = np.zeros(parts * each, np.int64), np.zeros((1, layout.blocks), np.int64)
    return Plan(start, np.concatenate(programs), rows, slots, fetch_start, fetch_units, 0, q0, q0, stages)


def sweep_launches(layout, mu: int, colour: int) -> Plan:
    """Plan of a device that runs all steps of a part at once: what reads halo blocks in a stage of its own."""
    steps, blocks = steps_of(lane_colours(layout, mu)[: layout.local_blocks], colour)
    late = schedule.reads_halo(layout, behind=True)[blocks]
    programs = [steps[~late]] + ([steps[late]] if layout.split.any() else [])
    return simple_plan(layout, programs, [Stage((k,), k > 0) for k in range(len(programs))])
