"""Winding updates of two-dimensional U(N): the charge of a whole lattice changes by one, proposed as an even flux.

HMC moves Q in ever rarer steps as beta grows. Here every plaquette is turned by D = diag(e^{2 pi i / V}, 1, ..), so
that det U_p winds once over the torus, or by D^dagger, and the proposal is accepted with min(1, exp(-dS)).

D needs a frame at every site: links of a maximal tree carry the origin's to F(x), and links become

    U_mu(x) <- F(x) W_mu(x) F(x)^dagger U_mu(x),       W_mu = D^{a_mu}
    a_t(x, t) = x for x = 1 .. L (x = L is site 0),  a_x(0, t) = -L (t - 1 mod T),  a_x = 0 elsewhere

The tree is U_x at x != 0 and U_t at x = 0, t != 0, walked forwards to the origin. In its gauge links of a tree get only
powers of D, which commute, so the frames of the proposal turn D^dagger into the way back; other links are multiplied
by what only depends on the tree: the Haar measure stays. Tr U_p becomes the trace of U_p with one D inserted, at every
plaquette. For U(1) frames drop out. Another direction than diag(1, 0, ..), even a random one, changes no acceptance:
e^{-S} does not know it.
"""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from gaugeflow.conventions import gauge_group
from gaugeflow.errors import ConfigError
from gaugeflow.rng import Purpose, Stream


def require_winding(group: str, ndim: int) -> None:
    """ConfigError unless the charge of this group and dimension can be wound."""
    if ndim != 2 or gauge_group(group).special:
        raise ConfigError(
            f"winding updates: got {group} in {ndim} dimensions, wanted U(N) in 2; leave `winding` out of the sampler"
        )


@dataclass(frozen=True)
class Winding:
    """A sampler with `updates` winding updates after each of its trajectories.

    sampler   what makes a trajectory: its dH and its decisions are those reported
    action    whose exp(-S) is sampled
    updates   proposals per trajectory
    seed      key of the random numbers
    """

    sampler: object
    action: object
    updates: int
    seed: int

    @property
    def metropolis(self) -> bool:
        """Whether dH and decisions of the sampler mean anything."""
        return self.sampler.metropolis

    def step(self, lattice, links, momenta, trajectory: int, metropolis: bool = True):
        """(new links, info): a trajectory of the sampler, then the winding updates; see the sampler.

        Raises ConfigError for SU(N) and beyond two dimensions
        """
        require_winding(lattice.group, lattice.ndim)
        links, info = self.sampler.step(lattice, links, momenta, trajectory, metropolis)
        if not self.updates:
            return links, info
        defect = info.unitarity_defect
        for number in range(self.updates):
            links, _, _ = self.update(lattice, links, trajectory, number)
            # frames are long products: what links lack of the group grows with every update that is left alone
            defect = max(defect, float(lattice.reunitarise(links).max()))
        totals = lattice.total(lattice.plaquette_sums(links))
        plaquette = totals.mean(1) / (lattice.volume * lattice.n)
        return links, info._replace(plaquette=plaquette, unitarity_defect=defect)

    def update(self, lattice, links, trajectory: int, number: int):
        """(new links, accepted, dS) of one winding update of every chain; `links` stay."""
        proposal = self.propose(lattice, links, self._up(lattice.chains, trajectory, number))
        delta = self.action(lattice, proposal) - self.action(lattice, links)
        accepted = self.accept(delta, trajectory, number)
        lattice.select(accepted, proposal, links)
        return proposal, accepted, delta

    def accept(self, delta, trajectory: int, number: int) -> np.ndarray:
        """Metropolis decisions; a NaN is never accepted."""
        where = {"chain": np.arange(len(delta)), "trajectory": trajectory, "draw": number}
        return Stream(self.seed, Purpose.WINDING_ACCEPT).uniform(**where) <= np.exp(np.minimum(-delta, 0.0))

    def propose(self, lattice, links, up: np.ndarray):
        """Links with Q + 1 in chains that go `up` and Q - 1 in the others, before any decision."""
        fields = _fields(lattice)
        factors, proposal = lattice.copy(fields.up), lattice.copy(links)
        lattice.select(up, factors, fields.down)
        lattice.turn_links(proposal, factors, _frames(lattice, links, fields))
        return proposal

    def _up(self, chains: int, trajectory: int, number: int) -> np.ndarray:
        where = {"chain": np.arange(chains), "trajectory": trajectory, "draw": number}
        return Stream(self.seed, Purpose.WINDING).uniform(**where) < 0.5


@dataclass(frozen=True)
class _Fields:
    """Fields of one lattice that every update needs.

    up, down   factors W and W^dagger of all links
    tree       one on links of the tree, zero elsewhere
    origin     line field: one at the origin, zero elsewhere
    one        line field: one everywhere
    """

    up: object
    down: object
    tree: object
    origin: object
    one: object


_MADE: WeakKeyDictionary = WeakKeyDictionary()


def _fields(lattice) -> _Fields:
    """Fields of a lattice, made once."""
    if lattice not in _MADE:
        _MADE[lattice] = _make_fields(lattice)
    return _MADE[lattice]


def flux_powers(extents: tuple[int, int]) -> np.ndarray:
    """a_mu(x) of W_mu(x) = D^{a_mu(x)}, integers (t, x, mu)."""
    length, time = extents
    t, x = np.meshgrid(np.arange(time), np.arange(length), indexing="ij")
    along_x = np.where(x == 0, -length * ((t - 1) % time), 0)
    return np.stack([along_x, np.where(x == 0, length, x)], -1)


def _make_fields(lattice) -> _Fields:
    n, (length, time) = lattice.n, lattice.extents

    def scattered(diagonal):
        """Field like links, diagonal matrices (t, x, mu, N), the same for every chain."""
        matrices = diagonal[..., None] * np.eye(n)
        whole = np.broadcast_to(matrices, (lattice.chains, *matrices.shape))
        return lattice.scatter(whole if lattice.comm.rank == 0 else None)

    def line(field):
        out = lattice.new_line()
        lattice.take_links(field, 0, out)
        return out

    flux = np.ones((time, length, 2, n), complex)
    flux[..., 0] = np.exp(2j * np.pi / lattice.volume * flux_powers(lattice.extents))
    tree, origin = (np.zeros((time, length, 2, n), complex) for _ in range(2))
    tree[:, 1:, 0], tree[1:, 0, 1], origin[0, 0] = 1.0, 1.0, 1.0
    return _Fields(
        scattered(flux), scattered(flux.conj()), scattered(tree), line(scattered(origin)), line(lattice.cold())
    )


def _frames(lattice, links, fields: _Fields):
    """F(x), the product of the tree's links from x forwards to the origin; one for U(1), where it drops out."""
    if lattice.n == 1:
        return fields.one
    branches = lattice.copy(links)
    lattice.turn_links(branches, fields.tree, fields.one)
    frames, longer = lattice.copy(fields.origin), lattice.new_line()
    for _ in range(sum(lattice.extents) - 2):  # after k steps all sites are right that are k links away
        lattice.carry_frames(branches, fields.origin, frames, longer)
        frames, longer = longer, frames
    return frames
