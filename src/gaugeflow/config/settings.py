"""What is measured on every configuration and how the series are analysed."""

import itertools
from typing import Annotated

from pydantic import Discriminator, Field, Tag, model_validator

from gaugeflow.config.canonical import settings_hash
from gaugeflow.config.fields import FrozenModel, NonNegative, Positive, PositiveInt
from gaugeflow.config.precision import WithPrecision

MAX_FLOW_TIMES = 10_000
GRID_TOLERANCE = 1e-9


class LoopSettings(FrozenModel):
    """All planar Wilson loops R x T up to these extents."""

    max_r: Annotated[PositiveInt, Field(description="largest spatial extent R in lattice units")]
    max_t: Annotated[PositiveInt, Field(description="largest temporal extent T in lattice units")]


class MeasureSettings(FrozenModel):
    """Observables beside the plaquette (and, for U(N) in two dimensions, the geometric charge)."""

    loops: Annotated[LoopSettings | None, Field(description="planar Wilson loops, or null")] = None
    polyakov: Annotated[bool, Field(description="Polyakov loop in direction t")] = False

    @property
    def settings_id(self) -> str:
        """Name of these settings in output paths."""
        return settings_hash(self)


class TimeGrid(FrozenModel):
    """Equally spaced flow times, both ends included."""

    start: Annotated[NonNegative, Field(description="first flow time t/a^2")]
    stop: Annotated[Positive, Field(description="last flow time t/a^2")]
    step: Annotated[Positive, Field(description="distance of flow times t/a^2")]

    @model_validator(mode="after")
    def _ends_on_the_grid(self) -> "TimeGrid":
        intervals = (self.stop - self.start) / self.step
        if not 0.5 < intervals < MAX_FLOW_TIMES:
            raise ValueError(f"stop above start and fewer than {MAX_FLOW_TIMES} flow times")
        if abs(intervals - round(intervals)) > GRID_TOLERANCE * max(1.0, intervals):
            raise ValueError("stop - start to be a multiple of step")
        return self

    def times(self) -> tuple[float, ...]:
        """start, start + step, .., stop, rounded to 12 decimals so that 3 * 0.1 is 0.3."""
        intervals = round((self.stop - self.start) / self.step)
        return tuple(round(self.start + i * self.step, 12) for i in range(intervals + 1))


def _times_kind(value: object) -> str:
    return "<grid>" if isinstance(value, dict | TimeGrid) else "<list>"


FlowTimes = Annotated[tuple[NonNegative, ...], Field(min_length=1, max_length=MAX_FLOW_TIMES)]


class FlowSettings(WithPrecision):
    """Wilson flow with Luescher's third-order scheme; E and the charge at every flow time.

    The flow is float64 unless these settings say otherwise, whatever the precision of the chain.
    """

    times: Annotated[
        Annotated[FlowTimes, Tag("<list>")] | Annotated[TimeGrid, Tag("<grid>")],
        Discriminator(_times_kind),
        Field(description="flow times t/a^2, rising: a list, or start, stop and step of a grid"),
    ]
    step: Annotated[Positive, Field(le=0.25, description="Runge-Kutta step in t/a^2, an upper bound")] = 0.02

    @model_validator(mode="after")
    def _times_rise(self) -> "FlowSettings":
        times = self.flow_times()
        if any(b <= a for a, b in itertools.pairwise(times)):
            raise ValueError("times: strictly rising flow times")
        return self

    def flow_times(self) -> tuple[float, ...]:
        """All flow times t/a^2 at which something is stored."""
        return self.times.times() if isinstance(self.times, TimeGrid) else self.times

    @property
    def settings_id(self) -> str:
        """Name of these settings in output paths."""
        return settings_hash(self)


class AnalysisSettings(FrozenModel):
    """Choices of the statistical analysis."""

    bin_size: Annotated[
        PositiveInt | None, Field(description="configurations per jackknife bin; null: chosen from tau_int")
    ] = None
    t0_threshold: Annotated[Positive, Field(description="t^2 <E> that defines t0 (dimensionless)")] = 0.3
    w0_threshold: Annotated[Positive, Field(description="t d/dt t^2 <E> that defines w0^2 (dimensionless)")] = 0.3
