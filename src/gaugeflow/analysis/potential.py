"""Static potential from Wilson loops: effective masses, plateaus, V(R), r0, forces and Creutz ratios.

V_eff(R, T) = ln W(R, T) / W(R, T + 1)  ->  V(R) for large T                    lattice units throughout
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from gaugeflow.analysis.correlators import effective_masses, logarithmic_mass, plateau
from gaugeflow.analysis.dataset import EnsembleData
from gaugeflow.analysis.fits import Fit, fit
from gaugeflow.analysis.models import CORNELL, LinearModel, luescher
from gaugeflow.analysis.results import finite
from gaugeflow.analysis.sommer import improved_distance, midpoint, r0_of_cornell, r0_of_forces
from gaugeflow.errors import ConfigError
from gaugeflow.stats.covariance import FULL, CovarianceChoice
from gaugeflow.stats.estimate import Estimate, derive

DISTANCES: dict[str, Callable[[int], float]] = {"midpoint": midpoint, "improved": improved_distance}
"""Distance of the force V(R) - V(R - 1)."""


@dataclass(frozen=True, eq=False)
class StaticPotential:
    """Potential at R = 1 .. max_r with the effective masses it came from.

    values      R -> V(R) / a^-1
    effective   R -> (V_eff(R, 1), V_eff(R, 2), ..)
    plateaus    R -> fit of a constant to V_eff(R, T), T in `ranges`[R], both ends included
    level       smearing level of the space-like links, None: bare
    """

    label: str
    ndim: int
    values: Mapping[int, Estimate]
    effective: Mapping[int, tuple[Estimate, ...]]
    plateaus: Mapping[int, Fit]
    ranges: Mapping[int, tuple[int, int]]
    level: int | None

    def fit(
        self,
        r_min: int,
        r_max: int,
        *,
        string: bool = False,
        covariance: CovarianceChoice = FULL,
        priors: Mapping[str, tuple[float, float]] | None = None,
    ) -> Fit:
        """V0 + sigma R - alpha / R at R = r_min .. r_max; with `string` alpha is Luescher's pi (D - 2) / 24.

        Raises ConfigError for a range outside the measured one or with fewer points than parameters
        """
        model, what = self._model(string), f"{self.label}: potential from R = {r_min} to {r_max}"
        chosen = [r for r in self.values if r_min <= r <= r_max]
        if r_min not in self.values or r_max not in self.values:
            raise ConfigError(f"{what}: V(R) is there for R = {min(self.values)} .. {max(self.values)}")
        points = [self.values[r] for r in chosen]
        return fit(model, chosen, points, what=what, covariance=covariance, priors=priors)

    def _model(self, string: bool) -> LinearModel:
        return luescher(self.ndim) if string else CORNELL

    def force(self, r: int) -> Estimate:
        """V(r) - V(r - 1), the force between them; ConfigError where one is missing."""
        if r not in self.values or r - 1 not in self.values:
            raise ConfigError(f"{self.label}: force at R = {r}: V(R) is there for R = {sorted(self.values)}")
        return derive(lambda far, near: far - near, self.values[r], self.values[r - 1])

    def r0(self, distance: str = "improved") -> Estimate:
        """r0 / a by interpolation F = f0 + f1 / r^2 between the two forces around r^2 F = 1.65, or NaN with a warning.

        distance    where V(R) - V(R - 1) is the force: midpoint R - 1/2, or improved, right at tree level (4D only)
        """
        if distance not in DISTANCES or (distance == "improved" and self.ndim != 4):
            raise ConfigError(f"{self.label}: distance {distance!r}, wanted midpoint, or in four dimensions improved")
        if len(self.values) < 3:
            raise ConfigError(f"{self.label}: r0 from forces wants V at three distances, there are {len(self.values)}")
        rs = sorted(self.values)
        distances = np.array([DISTANCES[distance](r) for r in rs[1:]])
        found = derive(lambda *v: r0_of_forces(distances, np.diff(v)), *(self.values[r] for r in rs))
        if math.isfinite(found.error):
            return found
        text = (
            f"{self.label}: r0 is not defined: r^2 F(r) does not cross 1.65 between r = {distances[0]:.3g} and "
            f"{distances[-1]:.3g} in every sample; measure loops up to larger R"
        )
        return replace(found, warnings=(*found.warnings, text))

    def as_json(self) -> dict[str, Any]:
        """V(R), effective masses and plateaus as JSON types, for results.json (`details`)."""
        return {
            "kind": "potential",
            "smearing_level": self.level,
            "points": [
                {
                    "r": r,
                    "value": finite(self.values[r].value),
                    "error": finite(self.values[r].error),
                    "text": str(self.values[r]),
                    "plateau": list(self.ranges[r]),
                    "chi2": finite(self.plateaus[r].chi2),
                    "dof": self.plateaus[r].dof,
                    "p_value": finite(self.plateaus[r].p_value),
                    "covariance": asdict(self.plateaus[r].covariance),
                    "effective": [
                        {"t": t, "value": finite(mass.value), "error": finite(mass.error)}
                        for t, mass in enumerate(self.effective[r], start=1)
                    ],
                }
                for r in self.values
            ],
        }


def r0_of_fit(cornell: Fit, ndim: int = 4) -> Estimate:
    """r0 / a = sqrt((1.65 - alpha) / sigma) of a fit by `StaticPotential.fit`, alpha fitted or the string's."""
    if "alpha" in cornell.parameters:
        return derive(r0_of_cornell, cornell["sigma"], cornell["alpha"])
    coulomb = np.pi * (ndim - 2) / 24
    return derive(lambda sigma: r0_of_cornell(sigma, coulomb), cornell["sigma"])


def loop_estimates(ensemble: EnsembleData, level: int | None = None) -> dict[tuple[int, int], Estimate]:
    """(R, T) -> <W(R, T)>, T along time: bare loops, or those with space-like links smeared at `level` (0, 1, ..).

    Raises ConfigError if they were not measured
    """
    if level is None:
        series = ensemble.series("loops")
    else:
        smeared = ensemble.series("loops_smeared")
        if not 0 <= level < smeared.shape[2]:
            last = smeared.shape[2] - 1
            raise ConfigError(f"ensemble {ensemble.label}: smearing level {level}, wanted one of 0 .. {last}")
        series = smeared[:, :, level]
    return {
        (r + 1, t + 1): ensemble.estimate(series[:, :, r, t])
        for r in range(series.shape[2])
        for t in range(series.shape[3])
    }


def static_potential(
    ensemble: EnsembleData,
    ranges: tuple[int, int] | Mapping[int, tuple[int, int]],
    *,
    level: int | None = None,
    covariance: CovarianceChoice = FULL,
) -> StaticPotential:
    """V(R) from plateaus of V_eff(R, T) over `ranges`: T from .. to for all R, or R -> (from, to) for the R to use.

    Raises ConfigError before any work for a range outside the measured loops
    """
    extents = ensemble.series("loops" if level is None else "loops_smeared").shape[-2:]
    if not isinstance(ranges, Mapping):
        ranges = dict.fromkeys(range(1, extents[0] + 1), ranges)
    for r, (first, last) in ranges.items():
        if not (1 <= r <= extents[0] and 1 <= first <= last < extents[1]):
            raise ConfigError(
                f"ensemble {ensemble.label}: plateau of V(R = {r}), T = {first} .. {last}; loops are measured up to "
                f"{extents[0]} x {extents[1]}, so R = 1 .. {extents[0]} and 1 <= from <= to <= {extents[1] - 1}"
            )
    loops = loop_estimates(ensemble, level)
    effective = {r: effective_masses([loops[r, t] for t in range(1, extents[1] + 1)]) for r in ranges}
    plateaus = {
        r: plateau(effective[r], *ranges[r], what=f"{ensemble.label}: V(R = {r})", covariance=covariance, start=1)
        for r in ranges
    }
    values = {r: plateaus[r]["plateau"] for r in sorted(ranges)}
    ndim = len(ensemble.spec.extents)
    return StaticPotential(ensemble.label, ndim, values, effective, plateaus, dict(ranges), level)


def creutz_ratio(loops: Mapping[tuple[int, int], Estimate], r: int, t: int) -> Estimate:
    """chi(R, T) = -ln [W(R, T) W(R - 1, T - 1) / (W(R, T - 1) W(R - 1, T))], W(R, 0) = W(0, T) = 1.

    An estimate of the string tension that is free of constant and perimeter terms.
    """
    wanted = [(r, t), (r - 1, t - 1), (r, t - 1), (r - 1, t)]
    inner = [place for place in wanted if min(place) > 0]
    missing = [place for place in inner if place not in loops]
    if missing or min(r, t) < 1:
        raise ConfigError(f"Creutz ratio ({r}, {t}): loops {missing or wanted} are not there; measure larger ones")

    def ratio(*values: float) -> float:
        found = dict(zip(inner, values, strict=True))
        up = found[r, t] * found.get((r - 1, t - 1), 1.0)
        return logarithmic_mass(found.get((r, t - 1), 1.0) * found.get((r - 1, t), 1.0), up)

    return derive(ratio, *(loops[place] for place in inner))
