"""Overrelaxation and heat bath in plain NumPy: the same random numbers, obvious formulas.

Links u and sums of staples (.., N, N) of one colour; `words(draw)` gives four random words per link, those of kernels.
"""

import numpy as np

from gaugeflow.kernels.algebra.heatbath import CALLS, FIRST_ATTEMPT, LAST_ATTEMPT, SMALL_ALPHA
from gaugeflow.kernels.targets.oracle import dagger
from gaugeflow.rng import to_uniform


def subgroup_part(r, i, j):
    """(a_0 .. a_3) of the block (i, j) of R: r = (a_0 + i a . sigma) / 2 + what no rotation in SU(2) sees."""
    block = r[..., [i, i, j, j], [i, j, i, j]]
    ii, ij, ji, jj = np.moveaxis(block, -1, 0)
    return np.stack([(ii + jj).real, (ij + ji).imag, (ij - ji).real, (ii - jj).imag], -1)


def embedded(a, i, j, n):
    """N x N matrices with the quaternion a_0 + i a . sigma in rows and columns (i, j), one elsewhere."""
    g = np.broadcast_to(np.eye(n, dtype=complex), (*a.shape[:-1], n, n)).copy()
    g[..., i, i], g[..., i, j] = a[..., 0] + 1j * a[..., 3], a[..., 2] + 1j * a[..., 1]
    g[..., j, i], g[..., j, j] = -a[..., 2] + 1j * a[..., 1], a[..., 0] - 1j * a[..., 3]
    return g


def factors(n, special):
    """Rows (i, j) of the SU(2) subgroups in the order of an update, then (i, i) of the phases of U(N)."""
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    return pairs if special else pairs + [(i, i) for i in range(n)]


def unit_phase(z):
    """Diagonal phases z / |z|."""
    return z / np.abs(z)


def overrelaxed(u, staple, special):
    """Links U with Re tr U S unchanged: V^dagger^2 in every SU(2) subgroup, the conjugate phase squared in U(1)."""
    n = u.shape[-1]
    for i, j in factors(n, special):
        r = u @ staple
        if i == j:
            g = np.broadcast_to(np.eye(n, dtype=complex), u.shape).copy()
            g[..., i, i] = unit_phase(r[..., i, i]).conj() ** 2
        else:
            a = subgroup_part(r, i, j)
            v = embedded(a / np.linalg.norm(a, axis=-1)[..., None], i, j, n)
            g = dagger(v) @ dagger(v)
        u = g @ u
    return u


def uniforms(words, draw):
    """Two uniforms of one draw."""
    w = words(draw)
    return to_uniform(w[0], w[1]), to_uniform(w[2], w[3])


def von_mises(kappa, words, draw):
    """Angles of density exp(kappa cos phi): the distribution function by quadrature, inverted by bisection."""
    w = words(draw)
    share, sign = to_uniform(w[0], w[1]), 1.0 - 2.0 * (w[2] & np.uint64(1)).astype(float)
    nodes, weights = np.polynomial.legendre.leggauss(80)

    def mass(phi):
        t = phi[..., None] * (nodes + 1) / 2
        return phi / 2 * (weights * np.exp(kappa[..., None] * (np.cos(t) - 1))).sum(-1)

    wanted, low, high = share * mass(np.full(kappa.shape, np.pi)), np.zeros(kappa.shape), np.full(kappa.shape, np.pi)
    for _ in range(30):
        middle = (low + high) / 2
        below = mass(middle) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    phi = (low + high) / 2
    for _ in range(2):
        phi = phi - (mass(phi) - wanted) / np.exp(kappa * (np.cos(phi) - 1))
    return sign * phi


def su2_height(alpha, words, draw):
    """1 - h_0 of density sqrt(1 - h_0^2) exp(alpha h_0): attempts until all have accepted one."""
    delta, waiting = np.zeros(alpha.shape), np.ones(alpha.shape, bool)
    for call in range(draw + FIRST_ATTEMPT, draw + LAST_ATTEMPT + 1, 2):
        (r1, r2), (r3, r4) = uniforms(words, call), uniforms(words, call + 1)
        wide = -(np.log(r1) + np.cos(2 * np.pi * r2) ** 2 * np.log(r3)) / alpha
        narrow = 2 - 2 * r1
        taken = np.where(
            alpha >= SMALL_ALPHA,
            r4**2 <= 1 - wide / 2,
            (r4**2 <= narrow * (2 - narrow)) & (np.log(r3) <= -alpha * narrow),
        )
        delta = np.where(waiting & taken, np.where(alpha >= SMALL_ALPHA, wide, narrow), delta)
        waiting &= ~taken
        if not waiting.any():
            return delta
    return np.where(waiting, np.nan, delta)


def heatbath(u, staple, special, c, words, draw):
    """Links from the weight exp(c Re tr U S), factor after factor."""
    n = u.shape[-1]
    for number, (i, j) in enumerate(factors(n, special)):
        r, first = u @ staple, draw + number * CALLS
        if i == j:
            z = r[..., i, i]
            g = np.broadcast_to(np.eye(n, dtype=complex), u.shape).copy()
            g[..., i, i] = np.exp(1j * von_mises(c * abs(z), words, first)) * unit_phase(z).conj()
        else:
            a = subgroup_part(r, i, j)
            size = np.linalg.norm(a, axis=-1)
            delta = su2_height(c * size, words, first)
            height, turn = uniforms(words, first)
            radius, z = np.sqrt(delta * (2 - delta)), 2 * height - 1
            across = radius * np.sqrt(1 - z**2)
            x, y = across * np.cos(2 * np.pi * turn), across * np.sin(2 * np.pi * turn)
            h = embedded(np.stack([1 - delta, x, y, radius * z], -1), i, j, n)
            g = h @ dagger(embedded(a / size[..., None], i, j, n))
        u = g @ u
    return u
