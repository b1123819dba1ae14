"""What `gaugeflow convert` does: a sound configuration of any format as time slices, and those into a file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from gaugeflow.cli.info import header_text
from gaugeflow.cli.progress import progress
from gaugeflow.config.explain import validated
from gaugeflow.config.foreign import ForeignSpec
from gaugeflow.config.positions import AUTO, positions_of
from gaugeflow.config.spec_file import foreign_spec
from gaugeflow.ensembles.atomic import atomic_path
from gaugeflow.ensembles.catalogue import judged, write_imported
from gaugeflow.ensembles.foreign_links import as_complex
from gaugeflow.ensembles.links import Slab
from gaugeflow.ensembles.pieces import link_slabs
from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.verify import precision_of, require_sound
from gaugeflow.errors import ConfigError, FileError
from gaugeflow.formats.check import Verdict, check_file, checksum_text
from gaugeflow.formats.header import Header
from gaugeflow.formats.reading import LinkFile, combine_checksums, is_hdf5
from gaugeflow.formats.writing import LinkWriter, Wanted
from gaugeflow.lattice.communicator import Communicator
from gaugeflow.lattice.judge import Judge, Judgement
from gaugeflow.lattice.site_checksums import crc_of_sites


@dataclass(frozen=True)
class Source:
    """A sound configuration.

    slices      links (z, y, x, 4, N, N), complex or with a last axis re, im, of every one of some time slices
    judgement   of all links
    verdict     on the file, None where it is ours
    """

    path: Path
    extents: tuple[int, ...]
    group: str
    precision: str
    slices: Callable[[range], Iterator[np.ndarray]]
    judgement: Judgement
    verdict: Verdict | None

    @property
    def links(self) -> tuple[int, ...] | None:
        """Their "links" checksum (see formats.reading) at `precision`; None where the file has another."""
        return None if self.verdict is None else self.verdict.checksums["links"]


def open_source(
    path: Path,
    configuration: int | None,
    chain: int | None,
    extents: tuple[int, ...] | None,
    group: str | None,
    comm: Communicator,
) -> Source:
    """The configuration that is to be converted, judged by rank 0.

    configuration, chain   which one of our HDF5 files; only needed where there are several
    extents, group         of a foreign file that does not hold them

    Raises   FileError if the file is not sound, ConfigError for options that do not go with it
    """
    if comm.broadcast(is_hdf5(path) if comm.rank == 0 else None):
        if extents or group:
            raise ConfigError(f"{path}: holds its extents and group; leave --extents and --group out")
        return _stored(path, configuration, chain, comm)
    if configuration is not None or chain is not None:
        raise ConfigError(f"{path}: holds one configuration; leave --configuration and --chain out")
    found = check_file(path, extents=extents, group=group, watch=progress) if comm.rank == 0 else None
    verdict: Verdict = comm.broadcast(found)
    if not verdict.ok:
        raise FileError(f"{path}: {'; '.join(verdict.problems)}; not converted")
    header = verdict.header
    read = partial(_foreign_slices, path, header)
    return Source(path, header.extents, header.group, header.precision, read, verdict.judgement, verdict)


def _foreign_slices(path: Path, header: Header, times: range) -> Iterator[np.ndarray]:
    whole = [slice(0, extent) for extent in reversed(header.extents[:3])]
    with LinkFile(path, header) as file:
        for t in times:
            yield file.part(slice(t, t + 1), *whole)[0]


def _stored(path: Path, configuration: int | None, chain: int | None, comm: Communicator) -> Source:
    """One chain of one configuration of an HDF5 file."""
    if comm.rank == 0:
        require_sound(path)
    comm.broadcast(None)
    with open_file(path) as file:
        if "links" not in file.names or "trajectory" not in file.names:
            raise FileError(f"{path}: holds {file.kind}, which have no links to convert")
        group, precision = file.spec["spec"]["group"], precision_of(file)
        n, chains, *sites = file.shape("links")[:-3]
    if len(sites) != 4:
        raise ConfigError(f"{path}: a lattice of {len(sites)} dimensions; the formats of other codes hold four")
    i = _chosen(path, "--configuration", configuration, n)
    c = _chosen(path, "--chain", chain, chains)
    extents = tuple(reversed(sites))
    read = partial(_stored_slices, path, i, c)
    judge = Judge(group, extents)
    with progress(f"{path.name}: time slices", extents[3], quiet=comm.rank > 0) as advance:
        for t, values in enumerate(read(range(extents[3])) if comm.rank == 0 else ()):
            judge.feed(np.ascontiguousarray(values).view(np.float64).reshape(*values.shape, 2))
            advance(t + 1)
    judgement = comm.broadcast(judge.result() if comm.rank == 0 else None)
    return Source(path, extents, group, precision, read, judgement, None)


def _chosen(path: Path, option: str, given: int | None, count: int) -> int:
    if given is None and count > 1:
        raise ConfigError(f"{path}: {option}: got none, wanted one of 0 .. {count - 1}; say which is to be converted")
    if (given or 0) >= count:
        raise ConfigError(f"{path}: {option}: got {given}, wanted one of 0 .. {count - 1}")
    return given or 0


def _stored_slices(path: Path, i: int, chain: int, times: range) -> Iterator[np.ndarray]:
    with open_file(path) as file:
        for t in times:
            yield file.piece("links", (i, chain, t))


def write_foreign(source: Source, out: Path, wanted: Wanted, comm: Communicator) -> str:
    """Write the file, every rank its own time slices, read it back and compare; on rank 0 what was written, in words.

    Raises   FileError for a full disk, or where what is read back is not what was written
    """
    extent = source.extents[3]
    times = range(extent * comm.rank // comm.size, extent * (comm.rank + 1) // comm.size)
    if comm.rank:
        _of_all_ranks(comm, _write_slices(source, comm.broadcast(None), wanted, times))
        comm.broadcast(None)  # rank 0 still reads what was written: who leaves first would end it
        return ""
    with atomic_path(out) as temporary, LinkWriter(temporary, wanted) as writer:
        writer.create()
        comm.broadcast(temporary)
        with progress(f"{out.name}: time slices", len(times)) as advance:
            sums = _of_all_ranks(comm, _write_slices(source, temporary, wanted, times, advance))
        writer.finish(sums, source.judgement.plaquette, source.judgement.link_trace)
        text = _read_back(source, out, temporary, wanted, sums)
    comm.broadcast(None)
    return text


def _write_slices(
    source: Source, path: Path, wanted: Wanted, times: range, advance: Callable[[int], None] = lambda done: None
) -> dict[str, tuple[int, ...]]:
    """Checksums of the slices that were written."""
    with LinkWriter(path, wanted, crc_of_sites=crc_of_sites) as writer:
        for t, values in zip(times, source.slices(times), strict=True):
            writer.write(slice(t, t + 1), slice(0, source.extents[2]), values[None])
            advance(t + 1 - times.start)
        return dict(writer.checksums)


def _of_all_ranks(comm: Communicator, sums: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Partial checksums of all ranks together."""
    for rank in range(1, comm.size):
        theirs = comm.first(sums if comm.rank == rank else None)
        if comm.rank == 0:
            sums = combine_checksums(sums, theirs)
    return sums


def _read_back(source: Source, out: Path, temporary: Path, wanted: Wanted, sums: dict[str, tuple[int, ...]]) -> str:
    """Judge what was written as anybody would, and compare its links with those that went in."""
    verdict = check_file(temporary, extents=wanted.extents, group=wanted.group)
    if not verdict.ok or verdict.checksums["links"] != sums["links"]:
        why = "; ".join(verdict.problems) or "its links are others than those that were written"
        raise FileError(f"{out}: what was read back differs from what was written ({why}); check the disk")
    same_precision = verdict.header.precision == source.precision and verdict.header.rows == verdict.header.n
    if same_precision and source.links not in (None, sums["links"]):
        raise FileError(f"{source.path}: was replaced while it was converted; run the same command again")
    return f"{header_text(verdict.header)}, links {checksum_text(sums['links'])}"


class ImportedLinks:
    """Slices of a foreign file as a source of one chain for our writer."""

    def __init__(self, source: Source) -> None:
        n = source.verdict.header.n
        self._slices, self.shape = source.slices, (1, *reversed(source.extents), 4, n, n)

    def slabs(self) -> Iterator[tuple[Slab, np.ndarray]]:
        """Read slab by slab."""
        for chains, times in link_slabs(self.shape):
            slices = self._slices(range(times.start, times.stop))
            yield (chains, times), np.stack([as_complex(values) for values in slices])[None]


def write_ours(source: Source, out: Path) -> str:
    """Write a foreign configuration as our HDF5 file of kind "imported"; what was written, in words.

    Raises   ConfigError for a file that is ours already, FileError for a full disk
    """
    if source.verdict is None:
        raise ConfigError(f"{source.path}: is ours already; start: and gaugeflow branch take a configuration of it")
    name = source.path.name
    content = {"group": source.group, "extents": list(source.extents), "chains": 1, "files": [name]}
    content |= {"positions": AUTO, "configs_per_chunk": 1}
    spec = foreign_spec(validated(ForeignSpec, content, f"{source.path}: as an ensemble of one file"))
    position = positions_of([name], AUTO, str(source.path))[name]
    file = judged(source.path, name, source.verdict)
    digest = write_imported(out, ImportedLinks(source), file, spec, position.trajectory)
    return f"imported, trajectory {position.trajectory}, links {checksum_text(source.links)}, content {digest}"
