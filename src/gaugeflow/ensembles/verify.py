"""Is a file what it says?  Structure and hash for every kind; links, plaquettes and numbering for configurations.

Of a catalogue only the catalogue is judged: its files are when their links are read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gaugeflow.conventions import GAUGE_GROUPS
from gaugeflow.ensembles.archived import proved_sha256
from gaugeflow.ensembles.catalogue import file_records
from gaugeflow.ensembles.gauge_checks import judge_links
from gaugeflow.ensembles.reader import ChunkFile, StoredLinks, open_file
from gaugeflow.ensembles.schema import (
    ARCHIVED,
    CATALOGUE,
    IMPORTED,
    PREDICTIONS,
    TRAINING,
    first_trajectory,
    saved_trajectories,
)
from gaugeflow.errors import FileError
from gaugeflow.formats.tolerances import TOLERANCES

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
"""Largest unitarity defect, and largest deviation of a stored plaquette from the recomputed one, by the precision of
the chain: some rounding errors of a few operations, 1e-16 or 6e-8 each."""


@dataclass(frozen=True)
class Verification:
    """Outcome for one file: what is wrong with it (nothing if `ok`), and what it holds."""

    path: str
    problems: tuple[str, ...]
    summary: dict

    @property
    def ok(self) -> bool:
        """True if nothing is wrong."""
        return not self.problems


def verify_file(path: Path | str, deep: bool = True) -> Verification:
    """Judge one file; never raises for a bad one. Memory is bounded by a few time slices.

    deep    also recompute the content hash, and for configurations the checksums, the distance of the links from the
            group and the plaquettes (both to `TOLERANCE`), and compare trajectory numbers and history with the spec;
            for archived ones, the content hash of the archived file from what is here
    """
    try:
        with open_file(path) as file:
            summary = _summary(file)
            problems = _spec_problems(file)
            if deep and not problems:
                problems = list(_content_problems(file))
            return Verification(str(path), tuple(problems), summary)
    except FileError as error:
        return Verification(str(path), (_bare(error, path),), {})


def require_sound(path: Path | str) -> None:
    """Refuse a file that fails the deep check; every stage calls it on its inputs.

    Raises    FileError
    """
    result = verify_file(path)
    if not result.ok:
        more = f" (and {len(result.problems) - 1} more problems)" if result.problems[1:] else ""
        raise FileError(f"{path}: {result.problems[0]}{more}; not used")


def missing_chunks(folder: Path) -> list[str]:
    """Names of the chunk files that a folder lacks between its first and its last one (0000.h5, 0002.h5: 0001.h5)."""
    present = {int(path.stem) for path in folder.glob("*.h5") if path.stem.isdigit()}
    return [f"{k:04d}.h5" for k in range(min(present), max(present)) if k not in present] if present else []


def _bare(error: FileError, name: Path | str) -> str:
    return str(error).removeprefix(f"{name}: ")


def _summary(file: ChunkFile) -> dict:
    keys = ("kind", "ensemble_id", "model_id", "chunk", "content_sha256")
    summary = {key: file.attributes[key] for key in keys if key in file.attributes}
    if "trajectory" in file.names:
        summary["configurations"] = file.n
    if file.kind in ("configurations", ARCHIVED):
        summary["chains"] = file.shape("checksum")[1]
    if file.kind in (CATALOGUE, IMPORTED):
        summary["chains"] = file.shape("links_checksum")[1]
    if file.kind == PREDICTIONS:
        summary["chains"] = file.shape("prediction")[1]
    if file.kind == TRAINING:
        summary["epochs"] = file.shape("epoch")[0]
    return summary


def _spec_problems(file: ChunkFile) -> list[str]:
    """Does the spec read, and does the file carry its identity?"""
    if "spec" not in file.attributes:
        return []
    try:
        named = file.spec.get("ensemble_id", file.ensemble_id)
        file.provenance  # noqa: B018 - must parse
    except FileError as error:
        return [_bare(error, file.name)]
    return [] if named == file.ensemble_id else [f"ensemble_id is {file.ensemble_id}, its spec says {named}"]


def _content_problems(file: ChunkFile) -> Iterator[str]:
    if file.recompute_digest() != file.content_sha256:
        yield "content differs from content_sha256: damaged or edited; delete it and run the command that made it again"
        return  # whatever else is wrong follows from this
    for name in file.names:
        if name != "links" and not np.isfinite(file.dataset(name)).all():
            yield f"{name} has values that are not finite"
    if file.kind == ARCHIVED:
        if proved_sha256(file) != file.attributes["archived_sha256"]:
            yield "what is here does not belong to the archived file that it names"
        yield from _numbering_problems(file, _known(file.spec.get("spec")))
    if file.kind == "configurations":
        spec = _known(file.spec.get("spec"))
        yield from _shape_problems(file, spec)
        yield from _numbering_problems(file, spec)
        yield from _links_problems(file, spec)
    if file.kind in (CATALOGUE, IMPORTED):
        spec = _known(file.spec.get("spec"))
        yield from _foreign_problems(file, spec)
    if file.kind == IMPORTED:
        yield from _shape_problems(file, spec)
        yield from _links_problems(file, spec)


def _foreign_problems(file: ChunkFile, spec: dict) -> Iterator[str]:
    """Do the list of files, the numbers beside it and the spec agree?"""
    try:
        file_records(file)
    except FileError as error:
        yield _bare(error, file.name)
    n, chains = file.shape("links_checksum")[:2]
    if chains != spec.get("chains", chains):
        yield f"has {chains} chains, the spec says {spec['chains']}"
    if n > spec.get("configs_per_chunk", n):
        yield f"has {n} configurations, the spec says at most {spec['configs_per_chunk']} in a chunk"
    if np.any(np.diff(file.dataset("trajectory")) <= 0):
        yield "trajectories do not rise"


def _links_problems(file: ChunkFile, spec: dict) -> Iterator[str]:
    precision = precision_of(file)
    allowed = TOLERANCES[precision].group if file.kind == IMPORTED else TOLERANCE[precision]
    special = str(spec.get("group", "")).startswith("SU")
    for i in range(file.n):
        yield from _configuration_problems(file, i, special, allowed)


SPEC_TYPES = {
    "group": str,
    "extents": list,
    "chains": int,
    "thermalisation": int,
    "save_every": int,
    "configs_per_chunk": int,
}
"""What of the spec is compared with the file; the rest belongs to other versions of the code as much as to this one."""


def _known(spec: object) -> dict:
    """The entries of the spec that are compared, where they are there and of their type."""
    found = spec if isinstance(spec, dict) else {}
    return {key: found[key] for key, kind in SPEC_TYPES.items() if isinstance(found.get(key), kind)}


def precision_of(file: ChunkFile) -> str:
    """Precision of the chain of a file: that of its spec, where the default is not written; imported: of its origin."""
    if file.kind == IMPORTED:
        return file_records(file)[0].precision
    spec = file.spec.get("spec")
    found = spec.get("precision") if isinstance(spec, dict) else None
    return found if isinstance(found, str) and found in TOLERANCE else "float64"


def _configuration_problems(file: ChunkFile, i: int, special: bool, allowed: float) -> Iterator[str]:
    links = StoredLinks(file, i)
    defect, means = judge_links(links.slabs(), links.shape, special=special)
    if not defect <= allowed:
        yield f"configuration {i}: links are off the group by {defect:.3g}, allowed {allowed}"
    for name, value in means.items():
        if name not in file.names:
            yield f"{name} is missing"
            continue
        deviation = np.abs(value - file.entry(name, i)).max()
        if not deviation <= allowed:
            yield f"configuration {i}: stored {name} differs from the links' by {deviation:.3g}, allowed {allowed}"


def _shape_problems(file: ChunkFile, spec: dict) -> Iterator[str]:
    """Links against extents, group and chains of the spec."""
    shape = file.shape("links")
    found = {"extents": list(shape[2:-3][::-1]), "N": shape[-1], "chains": shape[1]}
    group = GAUGE_GROUPS.get(spec.get("group"))
    wanted = {
        "extents": spec.get("extents", found["extents"]),
        "N": group.n if group else found["N"],
        "chains": spec.get("chains", found["chains"]),
    }
    yield from (
        f"links have {key} {found[key]}, the spec says {wanted[key]}" for key in found if found[key] != wanted[key]
    )


def _numbering_problems(file: ChunkFile, spec: dict) -> Iterator[str]:
    """Trajectory numbers: a history without gaps, saved ones inside it, both where the spec puts them."""
    trajectory, history = file.dataset("trajectory"), file.dataset("history/trajectory")
    thermalisation = file.attributes["n_thermalisation"]
    if len(history) == 0 or np.any(np.diff(history) != 1):
        yield "history/trajectory has gaps or is empty"
        return
    if np.any(np.diff(trajectory) <= 0) or trajectory[-1] != history[-1] or trajectory[0] < history[0] + thermalisation:
        yield "saved trajectories are not inside the history of the chunk, or do not end with it"
    if not {"thermalisation", "save_every", "configs_per_chunk"} <= spec.keys():
        return
    if list(trajectory) != list(saved_trajectories(spec, file.chunk)):
        wanted = saved_trajectories(spec, file.chunk)
        yield (
            f"saved trajectories are {trajectory[0]} .. {trajectory[-1]} ({len(trajectory)}), "
            f"the spec says {wanted[0]} .. {wanted[-1]} in steps of {wanted.step} ({len(wanted)})"
        )
    if history[0] != first_trajectory(spec, file.chunk):
        yield f"the history starts at trajectory {history[0]}, the spec says {first_trajectory(spec, file.chunk)}"
    if thermalisation != (spec["thermalisation"] if file.chunk == 0 else 0):
        yield f"n_thermalisation is {thermalisation}, which is not that of chunk {file.chunk} in the spec"
