"""Independent configurations of small two-dimensional tori from their exact distribution, in NumPy alone.

In a gauge with as many unit links as can be, the links are L T - 1 plaquettes with Haar measure, two links A and B that
wind around the torus, and the last plaquette is what closes it. The plaquettes are drawn from exp(beta Re tr P / N), A
and B from Haar, and the whole is kept with probability exp(beta (Re tr P_last / N - 1)).
"""

import numpy as np


def _dagger(m):
    return np.conj(np.swapaxes(m, -1, -2))


def _angles(random, beta, count):
    """U(1): von Mises."""
    return np.exp(1j * random.vonmises(0.0, beta, count))[:, None, None]


def _quaternions(random, beta, count):
    """SU(2): cosine a of half the angle from sqrt(1 - a^2) exp(beta a) by rejection, then a uniform axis."""
    a = np.zeros(0)
    while len(a) < count:
        proposal = 1 + np.log(random.random(4 * count) * (1 - np.exp(-2 * beta)) + np.exp(-2 * beta)) / beta
        keep = random.random(4 * count) < np.sqrt(np.maximum(1 - proposal**2, 0))
        a = np.concatenate([a, proposal[keep]])
    a = a[:count]
    axis = random.normal(size=(3, count))
    x, y, z = axis / np.linalg.norm(axis, axis=0) * np.sqrt(1 - a**2)
    return np.stack([a + 1j * z, y + 1j * x, -y + 1j * x, a - 1j * z], -1).reshape(count, 2, 2)


DRAWS = {"U1": _angles, "SU2": _quaternions}


def _haar(random, group, count):
    if group == "U1":
        return np.exp(2j * np.pi * random.random(count))[:, None, None]
    q = random.normal(size=(4, count))
    a, x, y, z = q / np.linalg.norm(q, axis=0)
    return np.stack([a + 1j * z, y + 1j * x, -y + 1j * x, a - 1j * z], -1).reshape(count, 2, 2)


def exact_links(group, beta, extents, count, seed):
    """`count` independent configurations (count, t, x, mu, N, N) of a torus (x, t)."""
    random, found = np.random.default_rng(seed), []
    while sum(map(len, found)) < count:
        found.append(_attempt(random, group, beta, extents, count))
    return np.concatenate(found)[:count]


def _attempt(random, group, beta, extents, count):
    width, height = extents
    n = 1 if group == "U1" else 2
    links = np.broadcast_to(np.eye(n, dtype=complex), (count, height, width, 2, n, n)).copy()
    links[:, 0, -1, 0] = _haar(random, group, count)
    links[:, -1, 0, 1] = _haar(random, group, count)
    for t in range(height - 1):  # unit links in time: P = U_x(x, t) U_x(x, t + 1)^dagger
        for x in range(width):
            links[:, t + 1, x, 0] = _dagger(DRAWS[group](random, beta, count)) @ links[:, t, x, 0]
    for x in range(width - 1):  # the last row: U_t(x + 1) = U_x(x, -1)^dagger P U_t(x) U_x(x, 0)
        p = DRAWS[group](random, beta, count)
        links[:, -1, x + 1, 1] = _dagger(links[:, -1, x, 0]) @ p @ links[:, -1, x, 1] @ links[:, 0, x, 0]
    last = links[:, -1, -1, 0] @ links[:, -1, 0, 1] @ _dagger(links[:, 0, -1, 0]) @ _dagger(links[:, -1, -1, 1])
    trace = np.trace(last, axis1=-2, axis2=-1).real / n
    return links[random.random(count) < np.exp(beta * (trace - 1))]
