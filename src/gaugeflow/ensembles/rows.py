"""Links of single chains: one configuration of one chain at a time from a chunk or a catalogue, checksums compared."""

from pathlib import Path
from types import TracebackType

import numpy as np

from gaugeflow.ensembles.archived import chunk_sha256
from gaugeflow.ensembles.catalogue import file_records
from gaugeflow.ensembles.checksums import ChainChecksums
from gaugeflow.ensembles.foreign_links import LINKS, as_complex
from gaugeflow.ensembles.reader import ChunkFile
from gaugeflow.ensembles.schema import CATALOGUE
from gaugeflow.ensembles.series import open_configurations
from gaugeflow.errors import ConfigError, FileError
from gaugeflow.formats.reading import LinkFile, read_header

CHECKSUM = "links_checksum"


class ChunkRows:
    """An open chunk of configurations, or a catalogue with the folder of its files; a context manager.

    path      HDF5 file
    folder    where the files of a catalogue are

    Raises    FileError if it is missing, damaged or something else; ConfigError for a catalogue without a folder
    """

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        self.path, self._folder = path, folder
        self._file: ChunkFile = open_configurations(path)
        try:
            self._records = file_records(self._file) if self._file.kind == CATALOGUE else ()
            if self._records and folder is None:
                raise ConfigError(f"{path}: is a catalogue; give the study that names its files with --study")
            self.content_sha256 = chunk_sha256(self._file)
        except BaseException:
            self._file.close()
            raise
        self.spec_text, self.ensemble_id, self.chunk = self._file.spec_text, self._file.ensemble_id, self._file.chunk
        self.trajectory = self._file.dataset("trajectory")
        self.n, self.chains = self._file.shape(CHECKSUM if self._records else "checksum")[:2]

    def read(self, i: int, chain: int) -> np.ndarray:
        """Links (t, .., x, D, N, N) complex128 of one chain of configuration i; nothing else is read.

        Raises    FileError if they are not what the checksum says
        """
        self._file.require_entry("trajectory", i)
        if self._records:
            return self._foreign(i, chain)
        links = self._file.piece("links", (i, slice(chain, chain + 1)))
        found = ChainChecksums(1)
        found.update(slice(0, 1), links)
        if found.values[0] != self._file.piece("checksum", (i, chain)):
            where = f"{self._file.name}: configuration {i}"
            raise FileError(f"{where}: checksum of chain {chain} differs from the stored one")
        return links[0]

    def _foreign(self, i: int, chain: int) -> np.ndarray:
        record = self._records[i * self.chains + chain]
        assert self._folder is not None
        path = self._folder / record.name
        spec = self._file.spec["spec"]
        header = read_header(path, extents=tuple(spec["extents"]), group=spec["group"])
        whole = slice(None)
        with LinkFile(path, header) as file:
            links = as_complex(file.part(whole, whole, whole, whole))
            found = tuple(file.checksums[LINKS])
        if found != record.checksum:
            raise FileError(
                f"{path}: its links have the checksum {found[0]:08x} {found[1]:08x}, the catalogue says "
                f"{record.links}: the file was changed; get it back, or make the catalogue again"
            )
        return links

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "ChunkRows":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
