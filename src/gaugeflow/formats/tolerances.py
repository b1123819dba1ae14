"""How exact other codes' configurations have to be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tolerance:
    """How far numbers may be from what they should be.

    claims   of plaquette and link trace from those of the header: rounding of the links, and of ten printed digits
    group    largest |U^dagger U - 1|, and |det U - 1|
    """

    claims: float
    group: float


TOLERANCES = {"float32": Tolerance(1e-6, 1e-5), "float64": Tolerance(1e-9, 1e-9)}
"""By the precision of the file. Codes that let rounding errors grow between projections stay well inside."""
