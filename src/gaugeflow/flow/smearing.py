"""Smearing of links: stout, APE and hypercubic (HYP) steps, on space-like or on all links.

S is the sum of the staples of U along the link, over the planes of the smeared directions; n is their number.

    stout   U' = exp(rho P(S U^dagger)) U, P the group's projection                 hep-lat/0311018, eqs. (1)-(3)
    APE     U' = Proj[(1 - alpha) U + alpha / n S], or Proj[U + w S]                PLB 192 (1987) 163
    HYP     U' = Proj[(1 - alpha_1) U + alpha_1 / 6 S~], S~ of links that are smeared in the same way without the
            directions of the staple, with alpha_2 / 4, and those with alpha_3 / 2       hep-lat/0103029, eq. (2)

Proj[M] is the X of the group with the largest Re tr X^dagger M: for U(N) the polar factor, for SU(N) not the polar
factor with its determinant divided out. HYP on space-like links stays inside their cubes: alpha_2 / 4 and alpha_3 / 2.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from gaugeflow.errors import ConfigError, PhysicsError
from gaugeflow.models import FrozenModel, NonNegativeInt, Positive

Directions = Literal["space", "all"]
"""Links that are smeared, by the staples among them."""

HYP_DIMENSIONS = 4

LARGEST_DISTANCE = {"float64": 1e-12, "float32": 1e-5}
"""Relative distance from the maximum that a projected link may have; a search that settles ends at 1e-15 (6e-7)."""

Fraction = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


def _rising(levels: tuple[int, ...]) -> tuple[int, ...]:
    if any(b <= a for a, b in pairwise(levels)):
        raise ValueError("strictly rising numbers of steps")
    return levels


Levels = Annotated[
    tuple[NonNegativeInt, ...],
    Field(min_length=1, description="numbers of smearing steps, rising; 0 is not smeared"),
    AfterValidator(_rising),
]


def smeared_directions(ndim: int, directions: Directions) -> range:
    """Directions whose links are smeared."""
    return range(ndim if directions == "all" else ndim - 1)


class StoutSmearing(FrozenModel):
    """U' = exp(rho P(S U^dagger)) U."""

    kind: Literal["stout"]
    rho: Annotated[Positive, Field(le=1, description="weight of every staple")]

    def refused(self, ndim: int, directions: Directions) -> str | None:
        """Why these links cannot be smeared, None if they can."""
        return _without_staples(ndim, directions)

    def step(self, lattice, links, directions: Directions) -> None:
        """One step, in place."""
        chosen, momenta = smeared_directions(lattice.ndim, directions), lattice.new_momenta()
        lines, total = _lines(lattice, links, chosen), lattice.new_line()
        for mu in chosen:
            _sum_staples(lattice, lines, mu, total)
            lattice.staple_momenta(links, total, mu, -self.rho, momenta)
        lattice.drift(links, momenta, 1.0)


class ApeSmearing(FrozenModel):
    """U' = Proj[(1 - alpha) U + alpha / n S], n staples, or Proj[U + staple_weight S]."""

    kind: Literal["ape"]
    alpha: Annotated[Fraction | None, Field(description="weight of the mean staple beside 1 - alpha")] = None
    staple_weight: Annotated[Positive | None, Field(description="weight of every staple beside 1")] = None

    @model_validator(mode="after")
    def _one_weight(self) -> "ApeSmearing":
        if (self.alpha is None) == (self.staple_weight is None):
            raise ValueError("alpha or staple_weight, one of the two")
        return self

    def refused(self, ndim: int, directions: Directions) -> str | None:
        """Why these links cannot be smeared, None if they can."""
        return _without_staples(ndim, directions)

    def step(self, lattice, links, directions: Directions) -> None:
        """One step, in place."""
        chosen = smeared_directions(lattice.ndim, directions)
        if self.alpha is None:
            keep, add = 1.0, self.staple_weight
        else:
            keep, add = 1.0 - self.alpha, self.alpha / (2 * (len(chosen) - 1))
        lines, total = _lines(lattice, links, chosen), lattice.new_line()
        for mu in chosen:
            _sum_staples(lattice, lines, mu, total)
            lattice.put_links(_projected(lattice, lines[mu], total, keep, add), mu, links)


class HypSmearing(FrozenModel):
    """Hypercubic blocking: every staple is made of links that are smeared without leaving the hypercube of U."""

    kind: Literal["hyp"]
    alphas: Annotated[
        tuple[Fraction, ...],
        Field(min_length=3, max_length=3, description="alpha_1, alpha_2, alpha_3; space-like links use the last two"),
    ] = (0.75, 0.6, 0.3)

    def refused(self, ndim: int, directions: Directions) -> str | None:
        """Why these links cannot be smeared, None if they can."""
        return None if ndim == HYP_DIMENSIONS else f"HYP smearing is defined in {HYP_DIMENSIONS} dimensions, not {ndim}"

    def step(self, lattice, links, directions: Directions) -> None:
        """One step, in place."""
        chosen = smeared_directions(lattice.ndim, directions)
        outside = frozenset(range(lattice.ndim)) - frozenset(chosen)
        lines, total = _lines(lattice, links, range(lattice.ndim)), lattice.new_line()
        made = {}

        def fat(mu, left_out):
            """Link mu smeared by staples in all directions but those left out."""
            others = [nu for nu in range(lattice.ndim) if nu != mu and nu not in left_out]
            if not others:
                return lines[mu]
            if (mu, left_out) not in made:
                pairs = [(fat(nu, left_out | {mu}), fat(mu, left_out | {nu})) for nu in others]
                for i, (nu, (side, top)) in enumerate(zip(others, pairs, strict=True)):
                    lattice.add_staples(side, top, mu, nu, float(i > 0), total)
                alpha = self.alphas[len(left_out)]
                add = alpha / (2 * len(others))
                made[mu, left_out] = _projected(lattice, lines[mu], total, 1.0 - alpha, add)
            return made[mu, left_out]

        for mu in chosen:
            lattice.put_links(fat(mu, outside), mu, links)


SmearingSettings = Annotated[StoutSmearing | ApeSmearing | HypSmearing, Field(discriminator="kind")]


def smear(lattice, links, smearing, directions: Directions = "all", steps: int = 1) -> None:
    """Smear `links` in place, `steps` times.

    smearing     StoutSmearing, ApeSmearing or HypSmearing
    directions   "space": the links but those along t, by the staples among them; "all"

    Raises       ConfigError before anything is computed if these links cannot be smeared so;
                 PhysicsError if a link has no nearest element of the group that can be found
    """
    if (why := smearing.refused(lattice.ndim, directions)) is not None:
        raise ConfigError(f"smearing: {why}; choose another kind or another lattice")
    for _ in range(steps):
        smearing.step(lattice, links, directions)


def smeared_levels(lattice, links, smearing, directions: Directions, levels: Sequence[int]) -> Iterator[int]:
    """Smear `links` in place and pause after every number of steps in `levels`, which rise, yielding it."""
    done = 0
    for level in levels:
        smear(lattice, links, smearing, directions, level - done)
        done = level
        yield level


def _without_staples(ndim: int, directions: Directions) -> str | None:
    if len(smeared_directions(ndim, directions)) > 1:
        return None
    return f"in {ndim} dimensions space-like links have no staples among themselves"


def _lines(lattice, links, directions):
    """Links along every direction as line fields."""
    out = {}
    for mu in directions:
        out[mu] = lattice.new_line()
        lattice.take_links(links, mu, out[mu])
    return out


def _sum_staples(lattice, lines, mu, total) -> None:
    """total = the staples of the link mu among `lines`, one line field per direction."""
    for i, nu in enumerate(nu for nu in lines if nu != mu):
        lattice.add_staples(lines[nu], lines[mu], mu, nu, float(i > 0), total)


def _projected(lattice, line, total, keep, add):
    """Proj[keep line + add total] as a line field of its own."""
    out = lattice.new_line()
    left = np.max(lattice.project_line(line, total, keep, add, out))
    if not left <= LARGEST_DISTANCE[lattice.precision]:
        raise PhysicsError(
            f"smearing: a link is {left:.1e} away from the nearest element of {lattice.group} when the search ends, "
            f"wanted {LARGEST_DISTANCE[lattice.precision]:.0e}; take a smaller weight of the staples or check the links"
        )
    return out
