"""float32 kernels: what is rounded where, what stays float64, and that the two never mix by accident."""

import numba
import numpy as np
import pytest
from kernels.test_algebra import full_matrices
from laws import GROUPS, SEED
from llvmlite import ir
from scipy.linalg import expm

from gaugeflow.errors import ConfigError
from gaugeflow.kernels.algebra import exponential
from gaugeflow.kernels.dispatch import kernels_for
from gaugeflow.kernels.limits import NOT_CACHED
from gaugeflow.kernels.targets.lanes import Lanes, make_load, make_store, pack, traced
from gaugeflow.kernels.targets.trace import F32, F64, I64, Integer, Real
from gaugeflow.lattice.oracle import OracleLattice
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.rng import Purpose

EPS = np.finfo(np.float32).eps


@pytest.fixture
def numbers():
    """(builder, a float32, a float64, an integer) of four lanes."""
    function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), []), "f")
    builder = ir.IRBuilder(function.append_basic_block())

    def number(wrap, element):
        return wrap(builder, ir.Argument(function, ir.VectorType(element, 4), ""))

    return builder, number(Real, F32), number(Real, F64), number(Integer, I64)


def test_numbers_of_two_precisions_do_not_mix(numbers):
    builder, single, double, integer = numbers
    for mixture in (
        lambda: single + double,
        lambda: double * single,
        lambda: single.fma(single, double),
        lambda: double.maximum(single),
        lambda: single + integer,
        lambda: integer ^ double,
        lambda: pack(builder, Lanes(2, 4, "float32"), [single, double]),
        lambda: single.mantissa_exponent(),
    ):
        with pytest.raises(TypeError):
            mixture()
    assert (single.widen() + double).narrow(F32).value.type == single.value.type
    assert single.narrow(F32) is single
    assert double.widen() is double


def test_a_precision_without_kernels_is_refused():
    with pytest.raises(ConfigError, match=r"float16.*float64, float32"):
        kernels_for("SU3", 4, precision="float16")
    with pytest.raises(ConfigError, match="oracle: got precision float32"):
        OracleLattice("SU3", (4, 4), 1, precision="float32")


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_rint_goes_to_the_nearest_integer_and_ties_to_even(precision):
    t = Lanes(1, 8, precision)
    load, store, rint = make_load(t), make_store(t), traced(t, (t,), lambda builder, x: [x[0].rint()])

    @numba.njit("void(int64, int64)", **NOT_CACHED)
    def run(source, target):
        store(target, 0, rint(load(source, 0)))

    largest = {"float32": 2.0**22, "float64": 2.0**51}[precision]
    x = np.array([0.5, 1.5, -2.5, 0.49, -7.51, 1e-30, largest - 0.5, -largest], precision)
    out = np.zeros_like(x)
    run(x.ctypes.data, out.ctypes.data)
    assert np.array_equal(out, np.rint(x))


@pytest.mark.parametrize("group", GROUPS)
def test_float32_momenta_are_the_rounded_float64_momenta(group):
    drawn = []
    for precision in ("float64", "float32"):
        lattice = PackedLattice(group, (4, 6), 3, precision=precision)
        momenta = lattice.new_momenta()
        lattice.refresh(momenta, SEED, Purpose.MOMENTA, 1)
        assert momenta.dtype == precision
        drawn.append(lattice.layout.unpack(momenta, 3, 2))
    assert np.array_equal(drawn[1], drawn[0].astype(np.float32))
    assert not np.array_equal(*drawn)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("size", [1e-4, 0.3, 0.999, 1.001, 30.0, 200.0])
def test_float32_exponential_keeps_its_error_bound(group, size):
    """A few epsilon for the result; beyond the series it is computed in float64."""
    lattice = PackedLattice(group, (4, 6), 1, precision="float32")
    n, momenta = lattice.n, lattice.new_momenta()
    lattice.refresh(momenta, SEED, Purpose.MOMENTA, 0)
    compact = lattice.layout.unpack(momenta, 1, 2).reshape(-1, n * n)
    norm = np.sqrt((compact[:, :n] ** 2).sum(1) + 2 * (compact[:, n:] ** 2).sum(1))
    compact = (compact / norm[:, None] * size).astype(np.float32).astype(float)
    momenta[...] = lattice.layout.pack(compact.reshape(1, 6, 4, 2, n * n)).reshape(momenta.shape)
    links = lattice.cold()
    lattice.drift(links, momenta, 1.0)
    wanted = np.array([expm(m) for m in full_matrices(compact, n)])
    assert abs(lattice.gather(links).reshape(-1, n, n) - wanted).max() < 5 * EPS


def test_the_series_of_float32_is_as_long_as_its_rounding_asks():
    def neglected(terms):
        return 1 / np.prod(np.arange(1.0, terms + 2))  # |X|^(k + 1) / (k + 1)! at |X| = 1

    assert neglected(exponential.series_terms(3, "float32")) < EPS / 2 / 20
    assert neglected(exponential.series_terms(3, "float32") - 2) > EPS / 2
    assert exponential.series_terms(3) == 18


@pytest.mark.parametrize("group", GROUPS)
def test_float32_sums_do_not_depend_on_the_order_of_sites(group):
    """A translated lattice has the same terms at other places."""
    lattice = PackedLattice(group, (4, 6), 3, precision="float32")
    links = lattice.gather(lattice.hot(SEED, Purpose.START))
    moved = np.roll(links, (1, 3), (1, 2))
    totals = []
    for canonical in (links, moved):
        packed = lattice.scatter(canonical)
        totals.append(lattice.total(lattice.plaquette_sums(packed), lattice.clover_sums(packed)))
    assert np.array_equal(*totals)
    terms = links.real.astype(np.float32).reshape(3, -1)
    orders = [np.add.accumulate(terms[:, order], 1)[:, -1] for order in (slice(None), slice(None, None, -1))]
    assert not np.array_equal(*orders)  # float32 sums in two orders


def test_fields_take_half_the_memory_and_files_lose_nothing():
    double, single = (PackedLattice("SU3", (8, 8), 2, precision=p) for p in ("float64", "float32"))
    links = single.hot(SEED, Purpose.START)
    assert (links.dtype, links.nbytes * 2) == (np.float32, double.new_links().nbytes)
    canonical = single.gather(links)
    assert canonical.dtype == np.complex128
    assert np.array_equal(single.scatter(canonical), links)
    assert np.array_equal(double.gather(double.scatter(canonical)), canonical)
