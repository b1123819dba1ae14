"""How a network is trained: optimiser, learning rate, batches, stopping."""

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from gaugeflow.config.fields import FrozenModel, NonNegative, Positive, PositiveInt, Seed


class AdamW(FrozenModel):
    """Adam with decoupled weight decay, betas 0.9 and 0.999.  arXiv:1711.05101"""

    kind: Literal["adamw"]
    learning_rate: Annotated[Positive, Field(le=10.0, description="of the first epochs; see schedule")]
    amsgrad: Annotated[bool, Field(description="divide by the largest second moment so far")] = True
    weight_decay: NonNegative = 0.0


class ConstantRate(FrozenModel):
    """The learning rate stays."""

    kind: Literal["constant"]


class CosineRate(FrozenModel):
    """From the learning rate down to `final` times it, along half a cosine over all epochs."""

    kind: Literal["cosine"]
    final: Annotated[NonNegative, Field(lt=1.0, description="last learning rate over the first")] = 0.0
    warmup: Annotated[int, Field(ge=0, lt=10**6, description="epochs that rise linearly before")] = 0


class StepRate(FrozenModel):
    """The learning rate times `factor` after every `every` epochs."""

    kind: Literal["step"]
    every: PositiveInt
    factor: Annotated[Positive, Field(lt=1.0)] = 0.1


class PlateauRate(FrozenModel):
    """The learning rate times `factor` after every `patience` epochs without a lower validation loss."""

    kind: Literal["plateau"]
    patience: PositiveInt
    factor: Annotated[Positive, Field(lt=1.0)] = 0.5


Schedule = Annotated[
    ConstantRate | CosineRate | StepRate | PlateauRate,
    Field(discriminator="kind", description="learning rate of every epoch"),
]


def _different(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) < len(seeds):
        raise ValueError("seeds that occur once: each is one model")
    return seeds


class TrainingSettings(FrozenModel):
    """Everything but the network, its target and its data that decides which weights come out."""

    optimiser: AdamW
    schedule: Schedule = ConstantRate(kind="constant")
    batch: Annotated[PositiveInt, Field(description="configurations per step of the optimiser, over all ranks")]
    micro_batch: Annotated[
        PositiveInt | None,
        Field(description="configurations computed together; gradients are summed over them; null: the whole batch"),
    ] = None
    epochs: Annotated[PositiveInt, Field(le=10**6, description="passes over the training data, at most")]
    patience: Annotated[
        PositiveInt | None, Field(description="stop after as many epochs without a lower validation loss; null: never")
    ] = None
    precision: Annotated[
        Literal["float32", "float64", "mixed"],
        Field(description="mixed: products in float32; weights, their changes, targets and sums in float64"),
    ] = "float32"
    loss: Annotated[
        Literal["local", "average"],
        Field(description="squared error of every site, or of the average over the lattice"),
    ] = "local"
    target_unit: Annotated[
        Positive,
        Field(description="prediction = this times the network's number; about the standard deviation of the target"),
    ] = 1.0
    augmentation: Annotated[
        Literal["none", "gauge"], Field(description="gauge: a new random gauge transformation each time")
    ] = "none"
    validation: Annotated[
        float, Field(gt=0.0, lt=1.0, description="share of the chains of each ensemble that is kept for validation")
    ] = 0.1
    configurations: Annotated[
        PositiveInt | None, Field(description="configurations of every chain that are used, first ones; null: all")
    ] = None
    gradient_norm: Annotated[Positive | None, Field(description="longer gradients are scaled to it; null: none")] = None
    seeds: Annotated[
        tuple[Seed, ...],
        Field(min_length=1, max_length=1000, description="one model each: first weights, order, augmentation"),
        AfterValidator(_different),
    ]

    @model_validator(mode="after")
    def _micro_batch_fits(self) -> "TrainingSettings":
        if self.micro_batch is not None and self.micro_batch > self.batch:
            raise ValueError(f"micro_batch: at most the batch, {self.batch}")
        if isinstance(self.schedule, CosineRate) and self.schedule.warmup >= self.epochs:
            raise ValueError(f"schedule: a warmup of fewer than {self.epochs} epochs")
        return self

    @property
    def micro_batches(self) -> int:
        """Parts of a whole batch: more ranks have nothing to do."""
        return math.ceil(self.batch / (self.micro_batch or self.batch))

    def identity(self) -> dict[str, Any]:
        """JSON types of all that decides the weights beside the seed."""
        return self.model_dump(mode="json", exclude={"seeds"})


def validating_chains(chains: int, share: float) -> int:
    """How many of the chains of an ensemble validate: the nearest number, at least one, at most all but one.

    Raises    ValueError for fewer than two chains: neighbours in one chain are no independent test
    """
    if chains < 2:
        raise ValueError("at least 2 chains: whole chains validate, neighbours in one chain are no independent test")
    return min(max(1, round(share * chains)), chains - 1)
