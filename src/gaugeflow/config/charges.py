"""Which energies and charges of the field strength are measured, and how far their loops reach."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

LOOP_EXTENTS: Final = {"clover": 1, "improved": 2, "5li": 3, "plaquette": 1}
"""Definition of the charge -> longest side of its loops in lattice units."""

CHARGE_DEFINITIONS: Final = tuple(LOOP_EXTENTS)
DEFAULT_CHARGES: Final = ("clover",)


def _in_order(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("every definition once")
    return tuple(name for name in CHARGE_DEFINITIONS if name in names)


Charges = Annotated[
    tuple[Literal["clover", "improved", "5li", "plaquette"], ...],
    AfterValidator(_in_order),
    Field(
        min_length=1,
        description="definitions of the charge (4D): clover; improved (5/3 clover - 1/6 rectangles); 5li (five loops, "
        "hep-lat/9701012); plaquette (the leaf between +mu and +nu alone)",
    ),
]
TraceChoice = Annotated[
    Literal["traceless", "with_trace"],
    Field(description="whether the trace of F is removed for SU(N), in E clover and all charges"),
]
TimeSlices = Annotated[bool, Field(description="also E clover and the charges summed over every time slice")]
