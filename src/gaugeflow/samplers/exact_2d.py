"""Independent configurations of two-dimensional lattice gauge theory: every trajectory is a fresh draw from e^{-S}.

On a torus the plaquettes, transported along a maximal tree, multiply to the commutator of the two holonomies A, B:

    prod_{t=0}^{T-1} prod_{x=L-1}^{0} P(x, t) = A B A^dagger B^dagger                                  (x descending)

and links <-> (A, B, all plaquettes but one, gauge rotations) keeps the Haar measure. So (A, B) has weight
K_V(A B A^dagger B^dagger), the plaquettes follow by halving their product (`samplers.characters`), links from them in
the gauge of the tree, and a Haar-distributed rotation of every site removes the gauge.      Migdal, JETP 42 (1975) 413

Configurations are made on rank 0 in canonical form and scattered: a function of (seed, trajectory, chain) alone.
"""

from dataclasses import dataclass

import numpy as np

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.errors import ConfigError
from gaugeflow.rng import Purpose, Stream
from gaugeflow.samplers import elements
from gaugeflow.samplers.hmc import TrajectoryInfo
from gaugeflow.samplers.plaquette_products import PRODUCTS, split_product

CUTS, ROTATIONS, HOLONOMIES = range(3)
"""The direction of the random numbers' counter tells what they are for."""

MOST_ATTEMPTS = 100_000
"""Draws of (A, B) before giving up: their acceptance is above 0.1 where V >= beta / 5."""


def require_exact_sampler(group: str, ndim: int) -> None:
    """ConfigError unless independent configurations can be drawn for this group and dimension."""
    if ndim != 2:
        raise ConfigError(f"exact sampler: got {ndim} dimensions, wanted 2; use hmc or heatbath")
    if group not in PRODUCTS:
        raise ConfigError(f"exact sampler: got group {group}, wanted one of {', '.join(PRODUCTS)}; use hmc or heatbath")


@dataclass(frozen=True)
class Exact2D:
    """Independent configurations of the Wilson action in two dimensions; U(1), SU(2) and U(2).

    action   Wilson action; ConfigError for another one
    seed     key of the random numbers
    """

    action: WilsonAction
    seed: int
    metropolis = False

    def __post_init__(self):
        if not isinstance(self.action, WilsonAction):
            raise ConfigError(
                f"exact sampler: got the action {type(self.action).__name__}, wanted the Wilson action; use hmc"
            )

    def step(self, lattice, links, momenta, trajectory: int, metropolis: bool = True):
        """(links, info) of configuration number `trajectory`; `links` and `momenta` are not read.

        Raises ConfigError for a group or a dimension without exact sampler
        """
        require_exact_sampler(lattice.group, lattice.ndim)
        fresh = None
        if lattice.comm.rank == 0:
            fresh = self.configuration(lattice.group, lattice.extents, np.arange(lattice.chains), trajectory)
        out = lattice.scatter(fresh)
        defect = float(lattice.reunitarise(out).max())
        totals = lattice.total(self.action.sums(lattice, out))
        plaquette = totals.mean(1) / (lattice.volume * lattice.n)
        return out, TrajectoryInfo(np.zeros(lattice.chains), np.ones(lattice.chains, bool), plaquette, defect)

    def configuration(self, group: str, extents, chains: np.ndarray, trajectory: int) -> np.ndarray:
        """Canonical links (chains, t, x, mu, N, N) of these chains."""
        stream, (length, time) = Stream(self.seed, Purpose.EXACT), extents
        weights, components = PRODUCTS[group](self.action.beta), elements.COMPONENTS[group]

        def uniforms(count, **where):
            here = {"chain": chains[:, None], "trajectory": trajectory, **where}
            return np.stack([stream.uniform(draw=k, **here) for k in range(count)])

        first, second = _holonomies(stream, weights, group, length * time, chains, trajectory)
        commutator = elements.product(
            elements.product(first, second), elements.product(elements.inverse(first), elements.inverse(second))
        )
        plaquettes = split_product(
            weights, commutator, length * time, lambda at: uniforms(weights.uniforms, site=at, direction=CUTS)
        )
        grid = plaquettes.reshape(components, len(chains), time, length)[..., ::-1]
        along_x, along_t = links_of_plaquettes(grid, first, second)
        sites = np.arange(length * time)
        numbers = uniforms(elements.HAAR_UNIFORMS[group], site=sites, direction=ROTATIONS)
        rotations = elements.haar(components, list(numbers)).reshape(grid.shape)
        return np.stack(
            [
                elements.matrices(
                    elements.product(elements.product(rotations, u), elements.inverse(np.roll(rotations, -1, axis)))
                )
                for u, axis in ((along_x, 3), (along_t, 2))
            ],
            3,
        )


def _holonomies(stream, weights, group, volume, chains, trajectory):
    """A and B (components, chains) with weight K_V of their commutator, by rejection from Haar-distributed ones."""
    components, numbers = elements.COMPONENTS[group], elements.HAAR_UNIFORMS[group]
    found = elements.identity(components, (2, len(chains)))
    open_ = np.arange(len(chains))
    for attempt in range(MOST_ATTEMPTS):
        draws = [
            stream.uniform(draw=attempt, site=k, chain=chains[open_], trajectory=trajectory, direction=HOLONOMIES)
            for k in range(2 * numbers + 1)
        ]
        a, b = elements.haar(components, draws[:numbers]), elements.haar(components, draws[numbers:-1])
        commutator = elements.product(
            elements.product(a, b), elements.product(elements.inverse(a), elements.inverse(b))
        )
        taken = draws[-1] <= weights.commutator_weight(volume, commutator)
        found[:, 0, open_[taken]], found[:, 1, open_[taken]] = a[:, taken], b[:, taken]
        open_ = open_[~taken]
        if not open_.size:
            return found[:, 0], found[:, 1]
    raise ConfigError(
        f"exact sampler: beta = {weights.beta} on {volume} plaquettes leaves almost no room for the holonomies; "
        "use a larger lattice or hmc"
    )


def links_of_plaquettes(plaquettes: np.ndarray, first: np.ndarray, second: np.ndarray):
    """Links (U_x, U_t), each (components, chains, t, x), in the gauge of a tree.

    U_x = 1 but at x = L - 1, U_t(x = 0) = 1 but at t = T - 1, where it is B; U_x(L - 1, t = 0) = A.
    plaquettes   P(x, t) = U_x(x) U_t(x + 1) U_x^dagger(x + t) U_t^dagger(x) of this gauge, components first
    """
    components, chains, time, length = plaquettes.shape
    along_x = elements.identity(components, (chains, time, length))
    along_t = elements.identity(components, (chains, time, length))
    along_t[..., -1, 0] = second
    for x in range(length - 1):
        along_t[..., x + 1] = elements.product(plaquettes[..., x], along_t[..., x])
    along_x[..., 0, -1] = first
    for t in range(time - 1):  # U_x(t + 1)^dagger = U_x(t)^dagger P(L - 1, t) U_t(L - 1, t), U_t(0, t) = 1
        row = elements.product(plaquettes[..., t, -1], along_t[..., t, -1])
        along_x[..., t + 1, -1] = elements.product(elements.inverse(row), along_x[..., t, -1])
    return along_x, along_t
