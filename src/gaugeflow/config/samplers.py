"""Samplers as study files name them: one model per kind, what it needs, and where it exists."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, SerializerFunctionWrapHandler, Tag, model_serializer

from gaugeflow.config.fields import Fraction, FrozenModel, NonNegativeInt, Positive, PositiveInt
from gaugeflow.conventions import gauge_group

Integrator = Annotated[
    Literal["leapfrog", "omf2", "omf4", "force_gradient"],
    Field(description="splitting scheme: leapfrog and omf2 are of order 2, omf4 and force_gradient of order 4"),
]
StepSize = Annotated[Positive, Field(description="step eps of U' = exp(-eps grad S + sqrt(2 eps) eta) U")]


class TuneRequest(FrozenModel):
    """Ask for a number of integrator steps that reaches a given acceptance on a pilot chain of its own."""

    target_acceptance: Annotated[Fraction, Field(gt=0, lt=1, description="wanted acceptance rate, between 0 and 1")]
    pilot_trajectories: Annotated[PositiveInt, Field(description="length of a pilot run in trajectories")]


def _steps_kind(value: object) -> str:
    return "<tune>" if isinstance(value, dict | TuneRequest) else "<number>"


Steps = Annotated[
    Annotated[PositiveInt, Tag("<number>")] | Annotated[TuneRequest, Tag("<tune>")],
    Discriminator(_steps_kind),
    Field(description="integrator steps per trajectory, or a request to tune them"),
]


class WithWinding(FrozenModel):
    """Samplers that can be followed by winding updates; 0, the default, is left out of every text that is hashed."""

    winding: Annotated[
        NonNegativeInt, Field(description="proposals after every step that change the charge by one (2D U(N))")
    ] = 0

    @model_serializer(mode="wrap")
    def _without_default(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content = handler(self)
        if content.get("winding") == 0:
            del content["winding"]
        return content

    def _winding_text(self) -> str:
        return f", {self.winding} winding" if self.winding else ""


class HmcSampler(WithWinding):
    """Hybrid Monte Carlo with one integrator for one force."""

    metropolis: ClassVar[bool] = True

    kind: Literal["hmc"]
    integrator: Integrator
    tau: Annotated[Positive, Field(description="length of a trajectory in MD time units")]
    n_steps: Steps

    @property
    def text(self) -> str:
        """What tables say."""
        steps = "tuned" if isinstance(self.n_steps, TuneRequest) else self.n_steps
        return f"HMC, {self.integrator}, tau {self.tau}, {steps} steps{self._winding_text()}"


class HeatbathSampler(WithWinding):
    """Heat-bath and overrelaxation sweeps; a step is all of them once."""

    metropolis: ClassVar[bool] = False

    kind: Literal["heatbath"]
    heatbath: Annotated[PositiveInt, Field(description="heat-bath sweeps per step")]
    overrelaxation: Annotated[NonNegativeInt, Field(description="overrelaxation sweeps per step, after them")]

    @property
    def text(self) -> str:
        """What tables say."""
        return f"{self.heatbath} heat bath, {self.overrelaxation} overrelaxation{self._winding_text()}"


class LangevinSampler(FrozenModel):
    """Langevin steps without accept or reject: results are exact in the limit of vanishing step only."""

    metropolis: ClassVar[bool] = False

    kind: Literal["langevin"]
    step: StepSize

    @property
    def text(self) -> str:
        """What tables say."""
        return f"Langevin, step {self.step}"


class MalaSampler(FrozenModel):
    """Langevin steps with a Metropolis decision each."""

    metropolis: ClassVar[bool] = True

    kind: Literal["mala"]
    step: StepSize

    @property
    def text(self) -> str:
        """What tables say."""
        return f"MALA, step {self.step}"


class ExactSampler(FrozenModel):
    """Independent configurations of two-dimensional theories from their exact distribution."""

    metropolis: ClassVar[bool] = False

    kind: Literal["exact"]

    @property
    def text(self) -> str:
        """What tables say."""
        return "exact, independent"


SAMPLERS = {"hmc": HmcSampler, "heatbath": HeatbathSampler, "langevin": LangevinSampler, "mala": MalaSampler,
            "exact": ExactSampler}  # fmt: skip
"""Kind -> model."""


def _kind(value: object) -> str | None:
    """Tag of a mapping or model; <> keep it from being taken for a key of the file."""
    if isinstance(value, dict):
        return f"<{value.get('kind')}>"
    return f"<{value.kind}>" if hasattr(value, "kind") else None


Sampler = Annotated[
    Annotated[HmcSampler, Tag("<hmc>")]
    | Annotated[HeatbathSampler, Tag("<heatbath>")]
    | Annotated[LangevinSampler, Tag("<langevin>")]
    | Annotated[MalaSampler, Tag("<mala>")]
    | Annotated[ExactSampler, Tag("<exact>")],
    Discriminator(_kind),
    Field(description="how the chains move"),
]

EXACT_GROUPS = ("U1", "SU2", "U2")


def check_sampler(sampler: Any, group: str, ndim: int, action: str) -> None:
    """ValueError "key: what is wanted" where a sampler does not exist for this group, dimension and kind of action."""
    found = f"not {group} in {ndim}D with the {action} action"
    if sampler.kind == "exact" and (group not in EXACT_GROUPS or ndim != 2 or action != "wilson"):
        raise ValueError(f"kind: exact only for {', '.join(EXACT_GROUPS)} in 2D with the wilson action, {found}")
    if sampler.kind == "heatbath" and action != "wilson":
        raise ValueError(f"kind: heatbath only with the wilson action, {found}")
    if getattr(sampler, "winding", 0) and (gauge_group(group).special or ndim != 2):
        raise ValueError(f"winding: 0, winding updates exist for U(N) in 2D only, {found}")


def check_warmup(warmup: int, thermalisation: int, sampler: Any) -> None:
    """ValueError unless the warm-up lies inside the thermalisation of a sampler that accepts and rejects."""
    if warmup > thermalisation:
        raise ValueError(f"warmup: at most thermalisation = {thermalisation}, not {warmup}")
    if warmup and not sampler.metropolis:
        raise ValueError(f"warmup: 0, sampler {sampler.kind} has no accept or reject to leave out")
