"""Progress of an unfinished chunk, in its scratch folder.

    <out>.partial/        see gaugeflow.ensembles.scratch
        identity.json     spec_sha256 and chunk
        state.h5          the chain after its last saved trajectory, replaced as a whole
        config_0000.h5    saved configurations from number 0 on, written once; the next file is named after its first

Configurations are written before the state that counts them, so `n_saved` of the state always names files that exist.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gaugeflow.ensembles.collective import CollectiveLinks
from gaugeflow.ensembles.links import LinkSource, Slab, as_array, as_source, nbytes
from gaugeflow.ensembles.reader import ChunkFile, StoredLinks, open_file
from gaugeflow.ensembles.schema import FORMAT, PLAQUETTES
from gaugeflow.ensembles.scratch import Scratch
from gaugeflow.ensembles.writer import Configuration, Dataset, write_arrays, write_batch
from gaugeflow.errors import FileError

HISTORY = "history/"
BATCH = "saved_configurations"

WAITING_BYTES = 1 << 24
"""Small configurations wait in memory for the next saved state, up to this size: one file for many of them."""

STREAMED_BYTES = 1 << 22
"""Configurations of this size and larger do not wait: each goes to its file slab by slab."""


class SavedLinks:
    """Links of a restart state that was proved sound: a source that opens the file anew."""

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self._path, self.shape = path, shape

    def slabs(self) -> Iterator[tuple[Slab, np.ndarray]]:
        """Read slab by slab."""
        with open_file(self._path, "state") as file:
            yield from StoredLinks(file, None).slabs()


@dataclass(frozen=True)
class State:
    """All that the next trajectory needs, and what must not be lost.

    links       (chains, t.., x, D, N, N) after trajectory number `trajectory`, an array or a source; a loaded one
                reads state.h5 when it is used, which has to be before the next save
    history     "trajectory" (m,), "delta_h", "accepted", "plaquette" (m, chains), "unitarity_defect" (m,) of this chunk
    n_saved     configurations of this chunk saved so far
    """

    links: np.ndarray | LinkSource
    trajectory: int
    history: Mapping[str, np.ndarray]
    n_saved: int


class Progress(Scratch):
    """Exclusive access to the scratch folder of one chunk.

    out_path      the chunk's final file
    spec_sha256   hash of the resolved spec: a scratch folder of another spec is refused
    chunk         number of the chunk

    Raises        ConfigError if another process works on the chunk; FileError if the folder is foreign or damaged
    """

    def __init__(self, out_path: Path | str, spec_sha256: str, chunk: int) -> None:
        self._identity = {"chunk": int(chunk), "spec_sha256": spec_sha256}
        super().__init__(Path(out_path), "state.h5", {"format": FORMAT, **self._identity}, work="chunk")
        self._n_saved = 0  # counted by the state on disk
        self._n_written = 0  # in files, counted or not
        self._waiting: list[Configuration] = []  # in memory, for the next file

    def has_progress(self) -> bool:
        """A state, or configurations that wait for one."""
        return super().has_progress() or self._config_path(0).exists()

    def load(self) -> State | None:
        """The last saved state, None if there is none; every configuration that it counts is read and compared.

        Configurations that were written but not counted any more are removed: they will be made again, equal.

        Raises    FileError if the state or one of its configurations is damaged or missing
        """
        if not self.state_path.exists():
            self._remove_uncounted()
            return None
        with self._open(self.state_path, "state") as file:
            state = State(
                links=SavedLinks(self.state_path, file.shape("links")),
                trajectory=file.attributes["trajectory"],
                history={n.removeprefix(HISTORY): file.dataset(n) for n in file.names if n.startswith(HISTORY)},
                n_saved=file.attributes["n_saved"],
            )
        self._n_saved = state.n_saved
        for batch in self._batches():
            batch.close()
        self._remove_uncounted()
        return state

    def save(self, state: State) -> None:
        """Write the configurations that wait, then replace the saved state; about 10 ms for a small lattice.

        Where trajectories are faster, call it about once a second and at the end: a SIGKILL loses what lies between.

        Raises    FileError if the disk is full (the previous state stays) or the state counts other configurations
        """
        self.permit()  # before anything is made in a folder that another process may have removed
        if state.n_saved != (counted := self._n_written + len(self._waiting)):
            raise FileError(f"{self.folder}: the state counts {state.n_saved} configurations, {counted} were saved")
        self._write_waiting()
        datasets = {"links": Dataset(as_source(state.links))}
        datasets |= {HISTORY + name: Dataset(np.asarray(values)) for name, values in state.history.items()}
        attributes = {**self._identity, "trajectory": int(state.trajectory), "n_saved": int(state.n_saved)}
        write_arrays(self.state_path, "state", datasets=datasets, attributes=attributes, permit=self.permit)
        self._n_saved = state.n_saved

    def save_configuration(self, index: int, links: np.ndarray | LinkSource, plaquettes: Mapping) -> None:
        """Take configuration `index` (from 0 in this chunk, in order); safe on disk once the next `save` returns.

        links         (chains, t.., x, D, N, N), an array or a source
        plaquettes    "plaquette" and, for D > 2, "plaquette_space" and "plaquette_time", each (chains,)

        Raises        FileError if the disk is full or the index is not the next one
        """
        if index != (expected := self._n_written + len(self._waiting)):
            raise FileError(f"{self.folder}: configuration {index} was given, wanted {expected}")
        values = {name: np.array(value, dtype=np.float64) for name, value in plaquettes.items()}
        if nbytes(links.shape) >= STREAMED_BYTES or isinstance(links, CollectiveLinks):
            self._write_waiting()
            self._write([Configuration(links, values)])
            return
        self._waiting.append(Configuration(as_array(links), values))
        if len(self._waiting) * nbytes(links.shape) >= WAITING_BYTES:
            self._write_waiting()

    def configurations(self) -> Iterator[Configuration]:
        """The configurations that the last saved or loaded state counts, in order, read while they are used.

        Raises    FileError if one is damaged
        """
        for batch in self._batches():
            with batch:
                names = [name for name in PLAQUETTES if name in batch.names]
                for i in range(batch.shape("links")[0]):
                    yield Configuration(StoredLinks(batch, i), {name: batch.entry(name, i) for name in names})

    def stored(self) -> list[tuple[Path, int]]:
        """(file, number in it) of the same configurations.

        Raises    FileError if one is damaged
        """
        found = []
        for batch in self._batches():
            with batch:
                first = batch.attributes["first"]
                found += [(self._config_path(first), i) for i in range(batch.shape("links")[0])]
        return found

    def _config_path(self, first: int) -> Path:
        return self.folder / f"config_{first:04d}.h5"

    def _write_waiting(self) -> None:
        """Write those that wait into one file."""
        if self._waiting:
            self._write(self._waiting)
            self._waiting = []

    def _write(self, configurations: list[Configuration]) -> None:
        """Write the next configurations into one file, named after the first of them."""
        self.permit()
        attributes, path = {**self._identity, "first": self._n_written}, self._config_path(self._n_written)
        write_batch(path, BATCH, configurations=configurations, attributes=attributes, permit=self.permit)
        self._n_written += len(configurations)

    def _batches(self) -> Iterator[ChunkFile]:
        """Files of the counted configurations, opened one after the other; the caller closes each."""
        first = 0
        while first < self._n_saved:
            batch = self._open(self._config_path(first), BATCH)
            n = batch.shape("links")[0]
            if batch.attributes["first"] != first or n == 0 or first + n > self._n_saved:
                batch.close()
                raise self.damaged(f"{self._config_path(first)} does not hold the configurations that state.h5 counts")
            yield batch
            first += n

    def _remove_uncounted(self) -> None:
        """Forget what no state counts, on disk and in memory."""
        self.permit()
        for path in self.folder.glob("config_*.h5"):
            if int(path.stem.removeprefix("config_")) >= self._n_saved:
                path.unlink()
        self._n_written, self._waiting = self._n_saved, []

    def _open(self, path: Path, kind: str) -> ChunkFile:
        """Open a restart file whose content is proved sound and of this chunk."""
        try:
            file = open_file(path, kind)
            sound = file.recompute_digest() == file.content_sha256
        except FileError as error:
            raise self.damaged(str(error)) from error
        wrong = {key: file.attributes[key] for key, value in self._identity.items() if file.attributes[key] != value}
        if wrong or not sound:
            file.close()
            raise self.damaged(f"{path} {f'belongs to {wrong}' if wrong else 'does not have its stored hash'}")
        return file
