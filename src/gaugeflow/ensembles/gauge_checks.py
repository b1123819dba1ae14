"""What links must satisfy, in plain NumPy: on the group, and of the plaquette that was stored beside them.

Independent of the kernels on purpose: a file is judged by other code than that which wrote it.
"""

from collections.abc import Iterable

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


def plaquettes(U: np.ndarray) -> dict[str, np.ndarray]:
    """Re tr U_p / N per chain, mean over sites and planes: "plaquette"; for D > 2 "plaquette_space", "plaquette_time".

    U    components first; U_p = U_mu(x) U_nu(x + mu) U_mu(x + nu)^dagger U_nu(x)^dagger
    """
    return _means(_plane_sums(_closed(U)), len(U), int(np.prod(U.shape[4:])))


def judge_links(
    slabs: Iterable[tuple[tuple[slice, slice], np.ndarray]], shape: tuple[int, ...], *, special: bool
) -> tuple[float, dict[str, np.ndarray]]:
    """`unitarity_defect` and `plaquettes` of one configuration, given slab by slab: a few slabs are held at once.

    slabs    ((chains, times), links (chains, times, .., x, D, N, N)) in C order, of several chains only if of all times
    shape    (chains, t, .., x, D, N, N)
    """
    ndim, worst = shape[-3], 0.0
    sums = np.zeros((len(planes(ndim)), shape[0]))
    first = last = None
    for (chains, times), values in slabs:
        U = components_first(values)
        worst = np.maximum(worst, unitarity_defect(U, special=special))
        if times.start == 0:
            first, last = U[:, :, :, :, :1].copy(), U[:, :, :, :, :0]
        window = np.concatenate([last, U, first] if times.stop == shape[1] else [last, U], axis=4)
        sums[:, chains] += _plane_sums(window)
        last = U[:, :, :, :, -1:].copy()
    return float(worst), _means(sums, ndim, int(np.prod(shape[1:-3])))


def _closed(U: np.ndarray) -> np.ndarray:
    """Links with the first time slice once more behind the last."""
    return np.concatenate([U, U[:, :, :, :, :1]], axis=4)


def _means(sums: np.ndarray, ndim: int, sites: int) -> dict[str, np.ndarray]:
    """Means over sites and planes from the sums (plane, chain) over sites."""
    values = dict(zip(planes(ndim), sums / sites, strict=True))
    means = {"plaquette": np.mean(list(values.values()), axis=0)}
    if ndim > 2:
        time = ndim - 1
        means["plaquette_space"] = np.mean([v for plane, v in values.items() if time not in plane], axis=0)
        means["plaquette_time"] = np.mean([v for plane, v in values.items() if time in plane], axis=0)
    return means


@np.errstate(invalid="ignore", over="ignore")
def _plane_sums(U: np.ndarray) -> np.ndarray:
    """Re tr U_p / N summed over the sites of all time slices but the last, (plane, chain)."""
    ndim = len(U)
    here = U[:, :, :, :, :-1]
    sums = []
    for mu, nu in planes(ndim):
        there = _product(here[mu], _ahead(U, nu, mu))
        back = _product(here[nu], _ahead(U, mu, nu))
        trace = np.sum(there.real * back.real + there.imag * back.imag, axis=(0, 1)) / U.shape[1]
        sums.append(trace.reshape(len(trace), -1).sum(axis=1))
    return np.array(sums)


def _ahead(U: np.ndarray, nu: int, mu: int) -> np.ndarray:
    """U_nu(x + mu) at the sites x of all time slices but the last."""
    if site_axis(len(U), mu) == 0:
        return U[nu, :, :, :, 1:]
    return np.roll(U[nu, :, :, :, :-1], -1, axis=3 + site_axis(len(U), mu))


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
