"""Which chunks share a job: consecutive ones of a chain, or all of several small ensembles side by side.

A job of a few seconds costs a cluster more than it computes, and a chain that waits for a new job after every chunk
stands still in between. Labels name jobs: what has the same label runs in one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gaugeflow.config.chunk_time import ChunkTime, chunk_time
from gaugeflow.config.study import Ensemble, Study

MOST_STEPS = 240
"""Steps (chunks, their measurements and flows) of one job: they are named in one argument of a command line, which the
system limits to 128 KiB."""
SMALL_MINUTES = 60  # an ensemble that takes no longer is small, where job_minutes does not say otherwise


@dataclass(frozen=True)
class Member:
    """An ensemble of a run: how long its chunks take, how many series (measurements, flows) each chunk has."""

    ensemble: Ensemble
    time: ChunkTime
    series: int

    @property
    def name(self) -> str:
        """The ensemble's id."""
        return self.ensemble.ensemble_id

    @property
    def seconds(self) -> float:
        """Of the whole ensemble, tuning left out."""
        return self.time.chunk(0) + (self.ensemble.chunks - 1) * self.time.chunk(1)

    @property
    def steps(self) -> int:
        """Chunks, measurements and flows."""
        return self.ensemble.chunks * (1 + self.series)

    @property
    def tuned(self) -> bool:
        """Whether a pilot chain comes first."""
        return self.time.pilot > 0


def member_of(ensemble: Ensemble, studies: Sequence[Study]) -> Member:
    """An ensemble as the studies that use it see it together."""
    measurements = {study.measure_folder for study in studies}
    flows = {folder for study in studies for folder in study.flow_folders}
    return Member(ensemble, chunk_time(ensemble, studies), len(measurements) + len(flows))


@dataclass(frozen=True)
class Packing:
    """Label of the job of each step; None: a job of its own.

    job_minutes   time of a job of consecutive chunks by the cost model; 0: every chunk is a job of its own
    bundle        small ensembles side by side in one job; 0: none
    """

    members: Mapping[str, Member]
    job_minutes: int = 0
    bundle: int = 0
    _bundles: Mapping[str, str] = field(init=False, repr=False)
    _pilots: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        bundles = list(_bundles([m for m in self.members.values() if self._is_small(m)], self.bundle))
        pilots = [[member for member in members if member.tuned] for members in bundles]
        object.__setattr__(self, "_bundles", _labels("bundle", bundles))
        object.__setattr__(self, "_pilots", _labels("pilots", pilots))

    def generate(self, name: str, number: int) -> str | None:
        """Job of chunk `number` of an ensemble: generating it, or listing other codes' files."""
        if name in self._bundles:
            return self._bundles[name]
        first, last = self.block(name, number)
        return f"chain_{name}_{first:04d}-{last:04d}" if last > first else None

    def measure(self, name: str, number: int) -> str | None:
        """Job of its measurements: with the chunk, where that takes several."""
        return self.generate(name, number)

    def flow(self, name: str, number: int) -> str | None:
        """Job of its flows: with the chunk unless they take longer than the chunk, then beside the chain."""
        time = self.members[name].time
        return self.generate(name, number) if name in self._bundles or time.flow <= time.other else None

    def tune(self, name: str) -> str | None:
        """Job of its pilot chain."""
        return self._pilots.get(name)

    def side_by_side(self, label: str | None) -> bool:
        """Whether steps of a job that do not wait for each other run at the same time."""
        return label is not None and not label.startswith("chain_")

    def block(self, name: str, number: int) -> tuple[int, int]:
        """First and last chunk of the job of a chunk. More chunks later leave the blocks of earlier ones alone."""
        member = self.members[name]
        time, limit = member.time, 60.0 * self.job_minutes
        most = max(1, MOST_STEPS // (1 + member.series))
        head = min(most, 1 + max(0, int((limit - time.chunk(0)) / time.chunk(1))))
        tail = min(most, max(1, int(limit / time.chunk(1))))
        if not limit:
            return number, number
        first = 0 if number < head else head + (number - head) // tail * tail
        last = first + (tail if first else head) - 1
        return first, min(last, member.ensemble.chunks - 1)

    def _is_small(self, member: Member) -> bool:
        longest = 60.0 * (self.job_minutes or SMALL_MINUTES)
        return member.ensemble.ranks == 1 and member.seconds <= longest and member.steps <= MOST_STEPS // 2


def _bundles(small: Sequence[Member], most: int) -> Iterator[list[Member]]:
    """Small ensembles, those that take about as long together."""
    group: list[Member] = []
    for member in sorted(small, key=lambda m: (-m.seconds, m.name)) if most else ():
        if group and (len(group) == most or sum(m.steps for m in group) + member.steps > MOST_STEPS):
            yield group
            group = []
        group.append(member)
    if group:
        yield group


def _labels(kind: str, groups: Sequence[Sequence[Member]]) -> dict[str, str]:
    return {member.name: f"{kind}_{n:03d}" for n, group in enumerate(groups) for member in group}
