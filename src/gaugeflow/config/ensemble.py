"""The part of a study that defines a Markov chain, and its identity."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, SerializerFunctionWrapHandler, Tag, model_serializer, model_validator

from gaugeflow.config.canonical import canonical_json, sha256_text
from gaugeflow.config.fields import (
    MAX_SITES,
    Chains,
    Extents,
    FrozenModel,
    Group,
    NonNegativeInt,
    OnLattice,
    Positive,
    PositiveInt,
    RectangleCoefficient,
    Seed,
)
from gaugeflow.config.precision import WithPrecision
from gaugeflow.config.samplers import HmcSampler, Sampler, TuneRequest, check_sampler, check_warmup

SCHEMA_VERSION: Literal[1] = 1


class WilsonAction(FrozenModel):
    """S = beta sum_p (1 - Re tr U_p / N)."""

    kind: Literal["wilson"]
    beta: Annotated[Positive, Field(description="coupling beta = 2N/g^2 (dimensionless)")]


class RectangleAction(FrozenModel):
    """S = beta sum [c0 (1 - Re tr U_p / N) + c1 (1 - Re tr U_r / N)], c0 = 1 - 8 c1, with all 2 x 1 rectangles."""

    kind: Literal["rectangle"]
    beta: Annotated[Positive, Field(description="coupling beta = 2N/g^2 (dimensionless)")]
    c1: RectangleCoefficient


Action = Annotated[WilsonAction | RectangleAction, Field(discriminator="kind")]


class FileStart(FrozenModel):
    """Start from a configuration of a file, the last one unless named; the hash says which file, wherever it lies."""

    file: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9._/-]+$", description="configurations file, relative to the working folder")
    ]
    content_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="as printed by gaugeflow info FILE")]
    configuration: Annotated[
        NonNegativeInt | None, Field(description="number in the file, from 0; left out: the last (gaugeflow branch)")
    ] = None

    @model_serializer(mode="wrap")
    def _without_default(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content = handler(self)
        if content.get("configuration", 0) is None:
            del content["configuration"]
        return content


def _start_kind(value: object) -> str:
    return "<file>" if isinstance(value, dict | FileStart) else "<name>"


Start = Annotated[
    Annotated[Literal["cold", "hot", "mixed"], Tag("<name>")] | Annotated[FileStart, Tag("<file>")],
    Discriminator(_start_kind),
    Field(description="first links: unit, Haar, both (even chains cold, odd hot), or those of a file"),
]


WARMUP = "first trajectories of the thermalisation, accepted whatever their dH: a cold start gains energy at first"


class EnsembleSpec(WithPrecision, OnLattice):
    """Everything that defines the chains of one ensemble, and nothing else: no length, no ranks, no name."""

    version: Literal[1] = SCHEMA_VERSION
    group: Group
    extents: Extents
    action: Action
    sampler: Sampler
    chains: Chains
    seed: Seed
    start: Start
    thermalisation: Annotated[NonNegativeInt, Field(description="trajectories before the first that counts")]
    warmup: Annotated[NonNegativeInt, Field(description=WARMUP)] = 0
    save_every: Annotated[PositiveInt, Field(description="trajectories between saved configurations")]
    configs_per_chunk: Annotated[PositiveInt, Field(description="configurations in one file")]

    @model_validator(mode="after")
    def _warmup_is_thermalisation(self) -> "EnsembleSpec":
        check_warmup(self.warmup, self.thermalisation, self.sampler)
        return self

    @model_validator(mode="after")
    def _sampler_exists(self) -> "EnsembleSpec":
        try:
            check_sampler(self.sampler, self.group, self.ndim, self.action.kind)
        except ValueError as error:
            raise ValueError(f"sampler: {error}") from error
        return self

    @model_validator(mode="after")
    def _sites_fit_the_counter(self) -> "EnsembleSpec":
        if self.sites >= MAX_SITES:
            raise ValueError("extents: fewer than 2^40 sites in all, the width of the random numbers' site field")
        return self

    @property
    def beta(self) -> float:
        """Coupling of the action."""
        return self.action.beta

    @property
    def tuned(self) -> bool:
        """Whether n_steps is a request that `gaugeflow tune` has to answer."""
        return isinstance(self.sampler, HmcSampler) and isinstance(self.sampler.n_steps, TuneRequest)


def extents_text(extents: tuple[int, ...]) -> str:
    """(8, 8, 8, 16) -> "8x8x8x16"."""
    return "x".join(str(extent) for extent in extents)


def number_text(value: float) -> str:
    """Shortest text of a float that is safe in a path: 6.0 -> "6.0", 1e22 -> "1e22"."""
    return repr(float(value)).replace("+", "")


def ensemble_id(request: EnsembleSpec) -> str:
    """Identity of an ensemble: a readable prefix and ten hexadecimal digits of the hash of its request.

    request   the spec as asked for (with the tune request, if any), so that the identity is known before anything runs

    Law       the same for 1, 1.0 and 1e0; independent of chunks, ranks, label    tests/config/test_identity.py
    """
    prefix = f"{request.group.lower()}_{request.ndim}d_b{number_text(request.beta)}_{extents_text(request.extents)}"
    return f"{prefix}-{sha256_text(canonical_json(request))[:10]}"


def chain_seed(request: EnsembleSpec) -> int:
    """Key of the random numbers: 64 bits of the hash of the study's seed, group, extents, action and precision.

    Ensembles of one scan share the study's seed; with the same key their chains would see the same momenta and be
    correlated with each other.
    """
    content = request.model_dump(mode="json")
    names = ("seed", "group", "extents", "action", "precision")
    physics = {name: content[name] for name in names if name in content}  # the default precision is not in it
    return int(sha256_text(canonical_json(physics))[:16], 16)


def resolved(request: EnsembleSpec, n_steps: int | None = None) -> EnsembleSpec:
    """The spec to run: `request` with the key of its random numbers filled in.

    n_steps   of the integrator where they were tuned; None: those of the request, if the sampler has any
    """
    content = request.model_dump()
    if n_steps is not None:
        content["sampler"]["n_steps"] = n_steps
    content["seed"] = chain_seed(request)
    return EnsembleSpec.model_validate(content)
