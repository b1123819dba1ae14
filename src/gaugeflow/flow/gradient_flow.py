"""Wilson flow dV/dt = -P(U S^dagger) V by Luescher's third-order Runge-Kutta scheme.

    W1 = exp(Z0/4) W0, W2 = exp(8/9 Z1 - 17/36 Z0) W1, W3 = exp(3/4 Z2 - 8/9 Z1 + 17/36 Z0) W2, Z_i = eps Z(W_i)
                                                                                arXiv:1006.4518, eq. (C.2)
Each exponent is a multiple of the one before plus the new force, so one algebra field is enough.
"""

from collections.abc import Iterator, Sequence
from math import ceil

from gaugeflow.errors import ConfigError

RK3_STAGES = ((1 / 4, 0.0), (8 / 9, -17 / 9), (3 / 4, -1.0))
"""(weight of the new force, factor of the previous exponent) of every stage."""


def rk3_step(lattice, links, exponent, eps: float) -> None:
    """One step of flow time `eps`, in place; `exponent` is scratch of the momenta's shape."""
    for weight, factor in RK3_STAGES:
        lattice.kick(links, exponent, -weight, factor)
        lattice.drift(links, exponent, eps)


def wilson_flow(lattice, links, flow_times: Sequence[float], step: float) -> Iterator[float]:
    """Flow `links` in place and pause exactly at every flow time t/a^2, yielding it.

    Between pauses the steps are equal and at most `step`. ConfigError if times are negative or not increasing.
    """
    if step <= 0 or any(b <= a for a, b in zip((-1e-300, *flow_times), flow_times, strict=False)):
        raise ConfigError(f"flow: wanted increasing flow times >= 0 and step > 0, got {list(flow_times)}, {step}")
    exponent = lattice.new_momenta()
    now = 0.0
    for time in flow_times:
        count = ceil((time - now) / step - 1e-9)
        for _ in range(count):
            rk3_step(lattice, links, exponent, (time - now) / count)
        now = time
        yield time
