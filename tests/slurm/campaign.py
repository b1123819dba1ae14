"""Many faults on several chains side by side on one cluster, each chain judged when it is finished."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slurm.chain import Chain, uninterrupted, write_chain
from slurm.cluster import Cluster
from slurm.faults import KINDS, Fault, Happened, endure
from slurm.judge import complaints, outcomes
from slurm.site import TOGETHER, write_profile


@dataclass(frozen=True)
class Outcome:
    """A finished chain: its faults, how its attempts ended, where it stood still, what is wrong with it."""

    happened: list[Happened]
    attempts: dict[str, int]
    submissions: int
    stalls: list[str]
    seconds: float
    complaints: list[str]

    def as_json(self) -> dict[str, Any]:
        """Types of JSON."""
        return {**vars(self), "happened": [fault.as_json() for fault in self.happened]}


class Campaign:
    """Faults waiting for a chain to happen to; chains run side by side, each on a disk of its own.

    folder    for studies, profile and what coordinators say
    chunks    of every chain
    at_once   faults of one chain at most
    """

    def __init__(self, cluster: Cluster, folder: Path, plan: list[Fault], *, chunks: int, at_once: int) -> None:
        self.cluster, self.folder, self.chunks, self.at_once = cluster, folder, chunks, at_once
        self.waiting, self.outcomes = list(plan), []
        self.study = write_chain(folder / "study", chunks)
        self.profile = write_profile(folder / "profile", settings=TOGETHER, mem_mb=200)
        self._lock, self._started = threading.Lock(), 0
        self._closed = False

    def run(self, disks: int, say: Callable[[str], None] = lambda text: None) -> list[Outcome]:
        """Endure all faults on `disks` chains at a time; the chains' outcomes.

        Raises    ExceptionGroup, when all other chains are finished, of what went wrong around chains
        """
        with ThreadPoolExecutor(disks + 1) as pool:
            reference = pool.submit(uninterrupted, self.study, self.folder / "uninterrupted", self.chunks)
            workers = [pool.submit(self._work, disk, reference, say) for disk in range(disks)]
            failures = [error for worker in workers if isinstance(error := worker.exception(), Exception)]
        if failures:
            raise ExceptionGroup("chains that were not finished", failures)
        return self.outcomes

    def close(self) -> None:
        """No chain begins any more."""
        self._closed = True

    def counts(self) -> Counter[str]:
        """How often each kind happened, alone or with another; "two at once" for the pairs."""
        faults = [fault for outcome in self.outcomes for fault in outcome.happened]
        counted = Counter(dict.fromkeys((*KINDS, "two at once"), 0))
        counted.update(kind for happened in faults for kind in happened.fault.kinds)
        counted["two at once"] = sum(len(happened.fault.kinds) > 1 for happened in faults)
        return counted

    def _work(self, disk: int, reference, say: Callable[[str], None]) -> None:
        while True:
            with self._lock:
                plan, self.waiting = self.waiting[: self.at_once], self.waiting[self.at_once :]
                self._started += bool(plan)
                number = self._started
            if not plan or self._closed:
                return
            outcome = self._chain(disk, number, plan, reference)
            with self._lock:
                self.outcomes.append(outcome)
                self.waiting += plan[len(outcome.happened) :]
            say(f"chain {number}: {len(outcome.happened)} faults in {outcome.seconds:.0f} s, {outcome.complaints}")

    def _chain(self, disk: int, number: int, plan: list[Fault], reference) -> Outcome:
        root, folder = self.cluster.disk(disk) / f"run{number}", self.folder / f"run{number}"
        began = time.monotonic()
        with Chain(self.cluster, self.study, self.profile, root, folder, self.chunks) as chain:
            chain.submit()
            happened = endure(chain, plan)
            chain.finish()
            wrong = complaints(chain, reference.result())
            outcome = Outcome(
                happened, outcomes(chain), chain.submissions, chain.stalls, time.monotonic() - began, wrong
            )
        if not wrong:
            self.cluster.run("rm", "-rf", root)
        return outcome
