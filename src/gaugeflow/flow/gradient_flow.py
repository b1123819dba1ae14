"""Gradient flow dV/dt = Z(V) V by Luescher's third-order Runge-Kutta scheme, with a fixed or an adaptive step.

    W1 = exp(Z0/4) W0, W2 = exp(8/9 Z1 - 17/36 Z0) W1, W3 = exp(3/4 Z2 - 8/9 Z1 + 17/36 Z0) W2, Z_i = eps Z(W_i)
                                                                                arXiv:1006.4518, eq. (C.2)
Each exponent is a multiple of the one before plus the new force, so one algebra field is enough.

    wilson     Z = -P(U S^dagger)
    symanzik   Z = -P(U (5/3 S - R/12)^dagger), R the paths around 2 x 1 rectangles
    zeuthen    Z_mu = (1 + nabla*_mu nabla_mu / 12) Z_mu(symanzik)                                arXiv:1508.05552
"""

from collections.abc import Callable, Iterator, Sequence
from math import ceil

import numpy as np

from gaugeflow.errors import ConfigError, PhysicsError

RK3_STAGES = ((1 / 4, 0.0), (8 / 9, -17 / 9), (3 / 4, -1.0))
"""(weight of the new force, factor of the previous exponent) of every stage."""

SYMANZIK = (5 / 3, -1 / 12)
"""Coefficients of plaquettes and rectangles: no term of order a^2 in the classical action."""

ZEUTHEN = 1 / 12
"""Coefficient of the second difference that takes the order a^2 out of the flow equation."""


def _wilson(lattice, links, exponent, weight, factor):
    lattice.kick(links, exponent, -weight, factor)


def _symanzik(lattice, links, exponent, weight, factor):
    c0, c1 = SYMANZIK
    lattice.kick_rectangles(links, exponent, -weight * c0, -weight * c1, factor)


def _zeuthen(lattice, links, exponent, weight, factor):
    c0, c1 = SYMANZIK
    lattice.kick_smoothed(links, exponent, -weight * c0, -weight * c1, ZEUTHEN, factor)


FLOWS: dict[str, Callable[..., None]] = {"wilson": _wilson, "symanzik": _symanzik, "zeuthen": _zeuthen}
"""Kind of flow -> function (lattice, links, exponent, weight, factor): exponent <- factor exponent + weight Z."""

SAFETY, ORDER, LARGEST_GROWTH = 0.95, 3, 2.0
"""Of the adaptive step: eps <- SAFETY eps (tolerance / distance)^(1/ORDER), at most LARGEST_GROWTH eps.

                                                                                arXiv:1301.4388
"""

SMALLEST_DISTANCE = 1e-300
"""Stands for a distance of zero: links that no flow moves."""

SMALLEST_STEP = 1e-6
"""An adaptive step below it never ends: the tolerance is below the rounding of the links."""


def rk3_step(lattice, links, exponent, eps: float, kind: str = "wilson") -> None:
    """One step of flow time `eps`, in place; `exponent` is scratch of the momenta's shape."""
    force = FLOWS[kind]
    for weight, factor in RK3_STAGES:
        force(lattice, links, exponent, weight, factor)
        lattice.drift(links, exponent, eps)


def embedded_step(lattice, links, exponent, eps: float, kind: str, tolerance: float) -> float:
    """One step of flow time `eps`, in place, if its distance from the embedded second-order step is below `tolerance`.

        V' = exp(-Z0 + 2 Z1) W0,   distance = max_{x, mu, chain} |V - V'| / N^2,   |M|^2 = sum_ab |M_ab|^2

    Returns the distance; if it is not below the tolerance, links are as before.

    From the exponents E0 = Z0/4 and E1 = 8/9 Z1 - 17/36 Z0 of the first two stages: -Z0 + 2 Z1 = 9/4 (E1 + E0/9).
    """
    force, before = FLOWS[kind], lattice.copy(links)
    for stage, (weight, factor) in enumerate(RK3_STAGES):
        force(lattice, links, exponent, weight, factor)
        lattice.drift(links, exponent, eps)
        if stage == 0:
            embedded = lattice.copy(exponent)
            embedded *= 1 / 9
        elif stage == 1:
            embedded += exponent
    lower = lattice.copy(before)
    lattice.drift(lower, embedded, 9 / 4 * eps)
    distance = float(lattice.distance(links, lower).max()) / lattice.n**2
    if not distance < tolerance:
        lattice.select(np.zeros(lattice.chains, bool), links, before)
    return distance


def gradient_flow(
    lattice, links, flow_times: Sequence[float], step: float, kind: str = "wilson", tolerance: float | None = None
) -> Iterator[float]:
    """Flow `links` in place and pause exactly at every flow time t/a^2, yielding it.

    step        fixed steps: between pauses they are equal and at most `step`; adaptive ones: the first
    kind        "wilson", "symanzik" or "zeuthen"
    tolerance   None for fixed steps; else a step is accepted if its distance (see `embedded_step`) is smaller, and the
                next one made as large as that allows. All chains take the same steps, decided by the worst link of
                all, so ranks and packing do not matter; which other chains are flowed beside it moves a chain's flow
                within the tolerance.

    Raises      ConfigError if times are negative or not increasing, PhysicsError if no step meets the tolerance
    """
    if step <= 0 or any(b <= a for a, b in zip((-1e-300, *flow_times), flow_times, strict=False)):
        raise ConfigError(f"flow: wanted increasing flow times >= 0 and step > 0, got {list(flow_times)}, {step}")
    if kind not in FLOWS:
        raise ConfigError(f"flow: got kind {kind!r}, wanted one of {', '.join(FLOWS)}")
    exponent = lattice.new_momenta()
    now = 0.0
    for time in flow_times:
        if tolerance is None:
            count = _steps(time - now, step)
            for _ in range(count):
                rk3_step(lattice, links, exponent, (time - now) / count, kind)
        else:
            step = _adaptively(lattice, links, exponent, time - now, step, kind, tolerance)
        now = time
        yield time


def _steps(duration: float, step: float) -> int:
    """Fewest equal steps of at most `step`."""
    return ceil(duration / step - 1e-9)


def _adaptively(lattice, links, exponent, duration, step, kind, tolerance) -> float:
    """Flow for `duration`, in place; returns the step that would come next."""
    while (count := _steps(duration, step)) > 0:
        eps = duration / count
        distance = embedded_step(lattice, links, exponent, eps, kind, tolerance)
        growth = SAFETY * (tolerance / max(distance, SMALLEST_DISTANCE)) ** (1 / ORDER)
        if distance < tolerance:
            duration = duration - eps if count > 1 else 0.0
            step = min(eps * growth, LARGEST_GROWTH * step)
            continue
        step = eps * growth
        if not step > SMALLEST_STEP:
            raise PhysicsError(
                f"flow: a step of {eps:.1e} is off by {distance:.1e}, wanted less than {tolerance:.1e}; the tolerance "
                "is below the rounding of the links, or a configuration is damaged: raise the tolerance"
            )
    return step
