"""What links must satisfy, in plain NumPy: on the group, and of the plaquette that was stored beside them.

Independent of the kernels on purpose: a file is judged by other code than that which wrote it.
"""

import numpy as np

from gaugeflow.conventions import planes, site_axis


def components_first(links: np.ndarray) -> np.ndarray:
    """Links (chains, t.., x, D, N, N) as (D, N, N, chains, t.., x): every product runs over all sites at once."""
    return np.ascontiguousarray(np.moveaxis(links, (-3, -2, -1), (0, 1, 2)))


@np.errstate(invalid="ignore", over="ignore")  # damaged numbers end as NaN or infinity, which the caller sees
def unitarity_defect(U: np.ndarray, *, special: bool) -> float:
    """Largest |U^dagger U - 1| over all elements, with `special` also |det U - 1|; NaN if a link is NaN.

    U    components first
    """
    worst = 0.0
    for u in U:
        gram = _product(np.conj(u.swapaxes(0, 1)), u)
        for a in range(len(gram)):
            gram[a, a] -= 1.0
        defects = [np.abs(gram).max()]
        if special:
            defects.append(np.abs(_determinant(u) - 1.0).max())
        worst = np.maximum(worst, np.max(defects))  # np.maximum passes NaN on, max() would drop it
    return float(worst)


@np.errstate(invalid="ignore", over="ignore")
def plaquettes(U: np.ndarray) -> dict[str, np.ndarray]:
    """Re tr U_p / N per chain, mean over sites and planes: "plaquette"; for D > 2 "plaquette_space", "plaquette_time".

    U    components first; U_p = U_mu(x) U_nu(x + mu) U_mu(x + nu)^dagger U_nu(x)^dagger
    """
    ndim = len(U)
    values = {plane: _plane_mean(U, *plane) for plane in planes(ndim)}
    means = {"plaquette": np.mean(list(values.values()), axis=0)}
    if ndim > 2:
        time = ndim - 1
        means["plaquette_space"] = np.mean([v for plane, v in values.items() if time not in plane], axis=0)
        means["plaquette_time"] = np.mean([v for plane, v in values.items() if time in plane], axis=0)
    return means


def _plane_mean(U: np.ndarray, mu: int, nu: int) -> np.ndarray:
    """Re tr U_p / N of one plane, mean over sites, per chain."""
    there = _product(U[mu], _shift(U[nu], len(U), mu))
    back = _product(U[nu], _shift(U[mu], len(U), nu))
    trace = np.sum(there.real * back.real + there.imag * back.imag, axis=(0, 1)) / U.shape[1]
    return trace.reshape(len(trace), -1).mean(axis=1)


def _shift(u: np.ndarray, ndim: int, mu: int) -> np.ndarray:
    """u(x + mu) at x, for u (N, N, chains, t.., x)."""
    return np.roll(u, -1, axis=3 + site_axis(ndim, mu))


def _product(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Matrix product of (N, N, ...) with (N, N, ...) over the leading axes."""
    n = len(u)
    out = np.empty(np.broadcast_shapes(u.shape, v.shape), dtype=np.complex128)
    for a in range(n):
        for b in range(n):
            out[a, b] = u[a, 0] * v[0, b]
            for c in range(1, n):
                out[a, b] += u[a, c] * v[c, b]
    return out


def _determinant(u: np.ndarray) -> np.ndarray:
    """Determinant of (N, N, ...) over the leading axes."""
    if len(u) == 1:
        return u[0, 0]
    if len(u) == 2:
        return u[0, 0] * u[1, 1] - u[0, 1] * u[1, 0]
    if len(u) == 3:
        return sum(u[0, a] * (u[1, a - 2] * u[2, a - 1] - u[1, a - 1] * u[2, a - 2]) for a in range(3))
    return np.linalg.det(np.moveaxis(u, (0, 1), (-2, -1)))
