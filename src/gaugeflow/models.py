"""The base model of all settings, and the plain numbers that they are made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_TRAJECTORIES = 2**32
"""The counter of random numbers has 32 bits for the trajectory; no count in a study is larger."""


class FrozenModel(BaseModel):
    """Base of all settings: immutable, no conversions between types, unknown keys refused."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", validate_default=True)


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
PositiveInt = Annotated[int, Field(ge=1, lt=MAX_TRAJECTORIES)]
NonNegativeInt = Annotated[int, Field(ge=0, lt=MAX_TRAJECTORIES)]
