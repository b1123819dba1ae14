"""Writing published files: one call from arrays, one for configurations that do not fit in memory together."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from gaugeflow.config.canonical import canonical_json
from gaugeflow.ensembles.collective import CollectiveLinks
from gaugeflow.ensembles.links import LinkSource, as_source
from gaugeflow.ensembles.output import Dataset, created
from gaugeflow.ensembles.provenance import provenance
from gaugeflow.ensembles.schema import KINDS, LINKS
from gaugeflow.timing import IO, timed

__all__ = ["Configuration", "Dataset", "write_arrays", "write_batch", "write_configurations", "write_file"]


@dataclass(frozen=True)
class Configuration:
    """Links (chains, t.., x, D, N, N) of all chains at one trajectory, an array or a source, and their plaquettes.

    plaquettes    "plaquette" and, for D > 2, "plaquette_space" and "plaquette_time", each (chains,)
    """

    links: np.ndarray | LinkSource
    plaquettes: Mapping[str, np.ndarray]


def write_file(
    path: Path | str,
    kind: str,
    *,
    datasets: Mapping[str, Dataset],
    attributes: Mapping[str, str | int | float],
    spec_text: str,
    ensemble_id: str,
    chunk: int,
    inputs: Mapping[str, str],
) -> str:
    """Write one published file of `kind` from arrays and return its content_sha256.

    datasets    name -> Dataset; "history/delta_h" makes a group
    attributes  further root attributes
    spec_text   canonical JSON text of the ensemble's spec.json
    inputs      name -> content_sha256 of every file that the content was made from

    Raises      FileError if the layout is not that of `kind`, the disk is full, or what is read back differs
    """
    root = published_attributes(spec_text, ensemble_id, chunk, inputs)
    return write_arrays(path, kind, datasets=datasets, attributes={**root, **attributes})


@timed(IO)
def write_configurations(
    path: Path | str,
    *,
    configurations: Iterable[Configuration],
    trajectory: Iterable[int],
    history: Mapping[str, np.ndarray],
    n_thermalisation: int,
    spec_text: str,
    ensemble_id: str,
    chunk: int,
    inputs: Mapping[str, str],
    together: CollectiveLinks | None = None,
    permit: Callable[[], None] | None = None,
) -> str:
    """Write one chunk of configurations, holding one slab of them in memory, and return its content_sha256.

    configurations    in order; as many as `trajectory` has entries
    trajectory        (n,) numbers of the trajectories after which they were saved
    history           "trajectory" (m,), "delta_h", "accepted", "plaquette" (m, chains), "unitarity_defect" (m,)
    n_thermalisation  trajectories of this chunk's history that belong to the thermalisation (0 but for chunk 0)
    together          writes the links of all configurations instead of this rank alone
    permit            called just before the file is published; what it raises forbids that

    Raises            FileError as write_file
    """
    trajectory = np.array(list(trajectory), dtype=np.int64)
    plaquettes: dict[str, list[np.ndarray]] = {}

    def links() -> Iterator[LinkSource]:
        for configuration in configurations:
            for name, values in configuration.plaquettes.items():
                plaquettes.setdefault(name, []).append(np.asarray(values, dtype=np.float64))
            yield as_source(configuration.links)

    make = together and partial(together.lead, entries=len(trajectory))
    with created(Path(path), "configurations", make, permit) as output:
        root = published_attributes(spec_text, ensemble_id, chunk, inputs)
        output.attributes({**root, "n_thermalisation": int(n_thermalisation)})
        if together is None:
            checksums = output.stream("links", LINKS, len(trajectory), links())
        else:
            checksums = output.adopt("links", LINKS)
            deque(links(), maxlen=0)  # for the plaquettes
        output.array("checksum", Dataset(checksums))
        output.array("trajectory", Dataset(trajectory))
        for name in sorted(plaquettes):
            output.array(name, Dataset(np.array(plaquettes[name])))
        for name in sorted(history):
            output.array(f"history/{name}", Dataset(np.asarray(history[name])))
    return output.digest


@timed(IO)
def write_arrays(
    path: Path | str,
    kind: str,
    *,
    datasets: Mapping[str, Dataset],
    attributes: Mapping,
    permit: Callable[[], None] | None = None,
) -> str:
    """Write any kind of file from arrays and its own root attributes; returns content_sha256.

    permit    called just before the file takes its place; what it raises forbids that

    Raises    FileError as write_file
    """
    links = datasets["links"].data if "links" in datasets else None
    together = links if isinstance(links, CollectiveLinks) else None
    with created(Path(path), kind, together and partial(together.lead, entries=None), permit) as output:
        output.attributes(attributes)
        for name in sorted(datasets):
            if name == "links" and together is not None:
                output.adopt(name, KINDS[kind].datasets[name])
            else:
                output.array(name, datasets[name])
    return output.digest


@timed(IO)
def write_batch(
    path: Path | str,
    kind: str,
    *,
    configurations: Sequence[Configuration],
    attributes: Mapping,
    permit: Callable[[], None] | None = None,
) -> str:
    """Write restart configurations with their plaquettes, one alone where its links are collective; content_sha256.

    permit    called just before the file takes its place; what it raises forbids that

    Raises    FileError as write_file
    """
    names = sorted(configurations[0].plaquettes)
    first = configurations[0].links
    together = first if isinstance(first, CollectiveLinks) else None
    with created(Path(path), kind, together and partial(together.lead, entries=1), permit) as output:
        output.attributes(attributes)
        if together is None:
            output.stream("links", LINKS, len(configurations), (as_source(c.links) for c in configurations))
        else:
            output.adopt("links", LINKS)
        for name in names:
            output.array(name, Dataset(np.array([c.plaquettes[name] for c in configurations])))
    return output.digest


def published_attributes(spec_text: str, ensemble_id: str, chunk: int, inputs: Mapping[str, str]) -> dict:
    """Root attributes of a file that others may read."""
    return {
        "ensemble_id": ensemble_id,
        "chunk": int(chunk),
        "spec": spec_text,
        "provenance": canonical_json(provenance(inputs)),
    }
