"""One chunk of an ensemble: continue what was saved, run the missing trajectories, publish the file.

All ranks run this together; files belong to rank 0. A chunk is a function of (spec, chunk number, previous chunk), so
being interrupted and continued anywhere gives the same bytes.

No rank raises before rank 0 has saved: the first rank that leaves ends the others.
"""

import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gaugeflow.config.spec_file import SpecFile
from gaugeflow.ensembles.checkpoint import Progress, State
from gaugeflow.ensembles.collective import CollectiveCopy, CollectiveLinks, use_parallel
from gaugeflow.ensembles.links import GatheredLinks, LinkSource, scatter
from gaugeflow.ensembles.saving import BackgroundSaver, Saver
from gaugeflow.ensembles.schema import first_trajectory, saved_trajectories
from gaugeflow.ensembles.source import Source
from gaugeflow.ensembles.writer import write_configurations
from gaugeflow.errors import PhysicsError, TryAgain
from gaugeflow.jobs.deadline import Deadline
from gaugeflow.jobs.stopping import StopRequest
from gaugeflow.jobs.watchdog import Watchdog
from gaugeflow.observables.energy import plaquettes, split_plaquettes
from gaugeflow.samplers.guard import BAND_WINDOW, check_acceptance, check_trajectory
from gaugeflow.samplers.start import start_links

HISTORY = ("trajectory", "delta_h", "accepted", "plaquette", "unitarity_defect")
CHECKPOINT_SECONDS = 30.0

logger = logging.getLogger(__name__)


@dataclass
class Chain:
    """Mutable state of the running chunk."""

    links: np.ndarray
    trajectory: int
    history: dict[str, list] = field(default_factory=lambda: {name: [] for name in HISTORY})
    n_saved: int = 0

    def record(self, trajectory: int, info) -> None:
        """Append one finished trajectory."""
        values = (trajectory, info.delta_h, info.accepted.astype(np.uint8), info.plaquette, info.unitarity_defect)
        for name, value in zip(HISTORY, values, strict=True):
            self.history[name].append(value)
        self.trajectory = trajectory

    def history_arrays(self, chains: int) -> dict[str, np.ndarray]:
        """History as arrays of the file format, also when empty."""
        types = {"trajectory": np.int64, "accepted": np.uint8}
        shape = {"trajectory": (-1,), "unitarity_defect": (-1,)}
        return {
            name: np.array(values, types.get(name, np.float64)).reshape(shape.get(name, (-1, chains)))
            for name, values in self.history.items()
        }


class ChunkRun:
    """Generation of one chunk on all ranks of `lattice.comm`.

    lattice, sampler      what runs; spec, chunk   what it is
    out                   file to publish
    source                what the chunk continues (rank 0; None for a fresh start and on other ranks)
    acceptance_band       see samplers.guard; of samplers with accept and reject
    checkpoint_seconds    time between saved states; 0 saves every trajectory
    output_mode           see ensembles.collective.use_parallel
    deadline              when work has to be saved (rank 0; None without one and on other ranks)
    advance               called with the number of finished trajectories of the chunk

    Where the lattice says `asynchronous` and there is one rank, saving runs beside the next trajectories.
    """

    def __init__(
        self,
        lattice,
        sampler,
        spec: SpecFile,
        chunk: int,
        out: Path,
        *,
        source: Source | None,
        acceptance_band: tuple[float, float],
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        output_mode: str = "auto",
        deadline: Deadline | None = None,
        advance: Callable[[int], None] = lambda done: None,
    ) -> None:
        self.lattice, self.sampler, self.spec, self.chunk, self.out = lattice, sampler, spec, chunk, out
        self.source, self.band, self.checkpoint_seconds = source, acceptance_band, checkpoint_seconds
        self.advance, self.root, self.stop = advance, lattice.comm.rank == 0, StopRequest(deadline)
        self.parallel = use_parallel(output_mode, lattice)
        self.background = lattice.asynchronous and lattice.comm.size == 1
        content = spec.spec.model_dump()
        none = np.zeros((0, lattice.chains), np.uint8)
        self.accepted_before = lattice.comm.broadcast(source.accepted if source is not None else none)
        self.first = first_trajectory(content, chunk)
        self.saved = saved_trajectories(content, chunk)
        self.thermalisation = spec.spec.thermalisation if chunk == 0 else 0

    @property
    def trajectories(self) -> int:
        """Trajectories of this chunk, thermalisation included."""
        return self.saved[-1] + 1 - self.first

    def run(self) -> str | None:
        """Run to the end and publish; content_sha256 on rank 0.

        Raises    TryAgain when told to stop, with the state saved; PhysicsError, FileError
        """
        scratch = Progress(self.out, self.spec.sha256, self.chunk) if self.root else nullcontext()
        saver = BackgroundSaver() if self.background else Saver()
        with self.stop, scratch as progress, saver:
            chain = self._begin(progress)
            with Watchdog(self.stop, self.lattice.comm.size > 1):
                self._trajectories(chain, progress, saver)
            return self._publish(chain, progress)

    def _begin(self, progress) -> Chain:
        """The saved state, else what the chunk continues, else a fresh start; rank 0 reads, all get their part."""
        comm = self.lattice.comm
        state = progress.load() if self.root else None
        if comm.broadcast(state is not None):
            chain = Chain(scatter(self.lattice, state.links if state else None), 0)
            kept = (state.trajectory, state.n_saved, dict(state.history)) if state else None
            chain.trajectory, chain.n_saved, history = comm.broadcast(kept)
            chain.history = {name: list(history[name]) for name in HISTORY}
            logger.info("continuing chunk %d after trajectory %d", self.chunk, chain.trajectory)
            return chain
        if comm.broadcast(self.source is not None):
            links = scatter(self.lattice, self.source.links if self.source else None)
            if comm.broadcast(self.root and self.source.precision != self.lattice.precision):
                self.lattice.reunitarise(links)
            return Chain(links, self.first - 1)
        return Chain(start_links(self.lattice, self.spec.spec.start, self.spec.spec.seed), self.first - 1)

    def _trajectories(self, chain: Chain, progress, saver: Saver) -> None:
        momenta, saved_at = self.lattice.new_momenta(), time.monotonic()
        self.advance(len(chain.history["trajectory"]))
        if self.lattice.comm.broadcast(self.stop.too_late) and chain.trajectory < self.saved[-1]:
            raise TryAgain(f"{self.out}: told to stop ({self.stop.reason}) before the first trajectory of this job")
        self.stop.begin()
        while chain.trajectory < self.saved[-1]:
            saver.check()
            number = chain.trajectory + 1
            links, info = self.sampler.step(
                self.lattice, chain.links, momenta, number, metropolis=number >= self.spec.spec.warmup
            )
            try:
                check_trajectory(info, number, self.lattice.precision)
                self._check_band(chain, info, number)
            except PhysicsError:
                self._save(chain, progress, saver, configuration=False, state=True)
                saver.wait()
                raise
            chain.links = links
            chain.record(number, info)
            self.stop.step()
            due = time.monotonic() - saved_at >= self.checkpoint_seconds
            asked, due = self.lattice.comm.maximum(np.array([bool(self.stop), self.root and due], np.float64))
            state = bool(asked or due or number == self.saved[-1])
            self._save(chain, progress, saver, configuration=number in self.saved, state=state)
            if state:
                saved_at = time.monotonic()
            self.advance(len(chain.history["trajectory"]))
            if asked and number < self.saved[-1]:
                saver.wait()
                raise TryAgain(
                    f"{self.out}: told to stop ({self.stop.reason}); trajectory {number} of {self.saved[-1]} "
                    "is saved, the same command continues"
                )
        saver.wait()

    def _check_band(self, chain: Chain, info, number: int) -> None:
        """Acceptance of the last production trajectories, those of earlier chunks included."""
        if self.sampler.metropolis and number >= self.first + self.thermalisation:
            produced = chain.history["accepted"][self.thermalisation :]
            last = [*self.accepted_before, *produced[-BAND_WINDOW:], info.accepted][-BAND_WINDOW:]
            check_acceptance(np.array(last), self.band, number)

    def _save(self, chain: Chain, progress, saver: Saver, *, configuration: bool, state: bool) -> None:
        """Hand the links to `progress` as a configuration, then as the state that counts it, each if asked for.

        A configuration is safe from the next saved state on; with a state, every rank returns when it is on the disk
        (or, in the background, goes on at once).
        """
        if not (configuration or state):
            return
        lattice, number, index = self.lattice, chain.trajectory, chain.n_saved
        values = split_plaquettes(lattice, plaquettes(lattice, chain.links)) if configuration else {}
        chain.n_saved += configuration
        links = lattice.snapshot(chain.links) if self.background else chain.links
        history, n_saved = chain.history_arrays(lattice.chains), chain.n_saved

        def job() -> None:
            with self.stop.saving():
                if configuration:
                    self._write(links, lambda source: progress.save_configuration(index, source, values))
                if state:
                    self._write(links, lambda source: progress.save(State(source, number, history, n_saved)))
                    lattice.comm.broadcast(None)

        saver.submit(job)

    def _write(self, links, write: Callable[[LinkSource], None]) -> None:
        """write(links of all ranks) on rank 0; the others give what it asks for."""
        source = (CollectiveLinks if self.parallel else GatheredLinks)(self.lattice, links)
        if self.root:
            write(source)
        else:
            source.follow()

    def _publish(self, chain: Chain, progress) -> str | None:
        """Rank 0 puts the file together; the others take part where links are written by all."""
        together = CollectiveCopy(self.lattice, progress.stored() if self.root else None) if self.parallel else None
        if not self.root:
            if together is not None:
                together.follow()
            return None
        history = chain.history_arrays(self.lattice.chains)
        uncovered = BAND_WINDOW - 1 - len(history["accepted"]) + self.thermalisation
        if uncovered > 0 and len(self.accepted_before):
            history["accepted_before"] = self.accepted_before[-uncovered:]
        digest = write_configurations(
            self.out,
            configurations=progress.configurations(),
            trajectory=self.saved,
            history=history,
            n_thermalisation=self.thermalisation,
            spec_text=self.spec.text,
            ensemble_id=self.spec.ensemble_id,
            chunk=self.chunk,
            inputs={} if self.source is None else {self.source.role: self.source.content_sha256},
            together=together,
            permit=progress.permit,
        )
        progress.finish()
        return digest
