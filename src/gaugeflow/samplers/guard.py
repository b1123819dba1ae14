"""Checks that stop a chain before it produces nonsense; what was saved before stays."""

import numpy as np

from gaugeflow.errors import PhysicsError

UNITARITY_LIMIT = {"float64": 1e-10, "float32": 1e-4}
"""Largest change of a matrix element by reunitarisation after one trajectory.

M link updates move a link off the group by about 3 epsilon sqrt(M) or less: 1e-5 for M = 1000 in float32, where
epsilon is 1.2e-7. What is caught is a kernel that leaves the group, or damaged memory.
"""

BAND_WINDOW = 50
"""Production trajectories over which the acceptance is compared with its band."""


def check_trajectory(info, trajectory: int, precision: str = "float64") -> None:
    """PhysicsError on a NaN or infinite dH or plaquette, or links that left the group.

    precision   of the lattice: "float64" or "float32"
    """
    bad = np.flatnonzero(~np.isfinite(info.delta_h) | ~np.isfinite(info.plaquette))
    if bad.size:
        raise PhysicsError(
            f"trajectory {trajectory}: dH or plaquette of chains {bad[:8].tolist()} is not finite "
            f"(dH {info.delta_h[bad[0]]}, plaquette {info.plaquette[bad[0]]}); "
            "the step size is far too large or a configuration is damaged: use smaller steps"
        )
    if not info.unitarity_defect <= UNITARITY_LIMIT[precision]:
        raise PhysicsError(
            f"trajectory {trajectory}: links left the group by {info.unitarity_defect:.1e}, wanted at most "
            f"{UNITARITY_LIMIT[precision]:.0e}; the step size is far too large or memory is damaged"
        )


def check_acceptance(accepted: np.ndarray, band: tuple[float, float], trajectory: int) -> None:
    """PhysicsError if over the last BAND_WINDOW production trajectories acceptance left `band` or a chain stood still.

    accepted  (production trajectories so far, chains); nothing is said before the window is full
    """
    if len(accepted) < BAND_WINDOW:
        return
    per_chain = np.mean(accepted[-BAND_WINDOW:], 0)
    rate = float(np.mean(per_chain))
    if not band[0] <= rate <= band[1]:
        change = "smaller steps (raise n_steps)" if rate < band[0] else "larger steps (lower n_steps)"
        raise PhysicsError(
            f"trajectory {trajectory}: acceptance {rate:.3f} over the last {BAND_WINDOW} trajectories is outside "
            f"[{band[0]}, {band[1]}]; use {change} or widen acceptance_band, and start a new ensemble"
        )
    if (per_chain == 0).any():
        raise PhysicsError(
            f"trajectory {trajectory}: chains {np.flatnonzero(per_chain == 0)[:8].tolist()} accepted nothing in "
            f"{BAND_WINDOW} trajectories; give a warmup (or a longer one) or smaller steps and start a new ensemble"
        )
