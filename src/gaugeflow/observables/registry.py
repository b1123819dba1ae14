"""The observables of the measure stage, found in the modules of this package: adding one is adding a file here."""

import importlib
import pkgutil
from collections.abc import Sequence
from typing import Any

import numpy as np

import gaugeflow.observables as package
from gaugeflow.errors import ConfigError
from gaugeflow.observables.observable import Entry, Observable


def _found() -> list[Observable]:
    """The records of all modules, in the order of their names."""
    records: list[Observable] = []
    for name in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        if name != "registry":
            records += getattr(importlib.import_module(f"{package.__name__}.{name}"), "OBSERVABLES", ())
    return records


def registered(records: Sequence[Observable]) -> tuple[Observable, ...]:
    """The records; ConfigError if two have one name or one dataset."""
    for names in ([o.name for o in records], [dataset for o in records for dataset in o.datasets]):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"observables: {', '.join(twice)} stands in two records; rename one")
    return tuple(records)


OBSERVABLES = registered(_found())


def all_datasets() -> dict[str, Entry]:
    """Name -> Entry of everything that may be measured."""
    return {name: entry for observable in OBSERVABLES for name, entry in observable.datasets.items()}


def wanted(settings: Any, system: Any) -> list[tuple[Observable, Any]]:
    """(observable, its settings) of all that are asked for, or that are measured wherever they are defined.

    settings  config's MeasureSettings
    system    anything with group, extents and ndim
    """
    out = []
    for observable in OBSERVABLES:
        own = getattr(settings, observable.name) if observable.settings is not None else None
        if own or (observable.settings is None and observable.refused(None, system) is None):
            out.append((observable, own))
    return out


def check_measure(settings: Any, system: Any, where: str) -> None:
    """ConfigError if an observable that is asked for is not defined on `system`.

    where   file and key path of the settings, for the message
    """
    for observable, own in wanted(settings, system):
        if (why := observable.refused(own, system)) is not None:
            raise ConfigError(f"{where}.{observable.name}: {why}")


def measure_all(lattice, links, settings) -> dict[str, np.ndarray]:
    """Every wanted observable of one configuration of all chains, {dataset: (chains, ...)}."""
    out: dict[str, np.ndarray] = {}
    for observable, own in wanted(settings, lattice):
        out |= observable.measure(lattice, links, own)
    return out
