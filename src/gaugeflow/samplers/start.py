"""Where a chain starts."""

import numpy as np

from gaugeflow.errors import ConfigError
from gaugeflow.rng import Purpose


def start_links(lattice, start: str, seed: int, purpose: Purpose = Purpose.START):
    """Links of every chain: "cold" (all one), "hot" (Haar), "mixed" (even chains cold, odd ones hot)."""
    if start == "cold":
        return lattice.cold()
    if start == "hot":
        return lattice.hot(seed, purpose)
    if start == "mixed":
        links = lattice.hot(seed, purpose)
        lattice.select(np.arange(lattice.chains) % 2 == 1, links, lattice.cold())
        return links
    raise ConfigError(f"start: got {start!r}, wanted cold, hot, mixed or a file")
