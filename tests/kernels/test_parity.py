"""Every registered operation equals the NumPy oracle, on every group, dimension, kind of lanes and device.

The CUDA source is compared with the CPU bit for bit in test_cuda_source, on every machine with g++.
"""

import numpy as np
import pytest
from kernels.operation_samples import SWEEPS, results
from laws import CASES as GROUPS_AND_DIMENSIONS
from laws import EXTENTS, SEED, case_name, hot_pair, momenta_of

from gaugeflow.kernels.devices.cuda import count_devices
from gaugeflow.kernels.signatures import signatures
from gaugeflow.lattice.operations import OPERATIONS
from gaugeflow.lattice.oracle import OracleLattice
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.rng import Purpose

EPS = {precision: np.finfo(precision).eps for precision in ("float64", "float32")}
LANES = ("sites", "chains")
CASES = [(*case, lanes, "float64") for case in GROUPS_AND_DIMENSIONS for lanes in LANES]
FLOAT32 = (("U1", 2), ("SU2", 2), ("U2", 4), ("SU3", 4))
"""Every group once: what differs from float64 is the numbers, not the neighbours."""
CASES += [(*case, lanes, "float32") for case in FLOAT32 for lanes in LANES]
DEVICES = ["cpu", *([pytest.param("cuda", marks=pytest.mark.gpu)] if count_devices() else [])]
"""Where there is no card, tests/gpu says so."""
LARGE_SUMS = (
    "clover_sums",
    "field_strength_sums",
    "plaquette_sums",
    "rectangle_sums",
    "loop_sums",
    "correlation_sums",
    "trace_sums",
    "kinetic_sums",
)
CHAINS = 3


@pytest.fixture(scope="module")
def lattices():
    """Lattices of a device by case, made once."""
    made = {}

    def lattice(device, group, ndim, lanes, precision):
        key = device, group, ndim, lanes, precision
        if key not in made:
            options = {"lanes": lanes, "device": device, "precision": precision}
            made[key] = PackedLattice(group, EXTENTS[ndim], CHAINS, **options)
        return made[key]

    return lattice


@pytest.fixture(scope="module")
def oracle():
    """(oracle lattice, hot links) by case, made once."""
    made = {}

    def pair(group, ndim):
        if (group, ndim) not in made:
            slow = OracleLattice(group, EXTENTS[ndim], CHAINS)
            made[group, ndim] = slow, slow.hot(SEED, Purpose.START)
        return made[group, ndim]

    return pair


def bound(name, lattice, precision):
    """Rounding of one operation: sums add |Re tr| <= N once or (clover: products of three) several times per site."""
    if name in SWEEPS:
        return 1e5 * EPS[precision]  # a rotation divides by its staples, and later links follow earlier ones
    per_site = 1000 if name in ("clover_sums", "field_strength_sums") else 100
    return (lattice.volume * lattice.n * per_site if name in LARGE_SUMS else 100) * EPS[precision]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("group", "ndim", "lanes", "precision"), CASES, ids=case_name)
@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_equals_oracle(name, group, ndim, lanes, precision, device, lattices, oracle):
    compare(name, group, ndim, precision, lattices(device, group, ndim, lanes, precision), oracle)


@pytest.mark.parametrize("name", ["kick", "drift"])
def test_generic_groups_in_four_dimensions_equal_oracle(name, lattices, oracle):
    compare(name, "SU4", 4, "float64", lattices("cpu", "SU4", 4, "sites", "float64"), oracle)


def compare(name, group, ndim, precision, fast, oracle):
    slow, links = oracle(group, ndim)
    got, wanted = results(fast, name, links), results(slow, name, links)
    assert got.keys() == wanted.keys()
    for key in wanted:
        difference = got[key] - wanted[key]
        assert abs(difference).max() < bound(name, slow, precision), key


@pytest.mark.parametrize(("group", "ndim", "lanes", "precision"), CASES, ids=case_name)
def test_drift_by_a_large_step_equals_oracle(group, ndim, lanes, precision):
    fast, u, slow, v = hot_pair(group, EXTENTS[ndim], lanes=lanes, precision=precision)
    p, q = fast.new_momenta(), slow.new_momenta()
    for lattice, links, momenta in ((fast, u, p), (slow, v, q)):
        lattice.refresh(momenta, SEED, Purpose.MOMENTA, 0)
        lattice.drift(links, momenta, 7.0)
    allowed = 2**8 * 10 * EPS[precision]  # by squaring: eight doublings of the rounding error
    assert abs(fast.gather(u) - v).max() < allowed


@pytest.mark.parametrize(("group", "ndim", "lanes", "precision"), CASES, ids=case_name)
def test_reunitarise_puts_links_back(group, ndim, lanes, precision):
    fast, u, _, v = hot_pair(group, EXTENTS[ndim], lanes=lanes, precision=precision)
    stretch = {"float64": 1e-6, "float32": 1e-4}[precision]
    u *= 1 + stretch
    worst = fast.reunitarise(u)
    assert np.all((worst > 0.1 * stretch) & (worst < 10 * stretch))
    assert abs(fast.gather(u) - v).max() < 100 * EPS[precision]


def test_every_kernel_is_launched_by_a_registered_operation(monkeypatch, oracle):
    """What only messages between ranks use is launched by tests/mpi."""
    fast = PackedLattice("SU2", EXTENTS[2], CHAINS)
    seen, run = set(), fast.device.run

    def noted(name, *rest, **values):
        seen.add(name)
        run(name, *rest, **values)

    monkeypatch.setattr(fast.device, "run", noted)
    monkeypatch.setattr(fast, "_run", noted)
    for name in OPERATIONS:
        results(fast, name, oracle("SU2", 2)[1])
    assert set(signatures()) - seen == {"pack_blocks", "unpack_blocks", "pack_lanes", "unpack_lanes"}


def test_momenta_of_both_forms_are_the_same_numbers():
    fast, _, slow, _ = hot_pair("SU3", EXTENTS[4])
    p, q = fast.new_momenta(), slow.new_momenta()
    fast.refresh(p, SEED, Purpose.MOMENTA, 1)
    slow.refresh(q, SEED, Purpose.MOMENTA, 1)
    assert abs(momenta_of(fast, p) - momenta_of(slow, q)).max() < 100 * EPS["float64"]
