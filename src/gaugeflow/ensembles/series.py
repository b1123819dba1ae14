"""Time series from a chunk of configurations: every rank measures its part, rank 0 reads and writes.

Links of a catalogue are in other codes' files: there every rank reads its own part.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from gaugeflow.config.spec_file import SpecFile, read_spec_text
from gaugeflow.ensembles.archived import chunk_sha256
from gaugeflow.ensembles.atomic import require_writable
from gaugeflow.ensembles.catalogue import file_records
from gaugeflow.ensembles.foreign_links import foreign_configurations
from gaugeflow.ensembles.links import scatter
from gaugeflow.ensembles.reader import ChunkFile, StoredLinks, open_file
from gaugeflow.ensembles.schema import CATALOGUE
from gaugeflow.ensembles.verify import require_sound
from gaugeflow.ensembles.writer import Dataset, write_file
from gaugeflow.jobs.clock import check_clock


def read_header(path: Path, out: Path, comm) -> tuple[SpecFile, int]:
    """(spec, number of configurations) of a sound file of configurations or a catalogue, the same on every rank.

    Raises    FileError if it is missing, damaged or of another kind, if `out` could not be written, or clocks differ
    """
    header = None
    if comm.rank == 0:
        require_sound(path)
        require_writable(out)
        check_clock(out)
        with open_configurations(path) as file:
            header = file.spec_text, file.n
    text, n = comm.broadcast(header)
    return read_spec_text(text, str(path)), n


def chunk_of(path: Path) -> int:
    """Number of the chunk that a file of configurations or a catalogue holds; FileError for anything else."""
    with open_configurations(path) as file:
        return file.chunk


def open_configurations(path: Path) -> ChunkFile:
    """A file of configurations or a catalogue; FileError for anything else."""
    file = open_file(path)
    if file.kind == CATALOGUE:
        return file
    file.close()
    return open_file(path, "configurations")


def each_configuration(path: Path, lattice, n: int, folder: Path | None = None) -> Iterator[np.ndarray]:
    """Links of configuration 0, 1, .. n - 1 in the lattice's form.

    folder    where the files of a catalogue are

    Raises    FileError on all ranks for a file that is missing or another than when it was catalogued
    """
    listed = None
    if lattice.comm.rank == 0:
        with open_configurations(path) as opened:
            listed = file_records(opened) if opened.kind == CATALOGUE else ()
    if records := lattice.comm.broadcast(listed):
        yield from foreign_configurations(records, lattice, folder, str(path))
        return
    file: ChunkFile | None = open_file(path, "configurations") if lattice.comm.rank == 0 else None
    try:
        for i in range(n):
            yield scatter(lattice, None if file is None else StoredLinks(file, i))
    finally:
        if file is not None:
            file.close()


def measure_series(
    path: Path,
    lattice,
    n: int,
    measure: Callable[..., Mapping[str, np.ndarray]],
    advance: Callable[[int], None],
    folder: Path | None = None,
) -> dict[str, np.ndarray]:
    """Stack measure(links) -> {name: (chains, ...)} over the configurations of a chunk: {name: (n, chains, ...)}.

    folder    where the files of a catalogue are
    """
    series: dict[str, list[np.ndarray]] = {}
    for i, links in enumerate(each_configuration(path, lattice, n, folder)):
        for name, values in measure(links).items():
            series.setdefault(name, []).append(values)
        advance(i + 1)
    return {name: np.array(values) for name, values in series.items()}


def write_series(
    out: Path, kind: str, configurations: Path, series: Mapping[str, np.ndarray], settings: Mapping[str, str]
) -> str:
    """Publish series of `kind` measured on the file `configurations`; returns content_sha256.

    settings  further root attributes (the settings of the measurement as canonical JSON)

    Raises    FileError if the disk is full or the layout is not that of `kind`
    """
    with open_configurations(configurations) as file:
        datasets = {"trajectory": Dataset(file.dataset("trajectory"))}
        origin = {"spec_text": file.spec_text, "ensemble_id": file.ensemble_id, "chunk": file.chunk}
        inputs = {"configurations": chunk_sha256(file)}
    datasets |= {name: Dataset(values) for name, values in series.items()}
    return write_file(out, kind, datasets=datasets, attributes=settings, inputs=inputs, **origin)
