"""What an observable of the measure stage is: its key in a study, its datasets, and the function that measures it.

A module of this package that measures something lists its records in OBSERVABLES; `registry` finds them there, and the
study's schema, the measure stage, the file format and its documentation follow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Entry:
    """One dataset: its little-endian dtype, the names of its axes, its unit and what it is."""

    dtype: str
    axes: tuple[str, ...]
    units: str
    description: str
    required: bool = True


def per_chain(description: str, axes: tuple[str, ...] = (), *, dtype: str = "<f8", required: bool = False) -> Entry:
    """A dimensionless dataset (n, chains, *axes).

    axes   names, one size each throughout a file: two observables share one only where their sizes agree
    """
    return Entry(dtype, ("n", "chains", *axes), "1", description, required)


def _always(settings: Any, system: Any) -> None:
    return None


@dataclass(frozen=True)
class Observable:
    """One family of numbers per configuration.

    name         its key under `measure` of a study
    datasets     name -> Entry of everything that it measures
    measure      (lattice, links, settings) -> {name of a dataset: array (chains, ...)}; `links` stay as they are
    settings     type of the key: a FrozenModel, whose absence means that it is not wanted, or bool; None: no key, it is
                 measured wherever it is defined
    description  of the key, for editors
    refused      (settings, system) -> why it is not defined there, None if it is; `system` is a lattice, a spec or
                 anything else with group, extents and ndim. Asked for in a study it is an error before any work
    hashed       the key stands in the text that names the settings even where it is not wanted, as it did before keys
                 could be left out
    """

    name: str
    datasets: Mapping[str, Entry]
    measure: Callable[..., dict[str, np.ndarray]]
    settings: Any = None
    description: str = ""
    refused: Callable[[Any, Any], str | None] = _always
    hashed: bool = False
