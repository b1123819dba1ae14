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
from gaugeflow.ensembles.schema import first_trajectory, saved_trajectories
from gaugeflow.ensembles.source import Source
from gaugeflow.ensembles.stopping import StopRequest
from gaugeflow.ensembles.writer import write_configurations
from gaugeflow.errors import PhysicsError, TryAgain
from gaugeflow.observables.energy import plaquettes, split_plaquettes
from gaugeflow.samplers.guard import BAND_WINDOW, check_acceptance, check_trajectory
from gaugeflow.samplers.hmc import HMC
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

    lattice, hmc          what runs; spec, chunk   what it is
    out                   file to publish
    source                what the chunk continues (rank 0; None for a fresh start and on other ranks)
    acceptance_band       see samplers.guard
    checkpoint_seconds    time between saved states; 0 saves every trajectory
    advance               called with the number of finished trajectories of the chunk
    """

    def __init__(
        self,
        lattice,
        hmc: HMC,
        spec: SpecFile,
        chunk: int,
        out: Path,
        *,
        source: Source | None,
        acceptance_band: tuple[float, float],
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        advance: Callable[[int], None] = lambda done: None,
    ) -> None:
        self.lattice, self.hmc, self.spec, self.chunk, self.out = lattice, hmc, spec, chunk, out
        self.source, self.band, self.checkpoint_seconds = source, acceptance_band, checkpoint_seconds
        self.advance, self.root = advance, lattice.comm.rank == 0
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
        with StopRequest() as stop, scratch as progress:
            chain = self._begin(progress)
            self._trajectories(chain, progress, stop)
            return self._publish(chain, progress) if self.root else None

    def _begin(self, progress) -> Chain:
        """The saved state, else what the chunk continues, else a fresh start; rank 0 reads, all get their part."""
        comm = self.lattice.comm
        state = progress.load() if self.root else None
        if comm.broadcast(state is not None):
            chain = Chain(self.lattice.scatter(state.links if state else None), 0)
            kept = (state.trajectory, state.n_saved, dict(state.history)) if state else None
            chain.trajectory, chain.n_saved, history = comm.broadcast(kept)
            chain.history = {name: list(history[name]) for name in HISTORY}
            logger.info("continuing chunk %d after trajectory %d", self.chunk, chain.trajectory)
            return chain
        if comm.broadcast(self.source is not None):
            links = self.lattice.scatter(self.source.links if self.source else None)
            if comm.broadcast(self.root and self.source.precision != self.lattice.precision):
                self.lattice.reunitarise(links)
            return Chain(links, self.first - 1)
        return Chain(start_links(self.lattice, self.spec.spec.start, self.spec.spec.seed), self.first - 1)

    def _trajectories(self, chain: Chain, progress, stop: StopRequest) -> None:
        momenta, saved_at = self.lattice.new_momenta(), time.monotonic()
        self.advance(len(chain.history["trajectory"]))
        while chain.trajectory < self.saved[-1]:
            number = chain.trajectory + 1
            links, info = self.hmc.step(
                self.lattice, chain.links, momenta, number, metropolis=number >= self.spec.spec.warmup
            )
            try:
                check_trajectory(info, number, self.lattice.precision)
                self._check_band(chain, info, number)
            except PhysicsError:
                self._save(chain, progress)
                raise
            chain.links = links
            chain.record(number, info)
            canonical = self._take_configuration(chain, progress) if number in self.saved else None
            due = time.monotonic() - saved_at >= self.checkpoint_seconds
            asked, due = self.lattice.comm.maximum(np.array([bool(stop), self.root and due], np.float64))
            if asked or due or number == self.saved[-1]:
                self._save(chain, progress, canonical)
                saved_at = time.monotonic()
            if asked and number < self.saved[-1]:
                raise TryAgain(
                    f"{self.out}: told to stop; trajectory {number} of {self.saved[-1]} is saved, "
                    "the same command continues"
                )
            self.advance(len(chain.history["trajectory"]))

    def _check_band(self, chain: Chain, info, number: int) -> None:
        """Acceptance of the last production trajectories, those of earlier chunks included."""
        if number >= self.first + self.thermalisation:
            produced = chain.history["accepted"][self.thermalisation :]
            last = [*self.accepted_before, *produced[-BAND_WINDOW:], info.accepted][-BAND_WINDOW:]
            check_acceptance(np.array(last), self.band, number)

    def _take_configuration(self, chain: Chain, progress) -> np.ndarray | None:
        """Hand the links to `progress`; they are safe from the next saved state on. Rank 0 gets them back."""
        values = split_plaquettes(self.lattice, plaquettes(self.lattice, chain.links))
        canonical = self.lattice.gather(chain.links)
        if self.root:
            progress.save_configuration(chain.n_saved, canonical, values)
        chain.n_saved += 1
        return canonical

    def _save(self, chain: Chain, progress, canonical: np.ndarray | None = None) -> None:
        """Save the state, its links gathered unless rank 0 has them; every rank returns when it is on the disk."""
        comm = self.lattice.comm
        if not comm.broadcast(canonical is not None):
            canonical = self.lattice.gather(chain.links)
        if self.root:
            history = chain.history_arrays(self.lattice.chains)
            progress.save(State(canonical, chain.trajectory, history, chain.n_saved))
        comm.broadcast(None)

    def _publish(self, chain: Chain, progress) -> str:
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
        )
        progress.finish()
        return digest
