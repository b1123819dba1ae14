"""Langevin and MALA: one step is the written formula, and -dH of one leapfrog step is the log of the full ratio."""

import numpy as np
import pytest
from laws import SEED, case_name
from samplers.test_hmc import BETA

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.conventions import planes
from gaugeflow.kernels.targets import oracle
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.rng import Purpose
from gaugeflow.samplers.langevin import Langevin, mala
from gaugeflow.samplers.start import start_links

STEP, CHAINS = 0.02, 3
CASES = [("U1", (3, 2)), ("SU2", (3, 2)), ("SU3", (2, 2)), ("U2", (2, 3)), ("SU2", (2, 2, 2))]


def action(links, beta):
    """S of every chain."""
    n, total = links.shape[-1], 0
    for mu, nu in planes(links.shape[-3]):
        trace = np.trace(oracle.plaquette(links, mu, nu), axis1=-2, axis2=-1).real
        total = total + (1 - trace / n).reshape(len(links), -1).sum(1)
    return beta * total


def gradient(links, beta, generators, h=1e-4):
    """dS/dw_a of every link and generator, U -> exp(i w_a T_a) U, by central differences: (chains, ..., mu, a)."""
    out = np.zeros((*links.shape[:-2], len(generators)))
    for place in np.ndindex(links.shape[1:-2]):
        for a, t in enumerate(generators):
            values = []
            for sign in (1, -1):
                moved = links.copy()
                moved[(slice(None), *place)] = oracle.exponential(1j * sign * h * t) @ moved[(slice(None), *place)]
                values.append(action(moved, beta))
            out[(slice(None), *place, a)] = (values[0] - values[1]) / (2 * h)
    return out


def coordinates(matrices, generators):
    """x_a of exp(i x_a T_a), the principal logarithm."""
    values, vectors = np.linalg.eig(matrices)
    hermitian = vectors @ (np.angle(values)[..., None] * np.linalg.inv(vectors))
    return (
        np.einsum("aij,...ji->...a", generators, hermitian).real / np.einsum("aij,aji->a", generators, generators).real
    )


def log_volume(x, generators):
    """log det of d exp at x_a T_a: the product of (1 - exp(-l)) / l over the eigenvalues l of the adjoint of i x."""
    m = 1j * np.einsum("...a,aij->...ij", x, generators)
    norm = np.einsum("aij,aji->a", generators, generators).real
    commutators = m[..., None, :, :] @ generators - generators @ m[..., None, :, :]
    adjoint = np.einsum("bij,...aji->...ba", generators, commutators) / norm[:, None]
    values = np.linalg.eigvals(adjoint)
    small = abs(values) < 1e-6
    safe = np.where(small, 1.0, values)
    return np.log(np.where(small, 1 - values / 2, (1 - np.exp(-safe)) / safe)).sum(-1).real


def log_density(old, new, beta, step, generators):
    """log q(new | old) of a Langevin step with respect to the Haar measure, up to a constant."""
    x = coordinates(new @ oracle.dagger(old), generators)
    noise = x + step * gradient(old, beta, generators)
    densities = -(noise**2).sum(-1) / (4 * step) - log_volume(x, generators)
    return densities.reshape(len(old), -1).sum(1)


def one_step(group, extents, chosen):
    """(links before, after, info) of a step without accept or reject from a rough start."""
    lattice = PackedLattice(group, extents, CHAINS)
    links = start_links(lattice, "hot", SEED)
    moved, info = chosen.step(lattice, links, lattice.new_momenta(), 3, metropolis=False)
    return lattice.gather(links), lattice.gather(moved), info


@pytest.mark.parametrize(("group", "extents"), CASES, ids=case_name)
def test_minus_dh_of_one_leapfrog_step_is_the_log_of_the_metropolis_ratio(group, extents):
    beta = BETA[group]
    generators = oracle.generators(*_size(group))
    old, new, info = one_step(group, extents, mala(WilsonAction(beta), STEP, SEED))
    forward = log_density(old, new, beta, STEP, generators)
    backward = log_density(new, old, beta, STEP, generators)
    energy = action(new, beta) - action(old, beta)
    assert abs(info.delta_h).max() > 1e-3
    np.testing.assert_allclose(-info.delta_h, -energy + backward - forward, atol=1e-5)
    assert abs(backward - forward).max() > 0.1  # without the densities the ratio is another one


@pytest.mark.parametrize(("group", "extents"), CASES, ids=case_name)
def test_a_langevin_step_is_drift_and_noise_of_the_stated_size(group, extents):
    beta = BETA[group]
    generators = oracle.generators(*_size(group))
    old, new, info = one_step(group, extents, Langevin(WilsonAction(beta), STEP, SEED))
    x = coordinates(new @ oracle.dagger(old), generators)
    noise = np.empty_like(x)
    sites = np.arange(np.prod(extents)).reshape(1, *reversed(extents))
    chains = np.arange(CHAINS).reshape(-1, *[1] * len(extents))
    for mu in range(len(extents)):
        keys = (len(generators), sites, chains, 3, int(Purpose.MOMENTA), mu, SEED)
        noise[..., mu, :] = oracle.gaussians(*keys)
    wanted = -STEP * gradient(old, beta, generators) + np.sqrt(2 * STEP) * noise
    np.testing.assert_allclose(x, wanted, atol=1e-7)
    assert (info.delta_h == 0).all()
    assert info.accepted.all()
    trace = [np.trace(oracle.plaquette(new, *p), axis1=-2, axis2=-1).real / new.shape[-1] for p in planes(len(extents))]
    np.testing.assert_allclose(info.plaquette, np.mean([t.reshape(CHAINS, -1).mean(1) for t in trace], 0), atol=1e-14)


@pytest.mark.parametrize("group", ["U1", "SU2"])
def test_langevin_and_mala_propose_the_same_links(group):
    _, free, _ = one_step(group, (4, 4), Langevin(WilsonAction(2.0), STEP, SEED))
    _, proposed, _ = one_step(group, (4, 4), mala(WilsonAction(2.0), STEP, SEED))
    assert free.tobytes() == proposed.tobytes()


def _size(group):
    lattice = PackedLattice(group, (2, 2), 1)
    return lattice.n, lattice.special
