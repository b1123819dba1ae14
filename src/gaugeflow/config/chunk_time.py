"""How long one chunk takes by the cost model: what jobs ask for, and how many chunks a job takes."""

from collections.abc import Iterable
from dataclasses import dataclass

from gaugeflow.config.cost import estimate, pilot_trajectories
from gaugeflow.config.ensemble import EnsembleSpec
from gaugeflow.config.study import Ensemble, Study

MEASURE_SHARE = 0.25  # of the time that generating a chunk takes: measurements are not in the cost model


@dataclass(frozen=True)
class ChunkTime:
    """Estimated seconds of an ensemble's chunks on its ranks.

    first      generating chunk 0, thermalisation included, or reading its files
    other      generating every other chunk
    measure    measuring a chunk, as a share of generating one
    flow       all flows of a chunk, for the study that flows most
    pilot      tuning, on one rank
    """

    first: float
    other: float
    measure: float
    flow: float
    pilot: float = 0.0

    def generate(self, number: int) -> float:
        """Seconds of generating chunk `number`."""
        return self.other if number else self.first

    def chunk(self, number: int) -> float:
        """Seconds of everything that is done with chunk `number`."""
        return self.generate(number) + self.measure + self.flow


def chunk_time(ensemble: Ensemble, studies: Iterable[Study]) -> ChunkTime:
    """Estimate for the chunks of an ensemble that `studies` use."""
    flow = max(estimate(ensemble, study.flows).flow_seconds for study in studies) / ensemble.chunks / ensemble.ranks
    seconds = estimate(ensemble).generate_seconds
    if not isinstance(ensemble.spec, EnsembleSpec):
        each = seconds / ensemble.chunks / ensemble.ranks
        return ChunkTime(first=each, other=each, measure=each, flow=flow)
    spec, pilot = ensemble.spec, pilot_trajectories(ensemble.spec)
    per_chunk = spec.configs_per_chunk * spec.save_every
    each = seconds / (spec.thermalisation + ensemble.chunks * per_chunk + pilot)
    other = each * per_chunk / ensemble.ranks
    first = other + each * spec.thermalisation / ensemble.ranks
    return ChunkTime(first=first, other=other, measure=MEASURE_SHARE * other, flow=flow, pilot=each * pilot)
