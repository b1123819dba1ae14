"""When the jackknife's and the Gamma method's errors of one number contradict each other."""

import math

DISAGREEMENT = 0.30
"""Errors that differ by more than this, and by more than 3 sigma of the errors, disagree."""


def errors_disagree(
    error: float, error_error: float, gamma_error: float, gamma_error_error: float, tau_int: float
) -> bool | None:
    """Whether the errors differ by more than DISAGREEMENT and by more than three of their own errors.

    None where one of them is missing or zero, or where the jackknife's is smaller because the series is
    anticorrelated: the Gamma method never takes tau_int below 1/2.
    """
    numbers = (error, error_error, gamma_error, gamma_error_error)
    if not all(math.isfinite(number) for number in numbers) or min(error, gamma_error) == 0:
        return None
    difference = abs(error - gamma_error)
    spread = math.hypot(error_error, gamma_error_error)
    apart = difference > DISAGREEMENT * max(error, gamma_error) and difference > 3 * spread
    return None if apart and tau_int < 0.501 and error < gamma_error else apart


def disagreement_text(name: str, error: float, bins: int, gamma_error: float, tau_int: float) -> str:
    """The warning that goes with it."""
    return (
        f"{name}: jackknife error {error:.2g} ({bins} bins) and Gamma-method error {gamma_error:.2g} disagree; "
        f"the chains may be too short for tau_int = {tau_int:.1f}"
    )
