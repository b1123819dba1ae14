"""Checks that stop a chain before it produces nonsense; what was saved before stays."""

import numpy as np

from gaugeflow.errors import PhysicsError

UNITARITY_LIMIT = 1e-10
"""Largest change of a matrix element by reunitarisation after one trajectory."""

BAND_WINDOW = 50
"""Production trajectories over which the acceptance is compared with its band."""


def check_trajectory(info, trajectory: int) -> None:
    """PhysicsError on a NaN or infinite dH or plaquette, or links that left the group."""
    bad = np.flatnonzero(~np.isfinite(info.delta_h) | ~np.isfinite(info.plaquette))
    if bad.size:
        raise PhysicsError(
            f"trajectory {trajectory}: dH or plaquette of chains {bad[:8].tolist()} is not finite "
            f"(dH {info.delta_h[bad[0]]}, plaquette {info.plaquette[bad[0]]}); "
            "the step size is far too large or a configuration is damaged: use more n_steps"
        )
    if not info.unitarity_defect <= UNITARITY_LIMIT:
        raise PhysicsError(
            f"trajectory {trajectory}: links left the group by {info.unitarity_defect:.1e}, wanted at most "
            f"{UNITARITY_LIMIT:.0e}; the step size is far too large or memory is damaged"
        )


def check_acceptance(accepted: np.ndarray, band: tuple[float, float], trajectory: int) -> None:
    """PhysicsError if the acceptance of the last BAND_WINDOW production trajectories leaves `band`.

    accepted  (production trajectories so far, chains); nothing is said before the window is full
    """
    if len(accepted) < BAND_WINDOW:
        return
    rate = float(np.mean(accepted[-BAND_WINDOW:]))
    if not band[0] <= rate <= band[1]:
        change = "raise" if rate < band[0] else "lower"
        raise PhysicsError(
            f"trajectory {trajectory}: acceptance {rate:.3f} over the last {BAND_WINDOW} trajectories is outside "
            f"[{band[0]}, {band[1]}]; {change} n_steps (or widen acceptance_band) and start a new ensemble"
        )
