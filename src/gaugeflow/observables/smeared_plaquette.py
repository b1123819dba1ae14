"""The plaquette against the number of smearing steps: how fast a smearing makes links smooth."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from gaugeflow.flow.smearing import Directions, Levels, SmearingSettings, smeared_levels
from gaugeflow.models import FrozenModel
from gaugeflow.observables.energy import plaquettes
from gaugeflow.observables.observable import Observable, per_chain


def smeared_plaquette(lattice, links, smearing, directions: Directions, levels: Sequence[int]) -> np.ndarray:
    """Re tr U_p / N averaged over sites and planes after `levels` steps of `smearing`, (chains, levels)."""
    links = lattice.copy(links)
    out = [plaquettes(lattice, links).mean(1) for _ in smeared_levels(lattice, links, smearing, directions, levels)]
    return np.stack(out, 1)


class SmearedPlaquetteSettings(FrozenModel):
    """Plaquette of smeared links at several levels of smearing."""

    smearing: Annotated[SmearingSettings, Field(description="one step")]
    directions: Annotated[Directions, Field(description="links that are smeared, by the staples among them")] = "all"
    levels: Levels


def _refused(settings: SmearedPlaquetteSettings, system) -> str | None:
    why = settings.smearing.refused(system.ndim, settings.directions)
    return None if why is None else f"got {settings.smearing.kind}, but {why}; choose another smearing or leave it out"


OBSERVABLES = (
    Observable(
        name="smeared_plaquette",
        datasets={
            "plaquette_smeared": per_chain(
                "Re tr U_p / N of smeared links, mean over sites and planes; one level of smearing after the other, in "
                "the order of the settings",
                ("plaquette_levels",),
            )
        },
        measure=lambda lattice, links, settings: {
            "plaquette_smeared": smeared_plaquette(
                lattice, links, settings.smearing, settings.directions, settings.levels
            )
        },
        settings=SmearedPlaquetteSettings,
        description="plaquette of smeared links, or null",
        refused=_refused,
    ),
)
