"""Wilson loops R x T whose sides in space are smeared links: their overlap with the ground state of V(R) is larger."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from gaugeflow.flow.smearing import Levels, SmearingSettings, smeared_levels
from gaugeflow.models import FrozenModel, PositiveInt
from gaugeflow.observables.loops import planar_loops, straight_lines
from gaugeflow.observables.observable import Observable, per_chain


def smeared_loops(lattice, links, smearing, levels: Sequence[int], max_r: int, max_t: int) -> np.ndarray:
    """Wilson loops Re tr W / N of extents R (space) x T (t), (chains, levels, max_r, max_t); entry [.., r - 1, t - 1].

    Lines along space are of links after `levels` steps of `smearing` among themselves, those along t of links as they
    are, made once for all levels. Mean over sites and the planes with t.
    """
    time = lattice.ndim - 1
    lines, links, out = straight_lines(lattice, links, time, max_t), lattice.copy(links), []
    for _ in smeared_levels(lattice, links, smearing, "space", levels):
        planes = [planar_loops(lattice, straight_lines(lattice, links, a, max_r), lines, a, time) for a in range(time)]
        out.append(np.mean(planes, 0))
    return np.stack(out, 1)


class SmearedLoopSettings(FrozenModel):
    """Wilson loops R x T with smeared links along space, at several levels of smearing."""

    smearing: Annotated[SmearingSettings, Field(description="one step on the space-like links")]
    levels: Levels
    max_r: Annotated[PositiveInt, Field(description="largest spatial extent R in lattice units")]
    max_t: Annotated[PositiveInt, Field(description="largest temporal extent T in lattice units")]


def _refused(settings: SmearedLoopSettings, system) -> str | None:
    space, time = min(system.extents[:-1]), system.extents[-1]
    if settings.max_r > space or settings.max_t > time:
        return (
            f"got {settings.max_r} x {settings.max_t}, wanted at most {space} x {time} "
            f"on {'x'.join(map(str, system.extents))}; larger loops wind around the lattice"
        )
    why = settings.smearing.refused(system.ndim, "space")
    return None if why is None else f"got {settings.smearing.kind}, but {why}; choose another smearing or leave it out"


OBSERVABLES = (
    Observable(
        name="smeared_loops",
        datasets={
            "loops_smeared": per_chain(
                "Wilson loops Re tr W / N of extents R + 1 (space, smeared links) x T + 1 (t), mean over sites and "
                "planes with t; one level of smearing after the other, in the order of the settings",
                ("levels", "smeared_max_r", "smeared_max_t"),
            )
        },
        measure=lambda lattice, links, settings: {
            "loops_smeared": smeared_loops(
                lattice, links, settings.smearing, settings.levels, settings.max_r, settings.max_t
            )
        },
        settings=SmearedLoopSettings,
        description="planar Wilson loops with smeared links along space, or null",
        refused=_refused,
    ),
)
