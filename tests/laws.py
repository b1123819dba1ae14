"""What every group, dimension and layout has to obey; tests run these over registries."""

import numpy as np

from gaugeflow.conventions import SPECIALISED_GROUPS
from gaugeflow.lattice.oracle import OracleLattice
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.rng import Purpose

GROUPS = SPECIALISED_GROUPS
GENERIC_GROUPS = ("SU4", "U3", "SU5")
"""Of the groups without code of their own: the first with the general exponential, U(N) over SU(3), an odd N."""

EXTENTS = {2: (6, 4), 3: (4, 3, 2), 4: (4, 2, 3, 4)}
"""Small lattices (x, ..., t) with odd extents, extents of two and unequal ones."""

CASES = (*((group, ndim) for group in GROUPS for ndim in EXTENTS), *((group, 2) for group in GENERIC_GROUPS))
"""(group, dimension) that a law runs over: the dimension enters the loops of a kernel, N its operations."""

SEED = 20261124


def case_name(value):
    """Readable test ids: (4, 2, 3) -> 4x2x3."""
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def twin_lattices(group, extents, chains=2, **packing):
    """The fast lattice and its oracle."""
    return PackedLattice(group, extents, chains, **packing), OracleLattice(group, extents, chains)


def hot_pair(group, extents, chains=2, **packing):
    """(fast lattice, its links, oracle, the same links) from a hot start."""
    fast, slow = twin_lattices(group, extents, chains, **packing)
    links = slow.hot(SEED, Purpose.START)
    return fast, fast.scatter(links), slow, links


def momenta_of(lattice, momenta):
    """Momenta of a fast or slow lattice as compact reals (chains, sites..., mu, N^2)."""
    if isinstance(lattice, PackedLattice):
        return lattice.layout.unpack(lattice.device.to_host(momenta), lattice.local_chains, momenta.shape[2])
    n = momenta.shape[-1]
    i, j = np.triu_indices(n, 1)
    off = np.stack([momenta[..., i, j].real, momenta[..., i, j].imag], -1)
    return np.concatenate(
        [np.diagonal(momenta, axis1=-2, axis2=-1).imag, off.reshape(*momenta.shape[:-2], n * (n - 1))], -1
    )


def there_and_back(hmc, lattice, links):
    """(links, momenta), each minus where they began, after a trajectory, p -> -p, the trajectory again and p -> -p."""
    momenta, moved = lattice.new_momenta(), links.copy()
    lattice.refresh(momenta, SEED, Purpose.MOMENTA, 5)
    start = momenta.copy()
    hmc.integrate(lattice, moved, momenta)
    assert abs(lattice.gather(moved) - lattice.gather(links)).max() > 0.1
    momenta *= -1
    hmc.integrate(lattice, moved, momenta)
    return moved, momenta + start


def full_matrices(compact, n):
    """Anti-hermitian matrices (count, N, N) of compact algebra elements (count, N^2)."""
    out = np.zeros((len(compact), n, n), complex)
    for i in range(n):
        out[:, i, i] = 1j * compact[:, i]
    i, j = np.triu_indices(n, 1)
    off = compact[:, n:].reshape(len(compact), -1, 2)
    out[:, i, j] = off[..., 0] + 1j * off[..., 1]
    out[:, j, i] = -np.conj(out[:, i, j])
    return out


def gauge_transform(links, rotations):
    """U_mu(x) -> g(x) U_mu(x) g(x + mu)^dagger for rotations (chains, sites..., N, N)."""
    ndim = links.shape[-3]
    out = np.empty_like(links)
    for mu in range(ndim):
        ahead = np.roll(rotations, -1, 1 + ndim - 1 - mu)
        out[..., mu, :, :] = rotations @ links[..., mu, :, :] @ np.conj(np.swapaxes(ahead, -1, -2))
    return out


def random_rotations(slow, seed=5):
    """Haar-distributed gauge rotations of an oracle lattice."""
    return slow.hot(seed, Purpose.START)[..., 0, :, :]


def pull(samples, exact):
    """(pull, error) of the mean of independent chains, samples (chains,)."""
    error = np.std(samples, ddof=1) / np.sqrt(len(samples))
    return (np.mean(samples) - exact) / error, error
