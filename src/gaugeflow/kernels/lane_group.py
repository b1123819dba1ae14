"""Which sites share a SIMD register: an abelian group G of translations of the local torus.

A block is a coset r + G and lane l is site r + g_l. A neighbour r + e_d = r' + g_h is block r', its lanes permuted by
perm[h][l] with g_perm = g_h + g_l; h = 0 except at the seams of the cuts. Cutting direction d into s equal parts is
the generator (L_d / s) e_d of order s. Where no group fills the register well (odd extents) see `uneven`. Extents are
in site-axis order (t, ..., x).
"""

import itertools

import numpy as np

Generator = tuple[tuple[int, ...], int]

SEAMS = 128
"""An entry of a neighbour table is block * SEAMS + seam."""

COLOURS = 3
"""Most colours of a checkerboard; a step of single lanes is ~(block * COLOURS + colour)."""


def coordinate_cuts(extents, cuts) -> list[Generator]:
    """Generators that cut direction d into cuts[d] equal parts."""
    return [
        (tuple(extents[d] // parts if e == d else 0 for e in range(len(extents))), parts)
        for d, parts in enumerate(cuts)
        if parts > 1
    ]


def _even_cuts(extents, width, order):
    cuts, left = [1] * len(extents), width
    for d in order:
        while left % 2 == 0 and extents[d] % (4 * cuts[d]) == 0:
            cuts[d] *= 2
            left //= 2
    return cuts, left


def _half_period_translations(extents, width):
    """Even-parity combinations of half-period translations: one colour per block on extents like 6^4."""
    ndim = len(extents)
    halves = [tuple(extents[e] // 2 if e == d else 0 for e in range(ndim)) for d in range(ndim) if extents[d] % 2 == 0]
    even = [h for h in halves if sum(h) % 2 == 0]
    odd = [h for h in halves if sum(h) % 2]
    found = [(h, 2) for h in even]
    found += [(tuple(a + b for a, b in zip(u, v, strict=True)), 2) for u, v in itertools.pairwise(odd)]
    return found[: width.bit_length() - 1] if 2 ** len(found) >= width else None


def choose(extents, width, decomposed=()) -> list[Generator]:
    """Generators of the lane group.

    Lanes run along x as far as sub-extents stay even, then y, z, t, directions split over ranks last; then half-period
    translations; else the largest number of equal parts that fits, which may leave lanes without a site of their own.
    """
    ndim = len(extents)
    order = [d for d in range(ndim - 1, -1, -1) if d not in decomposed]
    order += [d for d in range(ndim - 1, -1, -1) if d in decomposed]
    cuts, left = _even_cuts(extents, width, order)
    if left == 1:
        return coordinate_cuts(extents, cuts)
    halves = None if decomposed else _half_period_translations(extents, width)
    if halves is not None:
        return halves
    divisors = [[k for k in range(1, width + 1) if n % k == 0] for n in extents]
    best = max((c for c in itertools.product(*divisors) if np.prod(c) <= width), key=lambda c: (np.prod(c), c))
    return coordinate_cuts(extents, best)


def elements(extents, generators) -> np.ndarray:
    """All group elements as coordinates, (|G|, D) int64; the first is the identity."""
    ndim = len(extents)
    sums = [
        sum((np.array(v) * k for (v, _), k in zip(generators, ks, strict=True)), np.zeros(ndim, np.int64))
        for ks in itertools.product(*[range(order) for _, order in generators])
    ]
    return np.array(sums, np.int64).reshape(-1, ndim) % np.array(extents)


def tables(extents, group, width) -> tuple[np.ndarray, np.ndarray]:
    """(perm, add), both int64.

    perm[h, l] (W, 2 W)       lane that lane l reads across seam h; only one block is read, so column W is 0
    add[a, b] (SEAMS, SEAMS)  index of g_a + g_b
    """
    order = {tuple(g): i for i, g in enumerate(group)}
    extents, size = np.array(extents), len(group)
    perm, add = np.zeros((width, 2 * width), np.int64), np.zeros((SEAMS, SEAMS), np.int64)
    for a in range(size):
        for b in range(width):
            other = group[b] if b < size else group[0]
            perm[a, b] = order[tuple((group[a] + other) % extents)]
            if b < size:
                add[a, b] = perm[a, b]
    return perm, add
