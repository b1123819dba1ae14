"""What `gaugeflow convert` does: a sound configuration of any format as time slices, and those into a file."""

import dataclasses
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
from gaugeflow.conventions import gauge_group
from gaugeflow.ensembles.atomic import atomic_path
from gaugeflow.ensembles.catalogue import judged, write_imported
from gaugeflow.ensembles.foreign_links import as_complex
from gaugeflow.ensembles.links import Slab
from gaugeflow.ensembles.pieces import link_slabs
from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.verify import precision_of, require_sound
from gaugeflow.errors import ConfigError, FileError
from gaugeflow.formats.check import Verdict, check_file, checksum_text, judge_links, problems_of
from gaugeflow.formats.header import Header
from gaugeflow.formats.reading import LinkFile, combine_checksums, is_hdf5, read_header
from gaugeflow.formats.writing import PRECISIONS, LinkWriter, Wanted
from gaugeflow.lattice.communicator import Communicator
from gaugeflow.lattice.site_checksums import crc_of_sites

LOGICAL_NAME = "ildg-data-lfn"
"""What an ILDG file says of itself that the new one says too."""

NEWTON_STEPS = 3
"""From the 1e-5 that are allowed to 1e-40."""


@dataclass(frozen=True)
class Source:
    """A sound configuration.

    precision   to which its links are on the group
    slices      links (z, y, x, 4, N, N), complex or with a last axis re, im, of every one of some time slices
    verdict     on the file, None where it is ours
    """

    path: Path
    extents: tuple[int, ...]
    group: str
    precision: str
    slices: Callable[[range], Iterator[np.ndarray]]
    verdict: Verdict | None


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
    return Source(path, header.extents, header.group, header.precision, read, verdict)


def _foreign_slices(path: Path, header: Header, times: range) -> Iterator[np.ndarray]:
    whole = [slice(0, extent) for extent in reversed(header.extents[:3])]
    with LinkFile(path, header, crc_of_sites=crc_of_sites, links=False) as file:  # the writer sums what it is given
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
    return Source(path, tuple(reversed(sites)), group, precision, partial(_stored_slices, path, i, c), None)


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


def reunitarised(source: Source) -> Source:
    """The same configuration with every link moved to the nearest element of the group, to float64 rounding.

    U <- U (3 - U^dagger U) / 2 doubles the digits with every step; for SU(N) the phase of the determinant is taken out.
    """
    special = gauge_group(source.group).special

    def slices(times: range) -> Iterator[np.ndarray]:
        for values in source.slices(times):
            u = values if values.dtype.kind == "c" else as_complex(values)
            for _ in range(NEWTON_STEPS):
                u = u @ (1.5 * np.eye(u.shape[-1]) - 0.5 * u.conj().swapaxes(-1, -2) @ u)
            if special:
                u = u / np.exp(1j * np.angle(np.linalg.det(u)) / u.shape[-1])[..., None, None]
            yield u

    return dataclasses.replace(source, precision="float64", slices=slices)


def wanted_file(
    source: Source, target: str, precision: str | None, byte_order: str | None, two_rows: bool, reunitarise: bool
) -> tuple[Source, Wanted]:
    """The links that are to be written, and into what: the precision is that of the source where the format has it.

    Raises   ConfigError for what the format cannot hold, or float32 links in a float64 file without reunitarise
    """
    possible = PRECISIONS.get(target, (source.precision,))
    name = source.verdict.header.facts.get(LOGICAL_NAME, "") if source.verdict is not None else ""
    wanted = Wanted(
        format=target,
        extents=source.extents,
        group=source.group,
        precision=precision or (source.precision if source.precision in possible else possible[0]),
        byte_order=byte_order,
        rows=2 if two_rows else None,
        facts={"lfn": name} if name and name.isascii() and name.isprintable() else {},
    )
    if wanted.precision == "float64" != source.precision and not reunitarise:
        raise ConfigError(
            f"{source.path}: its links are on the group to float32 rounding only, too coarse for a file in float64: "
            "add --reunitarise to move them there, or keep --precision float32"
        )
    return (reunitarised(source) if reunitarise else source), wanted


def write_foreign(source: Source, wanted: Wanted, out: Path, comm: Communicator) -> str:
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
        judgement, found = judge_links(temporary, writer.header, progress)
        writer.finish(sums, judgement.plaquette, judgement.link_trace)
        header = read_header(temporary, extents=wanted.extents, group=wanted.group)
        problems = problems_of(temporary, header, judgement, found)
        if problems or found != sums:
            why = "; ".join(problems) or "its links are others than those that were written"
            raise FileError(f"{out}: what was read back differs from what was written ({why}); check the disk")
    comm.broadcast(None)
    return f"{header_text(header)}, links {checksum_text(sums['links'])}"


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
    links = checksum_text(source.verdict.checksums["links"])
    return f"imported, trajectory {position.trajectory}, links {links}, content {digest}"
