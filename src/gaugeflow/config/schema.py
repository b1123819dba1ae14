"""The study file: what may stand in it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from gaugeflow.config.ensemble import (
    WARMUP,
    EnsembleSpec,
    FileStart,
    Start,
    WilsonAction,
)
from gaugeflow.config.fields import (
    MAX_TRAJECTORIES,
    BetaScan,
    Chains,
    ExtentsScan,
    Fraction,
    FrozenModel,
    Group,
    NonNegativeInt,
    PositiveInt,
    RectangleCoefficient,
    Seed,
)
from gaugeflow.config.foreign import ForeignEntry, check_label
from gaugeflow.config.networks import Networks
from gaugeflow.config.precision import DEFAULT, Precision
from gaugeflow.config.samplers import HmcSampler, Sampler, TuneRequest, check_warmup
from gaugeflow.config.settings import AnalysisSettings, FlowSettings, MeasureSettings, TimeGrid

__all__ = [
    "AnalysisSettings",
    "EnsembleEntry",
    "EnsembleSpec",
    "FileStart",
    "FlowSettings",
    "ForeignEntry",
    "HmcSampler",
    "MeasureSettings",
    "Scale",
    "Scales",
    "StudyFile",
    "TimeGrid",
    "TuneRequest",
    "WilsonAction",
]

LABEL_FIELDS = ("group", "ndim", "action", "beta", "extents", "seed", "precision")
DEFAULT_LABEL = "b{beta}_{extents}"
BAND = "allowed acceptance over the last 50 production trajectories; no matter where the sampler rejects nothing"


class RectangleChoice(FrozenModel):
    """The action with 2 x 1 rectangles of this coefficient."""

    c1: RectangleCoefficient


def _action_kind(value: object) -> str:
    return "<c1>" if isinstance(value, dict | RectangleChoice) else "<name>"


ActionName = Literal["wilson", "symanzik", "iwasaki", "dbw2"]
"""wilson, and the names of `conventions.RECTANGLE_COEFFICIENTS`."""

ActionChoice = Annotated[
    Annotated[Literal["wilson", "symanzik", "iwasaki", "dbw2"], Tag("<name>")]
    | Annotated[RectangleChoice, Tag("<c1>")],
    Discriminator(_action_kind),
    Field(description="wilson, a name for a rectangle coefficient (recorded as its number), or {c1: number}"),
]


class EnsembleEntry(FrozenModel):
    """One entry of `ensembles`; lists under `beta` and `extents` are scans and are multiplied out."""

    label: Annotated[str, Field(max_length=80, description="name in tables; {beta}, {extents}, .. are filled in")] = (
        DEFAULT_LABEL
    )
    group: Group
    extents: ExtentsScan
    action: ActionChoice = "wilson"
    beta: BetaScan
    chains: Chains
    seed: Seed
    start: Start
    sampler: Sampler
    precision: Precision = DEFAULT
    thermalisation: Annotated[NonNegativeInt, Field(description="trajectories before the first that counts")]
    warmup: Annotated[NonNegativeInt, Field(description=WARMUP)] = 0
    save_every: Annotated[PositiveInt, Field(description="trajectories between saved configurations")]
    configs_per_chunk: Annotated[PositiveInt, Field(description="configurations in one file")]
    chunks: Annotated[PositiveInt, Field(le=10_000, description="number of files; not part of the identity")]
    acceptance_band: Annotated[
        tuple[Fraction, ...],
        Field(min_length=2, max_length=2, description=BAND),
    ] = (0.0, 1.0)
    ranks: Annotated[PositiveInt, Field(description="MPI ranks; not part of the identity")] = 1
    grid: Annotated[
        tuple[PositiveInt, ...] | None,
        Field(description="ranks along (chains, t, z, y, x), in 2D (chains, t, x); null: chosen automatically"),
    ] = None

    @model_validator(mode="after")
    def _consistent(self) -> "EnsembleEntry":
        check_label(self.label, LABEL_FIELDS)
        check_warmup(self.warmup, self.thermalisation, self.sampler)
        if self.acceptance_band[0] >= self.acceptance_band[1]:
            raise ValueError("acceptance_band: a lower bound below the upper one")
        trajectories = self.thermalisation + self.chunks * self.configs_per_chunk * self.save_every
        if trajectories >= MAX_TRAJECTORIES:
            raise ValueError(
                "fewer than 2^32 trajectories in all (thermalisation + chunks x configs_per_chunk x save_every), "
                f"not {trajectories}"
            )
        return self


def _entry_kind(value: object) -> str:
    named = isinstance(value, ForeignEntry) or (isinstance(value, dict) and "files" in value)
    return "<files>" if named else "<chain>"


Entry = Annotated[
    Annotated[EnsembleEntry, Tag("<chain>")] | Annotated[ForeignEntry, Tag("<files>")], Discriminator(_entry_kind)
]
"""A chain to generate, or files of other codes: the key `files` tells which."""


def _flow_number(value: object) -> str:
    return "<list>" if isinstance(value, tuple) else "<one>"


def _different_kinds(flows: tuple[FlowSettings, ...]) -> tuple[FlowSettings, ...]:
    kinds = [flow.kind for flow in flows]
    if len(set(kinds)) < len(kinds):
        raise ValueError("flows of different kinds: each has one set of times and steps")
    return flows


Flows = Annotated[
    Annotated[FlowSettings, Tag("<one>")]
    | Annotated[tuple[FlowSettings, ...], Field(min_length=1), AfterValidator(_different_kinds), Tag("<list>")],
    Discriminator(_flow_number),
]


class Scale(FrozenModel):
    """One size of the study."""

    ensembles: Annotated[tuple[Entry, ...], Field(min_length=1, description="what to generate, or which files to take")]
    measure: MeasureSettings
    flow: Annotated[Flows | None, Field(description="a flow, a list of flows of different kinds, or null")] = None
    analysis: AnalysisSettings = AnalysisSettings()
    networks: Networks = ()

    @property
    def flows(self) -> tuple[FlowSettings, ...]:
        """All flows in the order of the study."""
        return self.flow if isinstance(self.flow, tuple) else () if self.flow is None else (self.flow,)


class Scales(FrozenModel):
    """The two sizes that every study has."""

    full: Annotated[Scale, Field(description="the size that answers the question")]
    tiny: Annotated[Scale, Field(description="a size for tests and demonstrations")]


class StudyFile(FrozenModel):
    """A gaugeflow study: which gauge ensembles to generate, what to measure on them, how to analyse it."""

    version: Annotated[Literal[1], Field(description="version of this format")]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    scales: Scales
