"""What a chunk continues, and whether there is anything left to do: read and judged before anything runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gaugeflow.config.schema import FileStart
from gaugeflow.config.spec_file import SpecFile
from gaugeflow.ensembles.archived import chunk_sha256
from gaugeflow.ensembles.atomic import remove_leftovers
from gaugeflow.ensembles.checkpoint import Progress
from gaugeflow.ensembles.links import LinkSource, Slab
from gaugeflow.ensembles.pieces import link_slabs
from gaugeflow.ensembles.reader import ChunkFile, StoredLinks, open_file
from gaugeflow.ensembles.schema import ACCEPTED_BEFORE, IMPORTED
from gaugeflow.ensembles.verify import precision_of, require_sound
from gaugeflow.errors import FileError
from gaugeflow.samplers.guard import BAND_WINDOW

OTHER_CODES = "as other codes keep them"
"""Precision of imported links: no chain's, so that a chain that starts from them moves them to the group first."""


class FileLinks:
    """Links of configuration `i` of a sound file as a source that opens it anew; a single chain is given for all.

    Raises    FileError where the file is another than that whose hash is given, or its checksums differ
    """

    def __init__(self, path: Path, content_sha256: str, i: int, shape: tuple[int, ...]) -> None:
        self._path, self._content_sha256, self._i, self.shape = path, content_sha256, i, shape

    def slabs(self) -> Iterator[tuple[Slab, np.ndarray]]:
        """Read slab by slab."""
        with open_file(self._path, "configurations") as file:
            if file.content_sha256 != self._content_sha256:
                raise FileError(f"{self._path}: was replaced while it was used; run the same command again")
            stored = StoredLinks(file, self._i)
            if stored.shape == self.shape:
                yield from stored.slabs()
                return
            for chains, times in link_slabs(self.shape):
                values = file.piece("links", (self._i, slice(0, 1), times))
                yield (chains, times), np.broadcast_to(values, (chains.stop - chains.start, *values.shape[1:]))


@dataclass(frozen=True)
class Source:
    """What a chunk continues: the last links of another file, its hash and role, and the chain's last accepted flags.

    links       read from the file when they are used
    role        "previous" (the chunk before) or "start" (a file of another ensemble)
    accepted    (at most BAND_WINDOW - 1 production trajectories of this chain, chains)
    precision   to which the links are on the group: that of a chain, or OTHER_CODES
    """

    links: LinkSource
    content_sha256: str
    role: str
    accepted: np.ndarray
    precision: str = "float64"


def read_previous(path: Path, spec: SpecFile, chunk: int) -> Source:
    """The sound chunk before `chunk` of the same ensemble.

    Raises    FileError if it is damaged, of another spec or another number
    """
    require_sound(path)
    with open_file(path, "configurations") as file:
        if file.spec_text != spec.text or file.chunk != chunk - 1:
            raise FileError(
                f"{path}: got chunk {file.chunk} of {file.ensemble_id}, wanted chunk {chunk - 1} of "
                f"{spec.ensemble_id} with the very same spec; give the chunk before this one"
            )
        links = FileLinks(path, file.content_sha256, file.n - 1, file.shape("links")[1:])
        return Source(links, file.content_sha256, "previous", _last_accepted(file), spec.spec.precision)


def _last_accepted(file: ChunkFile) -> np.ndarray:
    """Accepted flags that the acceptance window of the next chunk looks back on, thermalisation left out."""
    flags = file.dataset("history/accepted")[file.attributes["n_thermalisation"] :]
    if ACCEPTED_BEFORE in file.names:
        flags = np.concatenate([file.dataset(ACCEPTED_BEFORE), flags])
    return flags[-(BAND_WINDOW - 1) :]


def read_start(start: FileStart, shape: tuple[int, ...]) -> Source:
    """The configuration of a foreign file that a spec starts from; a single chain starts every chain.

    Raises    FileError if it is damaged, another file than the spec names, without this configuration, or of another
              shape (chains, t, ..., N, N)
    """
    path = Path(start.file)
    i = check_start(start)
    with open_file(path, "configurations") as file:
        found = file.shape("links")[1:]
        precision = OTHER_CODES if file.kind == IMPORTED else precision_of(file)
    if found[1:] != shape[1:] or found[0] not in (1, shape[0]):
        raise FileError(f"{path}: start: links have shape {found}, wanted {shape} or a single chain")
    links, accepted = FileLinks(path, start.content_sha256, i, shape), np.zeros((0, shape[0]), np.uint8)
    return Source(links, start.content_sha256, "start", accepted, precision)


def check_start(start: FileStart) -> int:
    """Number of the configuration in the sound file that a spec starts from.

    Raises    FileError if the file is missing, damaged, another one, or has no such configuration
    """
    path = Path(start.file)
    require_sound(path)
    with open_file(path, "configurations") as file:
        if file.content_sha256 != start.content_sha256:
            raise FileError(
                f"{path}: start: got content_sha256 {file.content_sha256}, wanted {start.content_sha256}; "
                "correct the study or the file"
            )
        i = file.n - 1 if start.configuration is None else start.configuration
        file.require_entry("links", i)
    return i


def published(out: Path, spec: SpecFile, chunk: int) -> bool:
    """True if `out` is there and is this chunk, archived or not; what a kill after publishing left there is removed.

    Raises    FileError if `out` is damaged or another chunk
    """
    if not out.exists():
        return False
    require_sound(out)
    with open_file(out) as file:
        chunk_sha256(file)  # refuses other kinds
        if file.spec_text != spec.text or file.chunk != chunk:
            raise FileError(
                f"{out}: holds chunk {file.chunk} of {file.ensemble_id}, wanted chunk {chunk} of {spec.ensemble_id} "
                "with the very same spec; choose another --out or remove it"
            )
    remove_leftovers(out)
    progress = Progress(out, spec.sha256, chunk)
    if progress.folder.exists():
        with progress:
            progress.finish()
    return True


def trajectory_on_disk(out: Path) -> int | None:
    """After which trajectory a chunk will go on, for its log; None where it starts, or where its state is damaged."""
    path = Progress(out, "", 0).folder / "state.h5"
    try:
        with open_file(path, "state") as file:
            return int(file.attributes["trajectory"])
    except FileError:
        return None
