"""The kinds of values that study files are made of."""

import math
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from gaugeflow.conventions import GAUGE_GROUPS
from gaugeflow.models import (
    MAX_TRAJECTORIES,
    Fraction,
    FrozenModel,
    NonNegative,
    NonNegativeInt,
    Positive,
    PositiveInt,
)

__all__ = [
    "MAX_CHAINS",
    "MAX_SEED",
    "MAX_SITES",
    "MAX_TRAJECTORIES",
    "NAME_PATTERN",
    "BetaScan",
    "Chains",
    "Extents",
    "ExtentsScan",
    "Fraction",
    "FrozenModel",
    "Group",
    "Name",
    "NonNegative",
    "NonNegativeInt",
    "OnLattice",
    "Positive",
    "PositiveInt",
    "RectangleCoefficient",
    "Seed",
    "as_tuples",
]

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""What may become part of a path or of a shell line."""

# Philox counter: site 40 | chain 24 | trajectory 32 | purpose 8 | direction 3 | draw 21 bits; key 64 bits.
MAX_SITES = 2**40
MAX_CHAINS = 2**24
MAX_SEED = 2**64


def as_tuples(value: Any) -> Any:
    """The lists of parsed YAML or JSON as tuples, at any depth: strict models take tuples only."""
    if isinstance(value, list | tuple):
        return tuple(as_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: as_tuples(item) for key, item in value.items()}
    return value


class OnLattice:
    """Dimension and size of what has `extents`."""

    extents: tuple[int, ...]

    @property
    def ndim(self) -> int:
        """Number of dimensions, 2 to 4."""
        return len(self.extents)

    @property
    def sites(self) -> int:
        """Number of lattice sites."""
        return math.prod(self.extents)


def _known_group(name: str) -> str:
    if name not in GAUGE_GROUPS:
        raise ValueError(f"one of {', '.join(GAUGE_GROUPS)}")
    return name


def _not_zero(value: float) -> float:
    if value == 0:
        raise ValueError("a number other than 0, which is action: wilson")
    return value


def _one_or_many(value: Any) -> Any:
    return value if isinstance(value, tuple) else (value,)


def _one_or_many_lists(value: Any) -> Any:
    nested = isinstance(value, tuple) and value and isinstance(value[0], tuple)
    return value if nested else (value,)


Group = Annotated[
    str,
    AfterValidator(_known_group),
    WithJsonSchema({"type": "string", "enum": list(GAUGE_GROUPS)}),
    Field(description="gauge group, U(N) or SU(N)"),
]
RectangleCoefficient = Annotated[
    float,
    AfterValidator(_not_zero),
    Field(gt=-10, lt=10, description="coefficient c1 of the 2 x 1 rectangles; that of the plaquettes is 1 - 8 c1"),
]
Chains = Annotated[
    int, Field(ge=1, le=MAX_CHAINS, description="independent Markov chains, a leading axis of all arrays")
]
Seed = Annotated[int, Field(ge=0, lt=MAX_SEED, description="key of the counter-based random numbers, 64 bits")]
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=100)]
Extents = Annotated[
    tuple[Annotated[int, Field(ge=2, lt=MAX_SITES)], ...],
    Field(min_length=2, max_length=4, description="lattice extents in sites, (x, t), (x, y, t) or (x, y, z, t)"),
]
BetaScan = Annotated[
    tuple[Positive, ...],
    BeforeValidator(_one_or_many, json_schema_input_type=Positive | tuple[Positive, ...]),
    Field(min_length=1, description="coupling beta = 2N/g^2 (dimensionless), one or a scan"),
]
ExtentsScan = Annotated[
    tuple[Extents, ...],
    BeforeValidator(_one_or_many_lists, json_schema_input_type=Extents | tuple[Extents, ...]),
    Field(min_length=1, description="lattice extents in sites, time last, one list or a scan of lists"),
]
