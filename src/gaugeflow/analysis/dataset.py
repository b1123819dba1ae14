"""Time series of one study as its `analyse` sees them: arrays (measurements, chains, ...) per ensemble.

Chains are replica: axis 1 of every array; nothing here or later averages over chains before binning.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gaugeflow.analysis.binning import BinChoice, choose_bins
from gaugeflow.config.foreign import ForeignSpec
from gaugeflow.config.settings import AnalysisSettings
from gaugeflow.errors import ConfigError
from gaugeflow.stats.estimate import Estimate
from gaugeflow.stats.jackknife import given, jackknife

if TYPE_CHECKING:
    from gaugeflow.analysis.model_data import ModelData

DEFAULT_SETTINGS = AnalysisSettings()


@dataclass(frozen=True, eq=False)
class EnsembleData:
    """All that was measured on one ensemble.

    label             name of the ensemble in the study
    ensemble_id       content id of its physics
    spec              config's EnsembleSpec (group, extents, beta, chains, start, ...) or, of files, ForeignSpec
    trajectory        (n,) trajectory numbers of the saved configurations
    measured          name -> (n, chains, ...): plaquette and what the study asks for; axes in docs/file_format.md
    flows             kind of flow -> data along it
    flowed            name -> (n, chains, k): energy_clover, energy_plaquette, charge; and flow_time (k,); or empty.
                      Data of one flow, the first of the study or that of `along`
    history           name -> (m, ...): trajectory, delta_h, accepted, plaquette, unitarity_defect; from trajectory 0
    n_thermalisation  leading trajectories of `history` that are not production
    source            entries for Estimate.source
    inputs            file -> content_sha256
    files             records of other codes' files (ensembles.catalogue.FileRecord), configuration by configuration
    made_by           commit and version of every code that made one of the files, in words
    """

    label: str
    ensemble_id: str
    spec: Any
    trajectory: np.ndarray
    measured: Mapping[str, np.ndarray]
    history: Mapping[str, np.ndarray]
    n_thermalisation: int
    flowed: Mapping[str, np.ndarray] = field(default_factory=dict)
    flows: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    settings: AnalysisSettings = DEFAULT_SETTINGS
    source: Mapping[str, object] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    made_by: tuple[str, ...] = ()
    files: tuple[Any, ...] = ()

    @property
    def foreign(self) -> bool:
        """Whether this is an ensemble of other codes' files: no history, sampler, start, and perhaps no beta."""
        return isinstance(self.spec, ForeignSpec)

    @property
    def single(self) -> bool:
        """Whether it is one given configuration, whose measurements have no statistical error."""
        return self.foreign and self.spec.chains * len(self.trajectory) == 1

    @property
    def volume(self) -> int:
        """Number of sites."""
        return math.prod(self.spec.extents)

    @cached_property
    def bins(self) -> BinChoice:
        """The one bin size of the ensemble's measurements and how it was chosen; see `analysis.binning`."""
        if self.single:
            return BinChoice(1, "one configuration", {})
        return choose_bins(self.measured, next(iter(self.flows.values()), self.flowed), self.settings.bin_size)

    @property
    def bin_size(self) -> int:
        """Measurements per bin, one for all observables of the ensemble so that `derive` and fits can combine them."""
        return self.bins.bin_size

    def series(self, name: str) -> np.ndarray:
        """Measured time series (n, chains, ...); ConfigError naming what is there if `name` is not."""
        return _pick(self.measured, name, f"ensemble {self.label}: measured")

    def flow_series(self, name: str) -> np.ndarray:
        """Flowed time series (n, chains, k), or flow_time (k,)."""
        return _pick(self.flowed, name, f"ensemble {self.label}: flowed")

    def along(self, kind: str) -> EnsembleData:
        """The same ensemble seen through another of the study's flows: t0, w0, .. of the result are of that flow."""
        return replace(self, flowed=_pick(self.flows, kind, f"ensemble {self.label}: flows"))

    def production(self, name: str) -> np.ndarray:
        """History after thermalisation, (m, ...).

        Raises ConfigError for files of other codes, which have none
        """
        if self.foreign:
            raise ConfigError(f"ensemble {self.label}: is made of other codes' files, which have no history: no {name}")
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

        What is measured on one given configuration is a number with error 0; see `stats.jackknife.given`.

        chains           name of the subset of chains in `series`: estimates from different subsets are independent
        per_trajectory   the series has one entry per trajectory, so the study's bin size does not apply to it
        """
        key = self.label if chains == "all" else f"{self.label}|{chains}"
        key = f"{key}|trajectories" if per_trajectory else key
        if self.single:
            return given(series, function, key=key, source=self.source)
        bin_size = None if per_trajectory else self.bin_size
        return jackknife(series, function, bin_size=bin_size, key=key, source=self.source)


@dataclass(frozen=True, eq=False)
class StudyData:
    """The ensembles and trained networks of one study at one scale, in the order of the study file."""

    name: str
    title: str
    scale: str
    ensembles: tuple[EnsembleData, ...]
    settings: AnalysisSettings = DEFAULT_SETTINGS
    models: tuple[ModelData, ...] = ()

    def __iter__(self) -> Iterator[EnsembleData]:
        return iter(self.ensembles)

    def __getitem__(self, label: str) -> EnsembleData:
        for ensemble in self.ensembles:
            if ensemble.label == label:
                return ensemble
        raise ConfigError(f"study {self.name} has no ensemble {label!r}; it has {[e.label for e in self.ensembles]}")

    def labelled(self, label: str) -> tuple[ModelData, ...]:
        """The models of one entry of `networks`, one per seed.

        Raises    ConfigError if there are none
        """
        found = tuple(model for model in self.models if model.label == label)
        if not found:
            known = list(dict.fromkeys(model.label for model in self.models))
            raise ConfigError(f"study {self.name} has no network {label!r}; it has {known}")
        return found


def _pick(arrays: Mapping[str, Any], name: str, where: str) -> Any:
    if name not in arrays:
        raise ConfigError(
            f"{where} data have no {name!r}, only {sorted(arrays)}; ask for it in study.yaml and measure again"
        )
    return arrays[name]
