"""The algebra of every group U(N) and SU(N), run on plain NumPy numbers: exponential, projection, momenta."""

import numpy as np
import pytest
from kernels.plain_numbers import numbers
from laws import SEED, full_matrices

from gaugeflow.conventions import GAUGE_GROUPS, LARGEST_N, gauge_group
from gaugeflow.errors import ConfigError
from gaugeflow.kernels.algebra import exponential, maximum, projection, random
from gaugeflow.kernels.targets import oracle
from gaugeflow.rng import FIELD_BITS

EPS = np.finfo(float).eps
SAMPLES = 40

pytestmark = pytest.mark.parametrize("group", GAUGE_GROUPS.values(), ids=GAUGE_GROUPS)


def gaussian_numbers(count):
    return [numbers(x) for x in np.random.default_rng(SEED).normal(size=(count, SAMPLES))]


def element(group, size, phase=0.0):
    """Random algebra elements whose traceless part has norm `size`, U(N) with a trace of i N phase beside it."""
    n, special = group.n, group.special
    p = random.algebra_element(n, special, gaussian_numbers(random.generators(n, special)))
    if n == 1:
        return [p[0] * 0 + phase]
    p = [x - (sum(p[:n]) / n if k < n else 0) for k, x in enumerate(p)]
    norm = np.sqrt(exponential.series_norm_squared(n, True, p))
    return [x / norm * size + (phase if k < n else 0) for k, x in enumerate(p)]


def as_matrices(components, n):
    a = np.array(components)
    return np.moveaxis((a[::2] + 1j * a[1::2]).reshape(n, n, -1), -1, 0)


def exponentials(group, p, far):
    one, zero = numbers(np.ones(SAMPLES)), numbers(np.zeros(SAMPLES))
    if far and group.n > 1:
        out = exponential.by_squaring(group.n, group.special, p, one, zero, lambda a, b: a)
    else:
        out = exponential.exponential(group.n, group.special, p, one, zero)
    return as_matrices(out, group.n)


@pytest.mark.parametrize("phase", [0.0, 0.7, -30.0, 9e4])
@pytest.mark.parametrize("size", [1e-8, 0.3, 1.0, 3.0, 200.0])
def test_exponential_keeps_its_error_bound_for_every_size(group, size, phase):
    """A few epsilon by the series, 2^SQUARINGS times that by squaring; the mean of N angles adds its own rounding."""
    n, phase = group.n, 0.0 if group.special else phase
    p = element(group, size, phase)
    mean = sum(np.array(p[:n]).astype(np.longdouble)) / n  # eigenvalues of a shifted matrix lose the shift's digits
    traceless = np.array([(x - mean).astype(float) if k < n else x for k, x in enumerate(p)])
    wanted = oracle.exponential(full_matrices(traceless.T, n)) * np.exp(1j * mean).astype(complex)[:, None, None]
    squared = 2**exponential.SQUARINGS if size > 1 else 1
    bound = 20 * squared * EPS + (size + (n + 1) * abs(phase)) * EPS
    assert abs(exponentials(group, p, size > 1) - wanted).max() < bound


def test_determinant_of_the_exponential_is_that_of_the_trace(group):
    p = element(group, 0.9, 0.0 if group.special else 2.3)
    wanted = np.exp(1j * np.sum(p[: group.n], 0))
    assert abs(np.linalg.det(exponentials(group, p, False)) - wanted).max() < 100 * EPS
    assert group.special == bool(abs(wanted - 1).max() < 100 * EPS)


def test_series_norm_ignores_the_trace(group):
    if group.n > 1 and not group.special:
        near, far = (exponential.series_norm_squared(group.n, False, element(group, 0.5, x)) for x in (0.0, 100.0))
        assert np.allclose(near, 0.25, rtol=1e-12)
        assert np.allclose(far, 0.25, rtol=1e-10)
    else:
        assert np.all(exponential.series_norm_squared(group.n, True, element(group, 0.5)) <= 0.25 + EPS)


def test_projection_is_gram_schmidt_with_the_determinant_of_the_group(group):
    n = group.n
    entries = gaussian_numbers(2 * n * n)
    u = as_matrices(projection.to_group(n, group.special, entries), n)
    gaussians = as_matrices(entries, n)
    smallest = abs(np.diagonal(np.linalg.qr(np.swapaxes(gaussians, 1, 2))[1], axis1=1, axis2=2)).min()
    assert abs(u - oracle.to_group(gaussians, group.special)).max() < 20 * n * EPS / min(1, smallest)
    assert abs(u @ oracle.dagger(u) - np.eye(n)).max() < 40 * EPS
    determinant = np.linalg.det(u)
    assert abs(abs(determinant) - 1).max() < 40 * EPS
    assert group.special == bool(abs(determinant - 1).max() < 40 * EPS)


def test_search_finds_the_nearest_element(group):
    """M = 3 U + G with elements of variance 0.02: as the singular values tell, to the rounding of sums of N^2 terms."""
    n, special, tiny = group.n, group.special, maximum.TINY["float64"]
    u = projection.to_group(n, special, gaussian_numbers(2 * n * n))
    noise = [numbers(x) for x in np.random.default_rng(SEED + 1).normal(size=(2 * n * n, SAMPLES))]
    m = [3.0 * a + 0.1 * b for a, b in zip(u, noise, strict=True)]
    state = maximum.start(n, special, u, m)
    for _ in range(80 if special else 25):  # SU(8), the slowest, halves the distance in one
        state = maximum.sweep(n, special, state, tiny)
    rest, size = maximum.distance_squared(n, special, state)
    assert np.sqrt(np.max(rest / size)) < maximum.SETTLED["float64"]
    found, wanted = (
        as_matrices(maximum.point(n, special, state), n),
        oracle.nearest_in_group(as_matrices(m, n), special),
    )
    assert abs(found - wanted).max() < 40 * n * EPS
    assert abs(as_matrices(u, n) - wanted).max() > 0.01


def test_haar_matrices_have_the_moments_of_the_group(group):
    """<U_ij> = 0, <|U_ij|^2> = 1/N, <|tr U|^2> = 1 (irreducible), <tr U^2> = 0 but -1 for SU(2), by 2000 matrices."""
    n, count = group.n, 2000
    entries = [numbers(x) for x in np.random.default_rng(SEED).normal(size=(2 * n * n, count))]
    u = as_matrices(projection.to_group(n, group.special, entries), n)
    trace = np.trace(u, axis1=1, axis2=2)
    limit = 4.5 / np.sqrt(count)
    assert abs(u.mean(0)).max() < limit
    assert abs((abs(u) ** 2).mean(0) - 1 / n).max() < limit / n
    assert abs((abs(trace) ** 2).mean() - 1) < limit
    square = np.trace(u @ u, axis1=1, axis2=2).mean()
    assert abs(square + (group.name == "SU2")) < limit * np.sqrt(2)


def test_momenta_are_the_generators_times_the_gaussians(group):
    """i p_a T_a with the oracle's T_a; SU(N)'s come first, so that its stream is the beginning of U(N)'s."""
    n, special = group.n, group.special
    g = gaussian_numbers(random.generators(n, special))
    p = full_matrices(np.array(random.algebra_element(n, special, g)).T, n)
    assert abs(p - 1j * np.einsum("ab,aij->bij", np.array(g), oracle.generators(n, special))).max() < 20 * EPS
    if n > 1 and not special:
        assert np.array_equal(oracle.generators(n, False)[:-1], oracle.generators(n, True))


def test_draws_fit_the_counter(group):
    assert group.n**2 <= 1 << FIELD_BITS["draw"]  # two Gaussians a draw, 2 N^2 of them for a random link
    assert random.DRAW_SHIFT + FIELD_BITS["draw"] == 32


def test_names_are_those_of_the_groups_up_to_the_largest(group):
    assert gauge_group(group.name) == group
    assert group.name == f"{'SU' if group.special else 'U'}{group.n}"
    for name in ("SU1", "SU0", "U0", f"U{LARGEST_N + 1}", "su2", "SO3"):
        with pytest.raises(ConfigError, match=f"group {name!r} is not known; use one of U1, "):
            gauge_group(name)
