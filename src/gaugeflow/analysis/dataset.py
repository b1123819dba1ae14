"""Time series of one study as its `analyse` sees them: arrays (measurements, chains, ...) per ensemble.

Chains are replica: axis 1 of every array; nothing here or later averages over chains before binning.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from gaugeflow.config.settings import AnalysisSettings
from gaugeflow.errors import ConfigError
from gaugeflow.stats.autocorrelation import gamma_method
from gaugeflow.stats.estimate import Estimate
from gaugeflow.stats.jackknife import automatic_bin_size, jackknife

DEFAULT_SETTINGS = AnalysisSettings()


@dataclass(frozen=True, eq=False)
class EnsembleData:
    """All that was measured on one ensemble.

    label             name of the ensemble in the study
    ensemble_id       content id of its physics
    spec              config's EnsembleSpec (group, extents, beta, chains, start, ...)
    trajectory        (n,) trajectory numbers of the saved configurations
    measured          name -> (n, chains, ...): plaquette and what the study asks for; axes in docs/file_format.md
    flowed            name -> (n, chains, k): energy_clover, energy_plaquette, charge; and flow_time (k,); or empty
    history           name -> (m, ...): trajectory, delta_h, accepted, plaquette, unitarity_defect; from trajectory 0
    n_thermalisation  leading trajectories of `history` that are not production
    source            entries for Estimate.source
    inputs            file -> content_sha256
    """

    label: str
    ensemble_id: str
    spec: Any
    trajectory: np.ndarray
    measured: Mapping[str, np.ndarray]
    history: Mapping[str, np.ndarray]
    n_thermalisation: int
    flowed: Mapping[str, np.ndarray] = field(default_factory=dict)
    settings: AnalysisSettings = DEFAULT_SETTINGS
    source: Mapping[str, object] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def volume(self) -> int:
        """Number of sites."""
        return math.prod(self.spec.extents)

    @cached_property
    def bin_size(self) -> int:
        """Measurements per bin, one for all observables of the ensemble so that `derive` can combine them.

        The study's bin_size, or the automatic one of the slowest of plaquette, charge, Polyakov loop and flowed energy.
        """
        if self.settings.bin_size is not None:
            return self.settings.bin_size
        slowest = [np.abs(self.measured[name]) for name in ("plaquette", "charge", "polyakov") if name in self.measured]
        if "energy_clover" in self.flowed:
            slowest.append(self.flowed["energy_clover"][:, :, -1])
        tau_int = max((gamma_method(series).tau_int for series in slowest), default=0.5)
        n, chains = slowest[0].shape
        return automatic_bin_size(n, chains, tau_int)

    def series(self, name: str) -> np.ndarray:
        """Measured time series (n, chains, ...); ConfigError naming what is there if `name` is not."""
        return _pick(self.measured, name, f"ensemble {self.label}: measured")

    def flow_series(self, name: str) -> np.ndarray:
        """Flowed time series (n, chains, k), or flow_time (k,)."""
        return _pick(self.flowed, name, f"ensemble {self.label}: flowed")

    def production(self, name: str) -> np.ndarray:
        """History after thermalisation, (m, ...)."""
        return _pick(self.history, name, f"ensemble {self.label}: history")[self.n_thermalisation :]

    def estimate(
        self,
        series: np.ndarray,
        function: Callable[[np.ndarray], float] | None = None,
        *,
        chains: str = "all",
        per_trajectory: bool = False,
    ) -> Estimate:
        """Jackknife estimate with this ensemble's bins, key and source; see `stats.jackknife.jackknife`.

        chains           name of the subset of chains in `series`: estimates from different subsets are independent
        per_trajectory   the series has one entry per trajectory, so the study's bin size does not apply to it
        """
        key = self.label if chains == "all" else f"{self.label}|{chains}"
        key = f"{key}|trajectories" if per_trajectory else key
        bin_size = None if per_trajectory else self.bin_size
        return jackknife(series, function, bin_size=bin_size, key=key, source=self.source)


@dataclass(frozen=True, eq=False)
class StudyData:
    """The ensembles of one study at one scale, in the order of the study file."""

    name: str
    title: str
    scale: str
    ensembles: tuple[EnsembleData, ...]
    settings: AnalysisSettings = DEFAULT_SETTINGS

    def __iter__(self) -> Iterator[EnsembleData]:
        return iter(self.ensembles)

    def __getitem__(self, label: str) -> EnsembleData:
        for ensemble in self.ensembles:
            if ensemble.label == label:
                return ensemble
        raise ConfigError(f"study {self.name} has no ensemble {label!r}; it has {[e.label for e in self.ensembles]}")


def _pick(arrays: Mapping[str, np.ndarray], name: str, where: str) -> np.ndarray:
    if name not in arrays:
        raise ConfigError(
            f"{where} data have no {name!r}, only {sorted(arrays)}; ask for it in study.yaml and measure again"
        )
    return arrays[name]
