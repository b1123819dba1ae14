"""Planar Wilson loops from straight lines of links."""

from typing import Annotated

import numpy as np
from pydantic import Field

from gaugeflow.models import FrozenModel, PositiveInt
from gaugeflow.observables.observable import Observable, per_chain


def straight_lines(lattice, links, mu, longest):
    """Products of 1 .. longest links along mu, one field each."""
    line = lattice.new_line()
    lattice.take_links(links, mu, line)
    out = [line]
    for _ in range(longest - 1):
        line = lattice.new_line()
        lattice.extend_line(links, mu, out[-1], line)
        out.append(line)
    return out


def planar_loops(lattice, links_along_a, links_along_b, a, b):
    """Re tr / N averaged over sites of all loops r x s, r along a and s along b; (chains, r, s)."""
    scale = lattice.volume * lattice.n
    shifted_b = [lattice.copy(line) for line in links_along_b]  # line_b(x + r a), r grows
    out = np.empty((lattice.chains, len(links_along_a), len(links_along_b)))
    spare = lattice.new_line()
    for r, side in enumerate(links_along_a):
        top = lattice.copy(side)  # line_a(x + s b), s grows
        for s, left in enumerate(links_along_b):
            lattice.shift_line(shifted_b[s], a, spare)
            shifted_b[s], spare = spare, shifted_b[s]
            lattice.shift_line(top, b, spare)
            top, spare = spare, top
            out[:, r, s] = lattice.total(lattice.loop_sums(side, shifted_b[s], left, top))[:, 0] / scale
    return out


def wilson_loops(lattice, links, max_r: int, max_t: int) -> dict[str, np.ndarray]:
    """Planar R x T Wilson loops Re tr W / N, (chains, max_r, max_t); entry [r - 1, t - 1].

    loops      R along space directions, T along t, averaged over those planes
    loops_all  R and T along every ordered pair of different directions, averaged
    """
    ndim, longest = lattice.ndim, max(max_r, max_t)
    lines = [straight_lines(lattice, links, mu, longest) for mu in range(ndim)]
    time_like, every = [], []
    for a in range(ndim):
        for b in range(a + 1, ndim):
            square = planar_loops(lattice, lines[a], lines[b], a, b)
            every += [square[:, :max_r, :max_t], square.transpose(0, 2, 1)[:, :max_r, :max_t]]
            if b == ndim - 1:
                time_like.append(square[:, :max_r, :max_t])
    return {"loops": np.mean(time_like, 0), "loops_all": np.mean(every, 0)}


class LoopSettings(FrozenModel):
    """All planar Wilson loops R x T up to these extents."""

    max_r: Annotated[PositiveInt, Field(description="largest spatial extent R in lattice units")]
    max_t: Annotated[PositiveInt, Field(description="largest temporal extent T in lattice units")]


def _refused(settings: LoopSettings, system) -> str | None:
    smallest = min(system.extents)
    if max(settings.max_r, settings.max_t) <= smallest:
        return None
    return (
        f"got {settings.max_r} x {settings.max_t}, wanted at most {smallest} x {smallest} "
        f"on {'x'.join(map(str, system.extents))}; larger loops wind around the lattice"
    )


OBSERVABLES = (
    Observable(
        name="loops",
        datasets={
            "loops": per_chain(
                "Wilson loops Re tr W / N of extents R + 1 (space) x T + 1 (t), mean over sites and planes with t",
                ("max_r", "max_t"),
            ),
            "loops_all": per_chain(
                "Wilson loops as `loops`, mean over sites, all planes and both orientations", ("max_r", "max_t")
            ),
        },
        measure=lambda lattice, links, settings: wilson_loops(lattice, links, settings.max_r, settings.max_t),
        settings=LoopSettings,
        description="planar Wilson loops, or null",
        refused=_refused,
        hashed=True,
    ),
)
