"""Pull of a measured number against its reference."""

import math


def pull(value: float, error: float, reference: float, reference_error: float = 0.0) -> float:
    """(value - reference) / sqrt(error^2 + reference_error^2).

    Two equal numbers without errors have pull 0, two different ones an infinite pull; NaN where a number is missing.
    """
    sigma = math.hypot(error, reference_error)
    difference = value - reference
    if sigma == 0:
        return 0.0 if difference == 0 else math.copysign(math.inf, difference)
    return difference / sigma
