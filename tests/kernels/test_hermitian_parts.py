"""Hermitian parts of matrices, and matrices of single sites in lanes: maps that can be undone."""

import numba
import numpy as np
import pytest
from kernels.plain_numbers import numbers

from gaugeflow.kernels.algebra import hermitian
from gaugeflow.kernels.memory import address
from gaugeflow.kernels.targets.lanes import Lanes, make_store
from gaugeflow.kernels.targets.tiles import shortest_tile
from gaugeflow.kernels.targets.transposition import make_gather, make_scatter

SIZES = range(1, 6)


def gaussians(*shape):
    return np.random.default_rng(1).normal(size=shape)


@pytest.mark.parametrize("n", SIZES)
def test_a_matrix_is_the_sum_of_its_parts(n):
    m = numbers(gaussians(2 * n * n))
    parts = hermitian.hermitian(n, m, 2), hermitian.antihermitian(n, m, 2)
    assert np.allclose(hermitian.joined(n, *parts, 1), 2 * m, rtol=0, atol=1e-15)


@pytest.mark.parametrize("n", SIZES)
def test_parts_are_those_of_the_matrix(n):
    m = gaussians(2 * n * n)
    full = (m[::2] + 1j * m[1::2]).reshape(n, n)
    for function, other, part in (
        (hermitian.hermitian, full + full.conj().T, "real"),
        (hermitian.antihermitian, full - full.conj().T, "imag"),
    ):
        wanted = []
        for i in range(n):
            wanted.append(getattr(other[i, i], part))
            for j in range(i + 1, n):
                wanted += [other[i, j].real, other[i, j].imag]
        assert np.allclose(function(n, numbers(m), 2), wanted, rtol=0, atol=1e-15)
        places = hermitian.places_of_one(n)
        once = np.array(function(n, numbers(m), 1))
        assert np.allclose(once[places], np.array(wanted)[places] / 2, rtol=0, atol=1e-15)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("diagonal", [1, 2])
def test_joining_is_the_transpose_of_taking_parts(n, diagonal):
    m, s, d = numbers(gaussians(2 * n * n)), *numbers(gaussians(2, n * n)[::-1])
    forth = s @ np.array(hermitian.hermitian(n, m, diagonal)) + d @ np.array(hermitian.antihermitian(n, m, diagonal))
    back = m @ np.array(hermitian.joined(n, s, d, diagonal))
    assert forth == pytest.approx(back, abs=1e-13)


@pytest.mark.parametrize(
    ("n", "width", "precision"), [(1, 8, "float64"), (3, 16, "float32"), (2, 2, "float64"), (3, 4, "float64")]
)
def test_gathered_lanes_are_components_of_sites_and_scatter_puts_them_back(n, width, precision):
    t = Lanes(2 * n * n, width, precision)
    gather, scatter, add, store = make_gather(t), make_scatter(t, False), make_scatter(t, True), make_store(t)

    @numba.njit
    def move(source, table, first, lanes, target, sums):
        m = gather(source, table, first)
        store(lanes, 0, m)
        scatter(target, table, first, m)
        add(sums, table, first, m)

    sites = np.random.default_rng(2).permutation(3 * width).astype(np.int64)
    source = gaussians(3 * width, 2 * n * n).astype(precision)
    lanes, target, sums = np.zeros((2 * n * n, width), precision), np.zeros_like(source), source.copy()
    move(*(address(x) for x in (source, sites)), 1, *(address(x) for x in (lanes, target, sums)))
    chosen = sites[1 : 1 + width]
    assert np.array_equal(lanes, source[chosen].T)
    others = np.setdiff1d(sites, chosen)
    assert np.array_equal(target[chosen], source[chosen])
    assert not target[others].any()
    assert np.array_equal(sums[chosen], 2 * source[chosen])
    assert np.array_equal(sums[others], source[others])


@pytest.mark.parametrize(("most", "rows"), [(6, 3), (3, 3), (6, 1), (4, 2)])
def test_even_cuts_never_need_a_tile_below_the_shortest(most, rows):
    least = shortest_tile(most, rows)
    heights = {count // -(-count // most) for count in range(rows, 200)}
    assert min(heights) == least
