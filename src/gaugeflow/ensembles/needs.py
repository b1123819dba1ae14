"""Who still needs the links of a chunk: the next chunk, ensembles that start from it, measurements not made yet.

Looked for in the folders of a workflow, ensembles/<id>/: spec.json, configs/, measure_<settings>/, flow_<settings>/.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gaugeflow.ensembles.archived import chunk_sha256
from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.verify import Verification, verify_file
from gaugeflow.errors import FileError

SERIES = ("measure_", "flow_")


@dataclass(frozen=True)
class Wanted:
    """What studies want of an ensemble beside what is found in its folder.

    series     ensemble_id -> names of the folders of series that a study asks for
    starts     content_sha256 of every file that an ensemble of a study starts from -> label of that ensemble
    """

    series: dict[str, frozenset[str]]
    starts: dict[str, str]


@dataclass(frozen=True)
class Held:
    """A sound chunk of configurations, links included, that somebody wants to archive."""

    path: Path
    verify: Callable[[Path], Verification] = verify_file

    @cached_property
    def identity(self) -> dict:
        """ensemble_id, chunk, content_sha256."""
        with open_file(self.path, "configurations") as file:
            return {"ensemble_id": file.ensemble_id, "chunk": file.chunk, "content_sha256": file.content_sha256}

    @property
    def content_sha256(self) -> str:
        """Hash by which others name this chunk."""
        return self.identity["content_sha256"]


def needs(held: Held, wanted: Wanted, *, final: bool, forever: bool) -> Iterator[str]:
    """Everything that still needs the links of a chunk, one sentence each.

    final      the chain will not be continued: its last chunk may go
    forever    the links will exist nowhere: what was made from them must be there and could not be made again

    Raises     FileError if the spec of another ensemble cannot be read
    """
    yield from _next_chunk(held, final)
    yield from _starts(held, wanted, forever)
    yield from _series(held, wanted)


def _next_chunk(held: Held, final: bool) -> Iterator[str]:
    number = held.identity["chunk"] + 1
    following = held.path.with_name(f"{number:04d}.h5")
    if following.with_name(following.name + ".partial").exists() and not following.exists():
        yield f"chunk {number} is unfinished and continues it: finish it, or delete {following}.partial"
    elif not following.exists():
        if not final:
            yield "it is the last chunk of its chain, which could not be continued: say --final if it is to end here"
    elif problem := _not_made_from(held, following, "previous"):
        yield f"{following} {problem}: it could not be made again"


def _starts(held: Held, wanted: Wanted, forever: bool) -> Iterator[str]:
    if held.content_sha256 in wanted.starts:
        yield f"ensemble {wanted.starts[held.content_sha256]} of a study starts from it"
    if len(held.path.absolute().parents) < 3:
        return
    for spec in sorted(held.path.absolute().parents[2].glob("*/spec.json")):
        if _start_of(spec) != held.content_sha256:
            continue
        first = spec.parent / "configs" / "0000.h5"
        if not first.exists():
            yield f"ensemble {spec.parent.name} starts from it and has no chunk yet"
        elif forever:
            yield f"ensemble {spec.parent.name} starts from it and could not be made again: move it, do not delete it"
        elif problem := _not_made_from(held, first, "start"):
            yield f"ensemble {spec.parent.name} starts from it, and its {first.name} {problem}"


def _start_of(spec: Path) -> str | None:
    """content_sha256 of the file that an ensemble starts from, None if it starts from none."""
    try:
        content = json.loads(spec.read_text(encoding="utf-8"))["spec"]
        start = None if content.get("kind") == "foreign" else content["start"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f"{spec}: cannot be read ({error}), so what that ensemble starts from is not known") from error
    return start.get("content_sha256") if isinstance(start, dict) else None


def _series(held: Held, wanted: Wanted) -> Iterator[str]:
    ensemble = held.path.absolute().parents[1]
    found = {path.name for path in ensemble.glob("*_*") if path.is_dir() and path.name.startswith(SERIES)}
    asked = wanted.series.get(held.identity["ensemble_id"], frozenset())
    if not any(name.startswith("measure_") for name in found | asked):
        yield f"there are no measurements of it ({ensemble}/measure_*)"
    for name in sorted(found | asked):
        path = ensemble / name / held.path.name
        if problem := _not_made_from(held, path, "configurations"):
            yield f"{path} {problem}: make it first"


def _not_made_from(held: Held, path: Path, role: str) -> str:
    """What keeps a file from being a sound one that was made from the chunk; empty if nothing does."""
    if not path.exists():
        return "is missing"
    result = held.verify(path)
    if not result.ok:
        return f"is not sound ({result.problems[0]})"
    with open_file(path) as file:
        made_from = file.provenance.get("inputs", {}).get(role)
        if role != "configurations":
            chunk_sha256(file)  # refuses other kinds
    return "" if made_from == held.content_sha256 else "was not made from it"
