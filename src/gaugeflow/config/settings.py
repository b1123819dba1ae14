"""What is measured on every configuration and how the series are analysed."""

import itertools
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    create_model,
    model_serializer,
    model_validator,
)

from gaugeflow.config.canonical import settings_hash
from gaugeflow.config.charges import DEFAULT_CHARGES, Charges, TimeSlices, TraceChoice
from gaugeflow.config.fields import FrozenModel, NonNegative, Positive, PositiveInt
from gaugeflow.config.precision import WithPrecision
from gaugeflow.observables.observable import Observable
from gaugeflow.observables.registry import OBSERVABLES

MAX_FLOW_TIMES = 10_000
GRID_TOLERANCE = 1e-9


def _key(observable: Observable) -> tuple[Any, Any]:
    """(type, default) of an observable's key."""
    field = Field(description=observable.description)
    if observable.settings is bool:
        return Annotated[bool, field], False
    return Annotated[observable.settings | None, field], None


ASKED_FOR = {observable.name: observable for observable in OBSERVABLES if observable.settings is not None}
"""Observables that have a key, by its name."""

_KEYS: dict[str, Any] = {name: _key(observable) for name, observable in ASKED_FOR.items()}
_Keys: Any = create_model("_Keys", __base__=FrozenModel, **_KEYS)


class MeasureSettings(_Keys):
    """Observables beside the plaquette (and, for U(N) in two dimensions, the geometric charge)."""

    @model_serializer(mode="wrap")
    def _without_absent_keys(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Settings keep their name when an observable is added that they do not ask for."""
        content: dict[str, Any] = handler(self)
        return {name: value for name, value in content.items() if getattr(self, name) or ASKED_FOR[name].hashed}

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


class AdaptiveStep(FrozenModel):
    """Steps as large as the distance between the third-order step and the embedded second-order one allows."""

    tolerance: Annotated[Positive, Field(lt=0.1, description="largest distance at which a step is accepted")] = 1e-7
    norm: Annotated[
        Literal["frobenius/N^2"],
        Field(description="distance: the largest over links of sqrt(sum_ab |V_ab - V'_ab|^2) / N^2"),
    ] = "frobenius/N^2"


SMALLEST_FLOAT32_TOLERANCE = 1e-6
"""Ten times what rounding alone makes of the distance in float32."""


class FlowSettings(WithPrecision):
    """Gradient flow with Luescher's third-order scheme; E and the charge at every flow time.

    The flow is float64 unless these settings say otherwise, whatever the precision of the chain.
    """

    left_out: ClassVar[tuple[str, ...]] = ("precision", "kind", "adaptive", "charges", "field_strength", "time_slices")

    times: Annotated[
        Annotated[FlowTimes, Tag("<list>")] | Annotated[TimeGrid, Tag("<grid>")],
        Discriminator(_times_kind),
        Field(description="flow times t/a^2, rising: a list, or start, stop and step of a grid"),
    ]
    step: Annotated[
        Positive, Field(le=0.25, description="Runge-Kutta step in t/a^2: an upper bound, with adaptive the first one")
    ] = 0.02
    kind: Annotated[Literal["wilson", "symanzik", "zeuthen"], Field(description="what the flow descends")] = "wilson"
    adaptive: Annotated[AdaptiveStep | None, Field(description="choose the step by its error; null: it is fixed")] = (
        None
    )
    charges: Charges = DEFAULT_CHARGES
    field_strength: TraceChoice = "traceless"
    time_slices: TimeSlices = False

    @model_validator(mode="after")
    def _times_rise(self) -> "FlowSettings":
        times = self.flow_times()
        if any(b <= a for a, b in itertools.pairwise(times)):
            raise ValueError("times: strictly rising flow times")
        return self

    @model_validator(mode="after")
    def _tolerance_is_above_rounding(self) -> "FlowSettings":
        if self.adaptive and self.precision == "float32" and self.adaptive.tolerance < SMALLEST_FLOAT32_TOLERANCE:
            raise ValueError(f"adaptive: a tolerance of at least {SMALLEST_FLOAT32_TOLERANCE} in float32")
        return self

    @property
    def scheme(self) -> tuple[float, str, float | None]:
        """Step, kind and tolerance (None: fixed steps), as `flow.gradient_flow` takes them."""
        return self.step, self.kind, self.adaptive.tolerance if self.adaptive else None

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
