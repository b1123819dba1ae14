"""HDF5 layout, version 1: every name, shape, unit and meaning in one table.  For readers: docs/file_format.md.

Root attributes of every file are in ROOT; what a kind of file holds is its entry in KINDS. A new kind is a new entry.
Axes are names bound to one size throughout a file; "*sites" stands for t, [z, [y,]] x, with x fastest.
"""

from dataclasses import dataclass

from gaugeflow.observables.energy import PLAQUETTES
from gaugeflow.observables.observable import Entry
from gaugeflow.observables.registry import all_datasets

FORMAT = "gaugeflow"
VERSION = 1
DIGEST = "content_sha256"

HDF5_BOUNDS = ("v110", "v110")
"""Oldest and newest HDF5 format used; 1.10 has a checksum in every piece of metadata."""

ROOT: dict[str, type] = {
    "format": str,
    "version": int,
    "kind": str,
    "ensemble_id": str,
    "chunk": int,
    "spec": str,
    "provenance": str,
    DIGEST: str,
}
"""Attributes of the root group that every published file has; spec and provenance are canonical JSON."""


@dataclass(frozen=True)
class Kind:
    """What one kind of file holds; with `extra` set, further datasets may follow if their axes start so."""

    datasets: dict[str, Entry]
    attributes: dict[str, type]
    extra: tuple[str, ...] | None = None
    root: dict[str, type] | None = None

    @property
    def root_attributes(self) -> dict[str, type]:
        """All attributes that the root group must have."""
        return {**(ROOT if self.root is None else self.root), **self.attributes}


LINK_AXES = ("chains", "*sites", "D", "N", "N")

LINKS = Entry("<c16", ("n", *LINK_AXES), "1", "links U[configuration, chain, t.., x, mu, a, b], mu = 0 is x")
TRAJECTORY = Entry("<i8", ("n",), "trajectories", "number of the trajectory after which the links were saved, from 0")

HISTORY = {
    "history/trajectory": Entry("<i8", ("m",), "trajectories", "number of each trajectory of this chunk, from 0"),
    "history/delta_h": Entry("<f8", ("m", "chains"), "1", "H' - H of the proposal; 0 for samplers that reject nothing"),
    "history/accepted": Entry("|u1", ("m", "chains"), "1", "1 where the step was accepted or can only be, else 0"),
    "history/plaquette": Entry("<f8", ("m", "chains"), "1", "plaquette after the trajectory"),
    "history/unitarity_defect": Entry("<f8", ("m",), "1", "largest |U^dagger U - 1| over all chains after it"),
}

ACCEPTED_BEFORE = "history/accepted_before"
"""Present where the acceptance window of the next chunk reaches further back than this chunk."""

ARCHIVED = "archived_configurations"
"""Kind of the small file that stands where a chunk of configurations stood whose links were archived."""

CATALOGUE, IMPORTED = "catalogue", "imported"
"""Kinds made from other codes' files: everything but their links, and one file with its links."""

READ_AS = {IMPORTED: "configurations"}
"""Kinds that are taken where another is wanted."""

_FLOW_AXES = ("n", "chains", "k")

CHARGES = {
    "charge": "clover",
    "charge_improved": "5/3 clover - 1/6 rectangles (4D)",
    "charge_5li": "five loops, hep-lat/9701012 (4D)",
    "charge_plaquette": "field strength from one plaquette (4D)",
}


def field_strength_entries(axes: tuple[str, ...]) -> dict[str, Entry]:
    """Energies and charges of the field strength, over the lattice and per time slice; the settings have its trace."""
    parts = {"space": "without t (3D, 4D)", "time": "with t (3D, 4D)"}
    entries = {
        f"energy_clover_{name}": Entry("<f8", axes, "a^-4", f"E clover per site, planes {which}", required=False)
        for name, which in parts.items()
    }
    entries["energy_slices"] = Entry("<f8", (*axes, "T"), "a^-4", "E clover summed over a time slice", required=False)
    for name, which in CHARGES.items():
        if name != "charge":
            entries[name] = Entry("<f8", axes, "1", f"topological charge: {which}", required=False)
        text = f"topological charge in a time slice: {which}"
        entries[f"{name}_slices"] = Entry("<f8", (*axes, "T"), "1", text, required=False)
    return entries


KINDS: dict[str, Kind] = {
    "configurations": Kind(
        datasets={
            "links": LINKS,
            "trajectory": TRAJECTORY,
            "checksum": Entry("<u4", ("n", "chains"), "1", "crc32 of the little-endian bytes of links[n, chain]"),
            **PLAQUETTES,
            **HISTORY,
            ACCEPTED_BEFORE: Entry(
                "|u1", ("w", "chains"), "1", "accepted of the production trajectories before this chunk", required=False
            ),
        },
        attributes={"n_thermalisation": int},
    ),
    "measurements": Kind(
        datasets={"trajectory": TRAJECTORY, **all_datasets()},
        attributes={},
        extra=("n", "chains"),
    ),
    "flow": Kind(
        datasets={
            "trajectory": TRAJECTORY,
            "flow_time": Entry("<f8", ("k",), "a^2", "flow time t / a^2"),
            "energy_plaquette": Entry("<f8", _FLOW_AXES, "a^-4", "E per site, 2 sum Re tr (1 - U_p)"),
            "energy_clover": Entry("<f8", _FLOW_AXES, "a^-4", "E per site, -sum tr F F, F clover"),
            "charge": Entry(
                "<f8", _FLOW_AXES, "1", "topological charge: clover (4D) or geometric (2D U(N))", required=False
            ),
            **field_strength_entries(_FLOW_AXES),
        },
        attributes={},
        extra=("n", "chains"),
    ),
    # Restart files of an unfinished chunk: never inputs of another stage, so without spec and provenance.
    "state": Kind(
        datasets={
            "links": Entry("<c16", LINK_AXES, "1", "links after the last finished trajectory"),
            **{name: Entry(e.dtype, e.axes, e.units, e.description) for name, e in HISTORY.items()},
        },
        attributes={"trajectory": int, "n_saved": int},
        root={"format": str, "version": int, "kind": str, "spec_sha256": str, "chunk": int, DIGEST: str},
    ),
    "saved_configurations": Kind(
        datasets={"links": LINKS, **PLAQUETTES},
        attributes={"first": int},
        root={"format": str, "version": int, "kind": str, "spec_sha256": str, "chunk": int, DIGEST: str},
    ),
}

KINDS[ARCHIVED] = Kind(
    datasets={name: entry for name, entry in KINDS["configurations"].datasets.items() if name != "links"},
    attributes={**KINDS["configurations"].attributes, "archived_sha256": str, "links_lines": str},
)

_CHAINS = ("n", "chains")
FOREIGN = {
    "trajectory": TRAJECTORY,
    "links_checksum": Entry("<u4", (*_CHAINS, "2"), "1", "SciDAC checksum (suma, sumb) of the links in ILDG order"),
    **PLAQUETTES,
    "link_trace": Entry("<f8", _CHAINS, "1", "Re tr U / N, mean over links"),
    "unitarity_defect": Entry("<f8", _CHAINS, "1", "largest |U^dagger U - 1| over elements"),
    "determinant_defect": Entry("<f8", _CHAINS, "1", "largest |det U - 1|, for U(N) ||det U| - 1|"),
}
KINDS[CATALOGUE] = Kind(datasets=FOREIGN, attributes={"files": str})
KINDS[IMPORTED] = Kind(
    datasets={**FOREIGN, **{name: KINDS["configurations"].datasets[name] for name in ("links", "checksum")}},
    attributes={"files": str},
)

TRAINING, PREDICTIONS = "training", "predictions"
"""Kinds that networks make: the history of a training, and what a model says of an ensemble."""

KINDS[TRAINING] = Kind(
    datasets={
        "epoch": Entry("<i8", ("e",), "epochs", "number of each epoch, from 0"),
        "training_loss": Entry("<f8", ("e",), "1", "mean squared error over the epoch, while weights changed"),
        "validation_loss": Entry("<f8", ("e",), "1", "mean squared error of the chains kept aside, after the epoch"),
        "learning_rate": Entry("<f8", ("e",), "1", "learning rate of the epoch"),
        "gradient_norm": Entry("<f8", ("e",), "1", "largest norm of a gradient in the epoch, before it is clipped"),
        "seconds": Entry("<f8", ("e",), "s", "wall time of the epoch, validation included"),
    },
    attributes={"model_id": str, "settings": str, "best_epoch": int, "weights_sha256": str},
    root={"format": str, "version": int, "kind": str, "provenance": str, DIGEST: str},
)
KINDS[PREDICTIONS] = Kind(
    datasets={
        "trajectory": TRAJECTORY,
        "prediction": Entry("<f8", _CHAINS, "1", "mean over sites of what the model predicts"),
        "rotated_prediction": Entry("<f8", _CHAINS, "1", "the same after a random gauge transformation of the links"),
        "target": Entry("<f8", _CHAINS, "1", "mean over sites of what it should predict, from the links"),
        "local_mse": Entry("<f8", _CHAINS, "1", "mean over sites of (prediction - target)^2"),
        "local_target_variance": Entry("<f8", _CHAINS, "1", "mean over sites of (target - its mean over sites)^2"),
        "local_covariance": Entry(
            "<f8", _CHAINS, "1", "mean over sites of (prediction - its mean) (target - its mean), means over sites"
        ),
    },
    attributes={"model_id": str, "model_sha256": str, "target_name": str, "precision": str},
    root={
        "format": str,
        "version": int,
        "kind": str,
        "ensemble_id": str,
        "spec": str,
        "provenance": str,
        DIGEST: str,
    },
)


def first_trajectory(spec: dict, chunk: int) -> int:
    """Number of the first trajectory in the history of `chunk`: chunk 0 starts with the thermalisation, at 0."""
    if chunk == 0:
        return 0
    return spec["thermalisation"] + chunk * spec["configs_per_chunk"] * spec["save_every"]


def saved_trajectories(spec: dict, chunk: int) -> range:
    """Numbers of the trajectories after which the configurations of `chunk` are saved.

    Trajectories count from 0; thermalisation is the first `thermalisation` of them; then every save_every-th is saved:
    configuration j of the whole chain follows trajectory thermalisation + (j + 1) save_every - 1.
    """
    first = spec["thermalisation"] + (chunk * spec["configs_per_chunk"] + 1) * spec["save_every"] - 1
    return range(first, first + spec["configs_per_chunk"] * spec["save_every"], spec["save_every"])
