"""Plain NumPy on canonical arrays: slow, obvious, and written without a look at the fast kernels.

links[chain, t, ..., x, mu, a, b] complex128; algebra elements are full anti-hermitian matrices of the same shape.
"""

import numpy as np

from gaugeflow.conventions import planes, site_axis
from gaugeflow.rng import Purpose, Stream, to_uniform


def dagger(m):
    """Hermitian conjugate of the last two axes."""
    return np.conj(np.swapaxes(m, -1, -2))


def ndim_of(links) -> int:
    """Number of lattice dimensions."""
    return links.shape[-3]


def shift(field, mu, ndim, steps=1):
    """field(x + steps mu) for a field with axes (chain, sites..., rest)."""
    return np.roll(field, -steps, 1 + site_axis(ndim, mu))


def projection(m, special):
    """Anti-hermitian part, traceless for SU(N)."""
    a = (m - dagger(m)) / 2
    if special:
        n = m.shape[-1]
        a = a - np.trace(a, axis1=-2, axis2=-1)[..., None, None] * np.eye(n) / n
    return a


def staples(links, mu):
    """Sum of staples S^dagger: U_mu times it closes the plaquettes through a link."""
    ndim, total = ndim_of(links), 0
    for nu in range(ndim):
        if nu == mu:
            continue
        u_mu, u_nu = links[..., mu, :, :], links[..., nu, :, :]
        total = total + shift(u_nu, mu, ndim) @ dagger(shift(u_mu, nu, ndim)) @ dagger(u_nu)
        below_mu, below_nu = shift(u_mu, nu, ndim, -1), shift(u_nu, nu, ndim, -1)
        total = total + dagger(shift(below_nu, mu, ndim)) @ dagger(below_mu) @ below_nu
    return total


def path(links, steps):
    """Product of the links along `steps` (direction, +1 or -1) from x, a field over x."""
    ndim = ndim_of(links)
    out, place = np.eye(links.shape[-1]), [0] * ndim

    def here(mu):
        field = links[..., mu, :, :]
        for direction, by in enumerate(place):
            field = shift(field, direction, ndim, by)
        return field

    for mu, sign in steps:
        if sign > 0:
            out = out @ here(mu)
            place[mu] += 1
        else:
            place[mu] -= 1
            out = out @ dagger(here(mu))
    return out


def rectangle_staples(links, mu):
    """Sum of R^dagger: U_mu times it closes the 2 x 1 rectangles through a link, six in every plane."""
    total = 0
    for nu in range(ndim_of(links)):
        for up in (1, -1) if nu != mu else ():
            there, back = (nu, up), (nu, -up)
            total = total + path(links, [there, there, (mu, 1), back, back])
            total = total + path(links, [there, (mu, 1), (mu, 1), back, (mu, -1)])
            total = total + path(links, [(mu, -1), there, (mu, 1), (mu, 1), back])
    return dagger(total)


def rectangle_force(links, special):
    """P(U R^dagger) for every link."""
    ndim = ndim_of(links)
    terms = [links[..., mu, :, :] @ rectangle_staples(links, mu) for mu in range(ndim)]
    return np.stack([projection(term, special) for term in terms], -3)


def rectangles(links, mu, nu):
    """The two 2 x 1 rectangles that start at x in the plane (mu, nu), long side along mu and along nu."""
    return [path(links, [(a, 1), (a, 1), (b, 1), (a, -1), (a, -1), (b, -1)]) for a, b in ((mu, nu), (nu, mu))]


def second_difference(links, field):
    """U F(x+mu) U^dagger + U(x-mu)^dagger F(x-mu) U(x-mu) - 2 F(x) for F_mu of every link."""
    ndim, out = ndim_of(links), []
    for mu in range(ndim):
        u, f = links[..., mu, :, :], field[..., mu, :, :]
        ahead = u @ shift(f, mu, ndim) @ dagger(u)
        out.append(ahead + shift(dagger(u) @ f @ u, mu, ndim, -1) - 2 * f)
    return np.stack(out, -3)


def force(links, special):
    """P(U S^dagger) for every link."""
    ndim = ndim_of(links)
    return np.stack([projection(links[..., mu, :, :] @ staples(links, mu), special) for mu in range(ndim)], -3)


def exponential(a):
    """exp of anti-hermitian matrices through the eigenvectors of -i a."""
    values, vectors = np.linalg.eigh(-1j * a)
    return vectors @ (np.exp(1j * values)[..., None] * dagger(vectors))


def plaquette(links, mu, nu):
    """U_mu(x) U_nu(x+mu) U_mu(x+nu)^dagger U_nu(x)^dagger."""
    ndim = ndim_of(links)
    u_mu, u_nu = links[..., mu, :, :], links[..., nu, :, :]
    return u_mu @ shift(u_nu, mu, ndim) @ dagger(shift(u_mu, nu, ndim)) @ dagger(u_nu)


def leaves(links, mu, nu, m=1, n=1):
    """The four m x n loops in the plane (mu, nu) that start and end at x, m along mu: those of a lattice turned by
    quarter turns. The first is the one between +mu and +nu."""
    sides = [[(mu, 1)] * m, [(nu, 1)] * n, [(mu, -1)] * m, [(nu, -1)] * n]
    return [path(links, [step for k in range(4) for step in sides[(start + k) % 4]]) for start in range(4)]


def clover(links, mu, nu, special, m=1, n=1):
    """Projected mean of the four m x n leaves around x."""
    return projection(sum(leaves(links, mu, nu, m, n)) / 4, special)


def field_strength(links, special, m=1, n=1):
    """Clover F of all planes, mean of m x n and n x m leaves: (chains, sites..., plane, a, b)."""
    sizes = {(m, n), (n, m)}
    return np.stack(
        [sum(clover(links, *plane, special, *size) for size in sizes) / len(sizes) for plane in planes(ndim_of(links))],
        -3,
    )


def energy_and_charge_density(f):
    """(space, time, charge) per site of F (chains, sites..., plane, a, b), last axis.

    -tr F F summed over the planes without and with t; tr F_xy F_zt - tr F_xz F_yt + tr F_xt F_yz with a minus sign (4D)
    """
    ndim = f.ndim - 4
    f = dict(zip(planes(ndim), np.moveaxis(f, -3, 0), strict=True))

    def product(a, b):
        return -np.einsum("...ab,...ba->...", f[a], f[b]).real

    zero = np.zeros(f[0, 1].shape[:-2])
    space = sum((product(p, p) for p in f if ndim - 1 not in p), start=zero)
    time = sum((product(p, p) for p in f if ndim - 1 in p), start=zero)
    charge = zero
    if ndim == 4:
        charge = product((0, 1), (2, 3)) - product((0, 2), (1, 3)) + product((0, 3), (1, 2))
    return np.stack([space, time, charge], -1)


def to_group(m, special):
    """Gram-Schmidt on the rows by a QR decomposition with positive diagonal; determinant 1 for SU(N)."""
    q, r = np.linalg.qr(np.swapaxes(m, -1, -2))
    diagonal = np.diagonal(r, axis1=-2, axis2=-1)
    u = np.swapaxes(q * (diagonal / np.abs(diagonal))[..., None, :], -1, -2).copy()
    if special:
        u[..., -1, :] /= np.linalg.det(u)[..., None]
    return u


def nearest_in_group(m, special):
    """The unitary X with the largest Re tr X^dagger M; of determinant 1 if `special`.

    M = u s v: X = u e^{ia} v with s_k sin a_k = l for all k and sum of a_k = -arg det u v =: f. All |a_k| <= pi/2, or,
    where s_min alone is too small for that, all but its own; l is found by bisection.
    """
    u, s, v = np.linalg.svd(m)
    if not special:
        return u @ v
    determinant = np.linalg.det(u @ v)
    f, sign = np.abs(np.angle(determinant)), -np.sign(np.angle(determinant))
    smallest, low, high = s[..., -1], np.zeros(s.shape[:-1]), s[..., -1].copy()

    def angles(x, beyond):
        a = np.arcsin(np.minimum(1.0, x[..., None] / s))
        a[..., -1] = np.where(beyond, np.pi - a[..., -1], a[..., -1])
        return a

    beyond = angles(smallest, False).sum(-1) < f
    for _ in range(200):
        middle = (low + high) / 2
        up = (angles(middle, beyond).sum(-1) < f) != beyond
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    phases = np.exp(1j * sign[..., None] * angles((low + high) / 2, beyond))
    return (u * phases[..., None, :]) @ v


def gaussians(count, sites, chains, trajectory, purpose, direction, seed):
    """`count` unit Gaussians per site, last axis; Box-Muller with NumPy's functions."""
    out = []
    for draw in range((count + 1) // 2):
        w = Stream(seed, Purpose(purpose)).words(
            site=sites, chain=chains, trajectory=trajectory, direction=direction, draw=draw
        )
        u, v = to_uniform(w[0], w[1]), to_uniform(w[2], w[3])
        radius = np.sqrt(-2 * np.log(u))
        out += [radius * np.cos(2 * np.pi * v), radius * np.sin(2 * np.pi * v)]
    return np.stack(out[:count], -1)


def generators(n, special):
    """Hermitian T_a in the kernels' order: off-diagonal pairs, the diagonal ones, then 1 / sqrt(2 N) of U(N >= 2).

    (count, n, n); tr T_a T_b = delta_ab / 2, for U(1) T = 1
    """
    if n == 1:
        return np.ones((1, 1, 1), complex)
    out = []
    for i in range(n):
        for j in range(i + 1, n):
            real_part, imaginary_part = np.zeros((n, n), complex), np.zeros((n, n), complex)
            real_part[i, j], real_part[j, i] = -0.5j, 0.5j
            imaginary_part[i, j] = imaginary_part[j, i] = 0.5
            out += [real_part, imaginary_part]
    for m in range(1, n):
        diagonal = np.concatenate([np.ones(m), [-m], np.zeros(n - m - 1)]) / np.sqrt(2.0 * m * (m + 1))
        out.append(np.diag(diagonal).astype(complex))
    if not special:
        out.append(np.eye(n, dtype=complex) / np.sqrt(2.0 * n))
    return np.array(out)
