"""A judgement equals plain NumPy on every group and lattice, finds every damage, and forgets old time slices."""

import functools
import math
import tracemalloc

import numpy as np
import pytest
from laws import EXTENTS, GENERIC_GROUPS, GROUPS, SEED, case_name

from gaugeflow.ensembles.gauge_checks import components_first, judge_links, unitarity_defect
from gaugeflow.errors import ConfigError, GeometryError
from gaugeflow.lattice.judge import Judge
from gaugeflow.lattice.oracle import OracleLattice
from gaugeflow.rng import Purpose

DTYPES = ("<f8", ">f8", "<f4", ">f4")
LATTICES = [
    *((group, EXTENTS[4]) for group in GROUPS),
    *(("SU3", extents) for extents in [(4, 4, 4, 4), (2, 3, 4, 5), (5, 5, 5, 5), (8, 8, 8, 4), (3, 1, 2, 7)]),
    *(("SU3", (4, 2, 3, t)) for t in (1, 2, 3)),
    ("SU2", (5, 4, 3)),
    ("U1", (1, 1)),
]
CASES = [(*lattice, dtype) for lattice in LATTICES for dtype in DTYPES]
CASES += [(group, EXTENTS[2], dtype) for group in GENERIC_GROUPS for dtype in ("<f8", ">f8")]
PLAQUETTE_BOUND = {"float64": 1e-13, "float32": 1e-6}
EPS = {name: float(np.finfo(name).eps) for name in PLAQUETTE_BOUND}
DAMAGED = [("SU3", (2, 3, 4, 5)), ("SU3", (4, 4, 4, 2)), ("U2", (4, 2, 3, 4))]


@functools.cache
def hot(group, extents):
    """Random links of the group."""
    return OracleLattice(group, extents, 1).hot(SEED, Purpose.START)[0]


def stored(group, extents, dtype):
    """Links as a file holds them: reals (t, .., x, D, N, N, 2) of a type."""
    links = hot(group, extents)
    return np.stack([links.real, links.imag], -1).astype(dtype)


def precision(dtype):
    return f"float{8 * np.dtype(dtype).itemsize}"


def complex_of(reals):
    return np.ascontiguousarray(reals, np.float64).view(complex)[..., 0]


def judged(group, extents, reals, pieces=1):
    judge = Judge(group, extents)
    for piece in np.array_split(reals.reshape(-1, *reals.shape[-4:]), pieces):
        judge.feed(piece)
    return judge.result()


def obvious(group, extents, reals):
    """What plain NumPy says: (unitarity defect, plaquettes by name, determinant defect, link trace)."""
    links, special = complex_of(reals)[None], group.startswith("SU")
    _, plaquettes = judge_links([((slice(0, 1), slice(0, extents[-1])), links)], links.shape, special=special)
    defect = unitarity_defect(components_first(links), special=False)
    det = np.linalg.det(links)
    trace = np.trace(links, axis1=-2, axis2=-1).real.mean() / links.shape[-1]
    return defect, plaquettes, (abs(det - 1) if special else abs(abs(det) - 1)).max(), trace


@pytest.mark.parametrize(("group", "extents", "dtype"), CASES, ids=case_name)
def test_judgement_equals_plain_numpy(group, extents, dtype):
    reals = stored(group, extents, dtype)
    found, (unitarity, plaquettes, determinant, trace) = judged(group, extents, reals), obvious(group, extents, reals)
    bound, eps = PLAQUETTE_BOUND[precision(dtype)], EPS[precision(dtype)]
    for name in ("plaquette", "plaquette_space", "plaquette_time"):
        if name in plaquettes:
            assert abs(getattr(found, name) - plaquettes[name][0]) < bound, name
        else:
            assert getattr(found, name) is None
    assert abs(found.link_trace - trace) < bound
    assert abs(found.unitarity_defect - unitarity) < 30 * eps
    assert abs(found.determinant_defect - determinant) < 30 * eps


@pytest.mark.parametrize(("group", "extents"), DAMAGED, ids=case_name)
@pytest.mark.parametrize("dtype", ["<f8", ">f4"])
def test_pieces_of_any_size_and_both_byte_orders_give_the_same_bits(group, extents, dtype):
    reals = stored(group, extents, dtype)
    whole = judged(group, extents, reals)
    for pieces in (2, 7, math.prod(extents)):
        assert judged(group, extents, reals, pieces) == whole
    assert judged(group, extents, reals.astype(reals.dtype.newbyteorder())) == whole
    assert judged(group, extents, np.flip(np.flip(reals, 0).copy(), 0)) == whole  # a view with strides of its own


@pytest.mark.parametrize("dtype", DTYPES)
def test_bytes_of_a_file_may_start_anywhere_and_be_read_only(dtype):
    extents = (4, 2, 3, 4)
    reals = stored("SU3", extents, dtype)
    raw = np.frombuffer(b"123" + reals.tobytes(), np.uint8)[3:]
    assert judged("SU3", extents, raw.view(dtype).reshape(reals.shape), 5) == judged("SU3", extents, reals)


def damaged_places(extents):
    """(t, .., x, mu): the first and last link and some between."""
    shape = (*reversed(extents), len(extents))
    rng = np.random.default_rng(5)
    places = [0, math.prod(shape) - 1, *rng.integers(0, math.prod(shape), 6)]
    return [tuple(int(i) for i in np.unravel_index(place, shape)) for place in places]


@pytest.mark.parametrize("dtype", ["<f8", ">f4"])
@pytest.mark.parametrize(("group", "extents"), DAMAGED, ids=case_name)
def test_one_damaged_link_is_found_wherever_it_is(group, extents, dtype):
    sound, special = stored(group, extents, dtype), group.startswith("SU")
    eps = EPS[precision(dtype)]
    for place in damaged_places(extents):
        stretched, turned, flipped, swapped = (sound.copy() for _ in range(4))
        stretched[place] *= 1.01
        turned[place] = turn(sound[place], 0.1)
        flipped[(*place, 0)] *= -1  # a row: determinant -1 times what it was
        swapped[(*place, slice(None), 0)] = sound[(*place, slice(None), 1)]  # two columns alike: determinant 0
        found = [judged(group, extents, links) for links in (stretched, turned, flipped, swapped)]
        for judgement, links in zip(found, (stretched, turned, flipped, swapped), strict=True):
            unitarity, plaquettes, determinant, trace = obvious(group, extents, links)
            assert abs(judgement.unitarity_defect - unitarity) < 100 * eps
            assert abs(judgement.determinant_defect - determinant) < 100 * eps
            assert abs(judgement.plaquette - plaquettes["plaquette"][0]) < PLAQUETTE_BOUND[precision(dtype)]
            assert abs(judgement.link_trace - trace) < PLAQUETTE_BOUND[precision(dtype)]
        n = sound.shape[-2]
        assert found[0].unitarity_defect == pytest.approx(0.0201, rel=1e-4)
        assert found[1].determinant_defect == pytest.approx(2 * math.sin(0.05 * n) if special else 0, abs=100 * eps)
        assert found[2].determinant_defect == pytest.approx(2 if special else 0, abs=100 * eps)
        assert found[3].unitarity_defect == pytest.approx(1, abs=100 * eps)
        assert found[3].determinant_defect == pytest.approx(1, abs=100 * eps)


def turn(matrix, angle):
    """A matrix of reals (.., 2) times exp(i angle): unitary still, another determinant."""
    return np.stack(
        [
            math.cos(angle) * matrix[..., 0] - math.sin(angle) * matrix[..., 1],
            math.sin(angle) * matrix[..., 0] + math.cos(angle) * matrix[..., 1],
        ],
        -1,
    )


@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e38])
@pytest.mark.parametrize(("group", "extents"), DAMAGED, ids=case_name)
def test_a_number_that_is_none_is_never_lost(group, extents, value, dtype):
    for place in damaged_places(extents):
        for element in ((0, 1, 1), (1, 1, 0)):
            links = stored(group, extents, dtype)
            links[(*place, *element)] = value
            found = judged(group, extents, links)
            assert math.isnan(found.unitarity_defect)
            assert math.isnan(found.determinant_defect)
            assert math.isnan(found.plaquette) or value == 1e38
            assert not abs(found.plaquette) <= 1 or value == 1e38
        assert math.isnan(found.link_trace)  # the damage was on the diagonal


def test_a_link_of_zeros_is_unitary_by_nobodys_count():
    for group, extents in DAMAGED:
        links = stored(group, extents, "<f8")
        links[damaged_places(extents)[3]] = 0.0
        found = judged(group, extents, links)
        assert (found.unitarity_defect, found.determinant_defect) == (1.0, 1.0)


def test_memory_does_not_grow_with_time():
    def peak(times):
        one = stored("SU3", (8, 8, 4, 1), "<f8")
        tracemalloc.start()
        judge = Judge("SU3", (8, 8, 4, times))
        for _ in range(times):
            judge.feed(one)
        judge.result()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most / one.nbytes

    peak(4)  # compiles
    short, long = peak(4), peak(40)
    assert 3 < short < 6
    assert long < 1.05 * short


def test_wrong_pieces_are_refused():
    extents = (4, 2, 3, 4)
    reals = stored("SU3", extents, "<f8")
    judge = Judge("SU3", extents)
    for wrong, said in [
        (reals[..., :2, :, :], r"got <f8 \(4, 3, 2, 4, 4, 2, 3, 2\), wanted f4 or f8 \(\.\., 4, 3, 3, 2\)"),
        (complex_of(reals), "got <c16"),
        (reals.astype(np.int64), "got <i8"),
    ]:
        with pytest.raises(GeometryError, match=said):
            judge.feed(wrong)
    judge.feed(reals[:3])
    with pytest.raises(GeometryError, match="got >f8 after <f8"):
        judge.feed(reals[3:].astype(">f8"))
    with pytest.raises(GeometryError, match="got 72 sites, wanted 96"):
        judge.result()
    with pytest.raises(GeometryError, match="got 168 sites, wanted 96"):
        judge.feed(reals)
    judge.feed(reals[3:])
    assert judge.result() == judged("SU3", extents, reals)


def test_unknown_groups_and_extents_without_sites_are_refused():
    with pytest.raises(ConfigError):
        Judge("SO3", (4, 4))
    for extents in ((4,), (4, 0, 4, 4)):
        with pytest.raises(GeometryError, match="extents: got"):
            Judge("SU3", extents)
