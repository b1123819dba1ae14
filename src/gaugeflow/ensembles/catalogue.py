"""Catalogues of other codes' files, and single ones imported with their links.

A catalogue stands where a chunk of configurations stands: everything of the files but their links. `files` (JSON) lists
them in the order (configuration, chain) with the keys of `FileRecord`. Verdicts come from `formats.check.check_file`,
one layer away from here because it compiles.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from gaugeflow.config.canonical import canonical_json
from gaugeflow.config.spec_file import SpecFile
from gaugeflow.ensembles.links import LinkSource
from gaugeflow.ensembles.output import Dataset, created
from gaugeflow.ensembles.reader import ChunkFile
from gaugeflow.ensembles.schema import CATALOGUE, IMPORTED, LINKS
from gaugeflow.ensembles.writer import published_attributes, write_file
from gaugeflow.errors import FileError

READ_BYTES = 1 << 22

NUMBERS = (
    "plaquette",
    "plaquette_space",
    "plaquette_time",
    "link_trace",
    "unitarity_defect",
    "determinant_defect",
)
"""What a judgement says of the links, under the names of data sets."""


@dataclass(frozen=True)
class FileRecord:
    """What a catalogue says of a file, beside numbers.

    name        relative to the folder of the study's entry
    size        bytes; sha256 of all of them
    format      of formats.header; precision float32 or float64
    links       SciDAC checksum of the links, two numbers of eight hexadecimal digits
    warnings    defects that do not keep it from being read
    """

    name: str
    size: int
    sha256: str
    format: str
    precision: str
    links: str
    warnings: tuple[str, ...]

    @property
    def checksum(self) -> tuple[int, int]:
        """(suma, sumb) of the links."""
        suma, sumb = self.links.split()
        return int(suma, 16), int(sumb, 16)


@dataclass(frozen=True)
class Judged:
    """A sound file: its record and the numbers of NUMBERS."""

    record: FileRecord
    numbers: Mapping[str, float]


def judged(path: Path, name: str, verdict: Any) -> Judged:
    """The verdict on a file as a catalogue keeps it; reads the file once for its sha256.

    path, name   where it is, and how the study calls it
    verdict      formats.check.Verdict

    Raises       FileError naming every problem of an unsound file
    """
    if verdict.problems:
        raise FileError(f"{path}: {'; '.join(verdict.problems)}; nothing was written: leave it out or get it again")
    size, sha256 = file_sha256(path)
    suma, sumb = verdict.checksums["links"]
    record = FileRecord(
        name=name,
        size=size,
        sha256=sha256,
        format=verdict.header.format,
        precision=verdict.header.precision,
        links=f"{suma:08x} {sumb:08x}",
        warnings=tuple(verdict.warnings),
    )
    return Judged(record, {name: float(getattr(verdict.judgement, name)) for name in NUMBERS})


def write_catalogue(
    path: Path, files: Sequence[Sequence[Judged]], trajectory: Sequence[int], spec: SpecFile, chunk: int
) -> str:
    """Write the catalogue of one chunk; returns content_sha256.

    files       files[configuration][chain]
    trajectory  number of each configuration

    Raises      FileError as `writer.write_file`
    """
    return write_file(
        path,
        CATALOGUE,
        datasets=_datasets(files, trajectory),
        attributes={"files": _files_text(files)},
        spec_text=spec.text,
        ensemble_id=spec.ensemble_id,
        chunk=chunk,
        inputs=_inputs(files),
    )


def write_imported(path: Path, links: LinkSource, file: Judged, spec: SpecFile, trajectory: int = 0) -> str:
    """Write the links of one sound file with all that a catalogue says of it; returns content_sha256.

    links    a source of shape (1, t, z, y, x, 4, N, N): one chain

    Raises   FileError as `writer.write_file`, or where the source is of another shape than the spec
    """
    shape = (1, *reversed(spec.spec.extents))
    if links.shape[: len(shape)] != shape:
        raise FileError(f"{path}: links of shape {links.shape}, wanted {shape} and directions and matrices")
    with created(Path(path), IMPORTED) as output:
        root = published_attributes(spec.text, spec.ensemble_id, 0, _inputs([[file]]))
        output.attributes({**root, "files": _files_text([[file]])})
        output.array("checksum", Dataset(output.stream("links", LINKS, 1, iter([links]))))
        for name, dataset in sorted(_datasets([[file]], [trajectory]).items()):
            output.array(name, dataset)
    return output.digest


def file_records(file: ChunkFile) -> tuple[FileRecord, ...]:
    """The files that a catalogue or an imported file lists, in the order (configuration, chain).

    Raises  FileError if they are not what the data sets ask for
    """
    try:
        listed = json.loads(file.attributes["files"])
        names = {entry.name for entry in fields(FileRecord)}
        records = tuple(FileRecord(**{**entry, "warnings": tuple(entry["warnings"])}) for entry in listed)
        sums = np.array([record.checksum for record in records], np.uint32)
        whole = all(set(entry) == names for entry in listed)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FileError(f"{file.name}: attribute files is damaged ({error})") from error
    stored = file.dataset("links_checksum")
    if not whole or sums.size != stored.size or not np.array_equal(sums.reshape(stored.shape), stored):
        raise FileError(f"{file.name}: its files are not those of links_checksum")
    return records


def _datasets(files: Sequence[Sequence[Judged]], trajectory: Sequence[int]) -> dict[str, Dataset]:
    sums = [[file.record.checksum for file in row] for row in files]
    out = {
        "trajectory": Dataset(np.array(trajectory, np.int64)),
        "links_checksum": Dataset(np.array(sums, np.uint32)),
    }
    for name in NUMBERS:
        out[name] = Dataset(np.array([[file.numbers[name] for file in row] for row in files]))
    return out


def _files_text(files: Sequence[Sequence[Judged]]) -> str:
    return canonical_json([asdict(file.record) for row in files for file in row])


def _inputs(files: Sequence[Sequence[Judged]]) -> dict[str, str]:
    """Name -> sha256 of every file, for the provenance."""
    return {file.record.name: file.record.sha256 for row in files for file in row}


def file_sha256(path: Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 of a file; FileError if it cannot be read."""
    digest, size = hashlib.sha256(), 0
    try:
        with open(path, "rb") as stream:
            while block := stream.read(READ_BYTES):
                digest.update(block)
                size += len(block)
    except OSError as error:
        raise FileError(f"{os.fspath(path)}: cannot be read: {error.strerror}") from error
    return size, digest.hexdigest()
