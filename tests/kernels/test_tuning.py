"""Plans, candidates and awkward extents: what is fetched when, and that no bit depends on it."""

import fcntl
import json

import numpy as np
import pytest
from laws import case_name

from gaugeflow.errors import ConfigError, FileError
from gaugeflow.kernels import schedule, tuning, uneven
from gaugeflow.kernels.dispatch import kernels_for
from gaugeflow.kernels.lane_group import SEAMS
from gaugeflow.kernels.layout import Layout
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.rng import Purpose

UNIT, CACHE = 576, 1 << 17
ODD = [(9, 9, 9, 9), (11, 11, 11, 11), (3, 3, 3, 3), (11, 11), (17, 5), (9, 9, 5)]


def plans(far):
    layout = Layout((8, 8, 4, 4), 8)
    options = {"unit_bytes": UNIT, "cache_bytes": CACHE, "far": far}
    yield layout, schedule.make_plan(layout, schedule.touched_by_drift, **options), schedule.touched_by_drift
    shared = schedule.touched_by_shared_force
    yield layout, schedule.make_plan(layout, shared, shared=True, parts=2, **options), shared


def halves(plan):
    words = plan.fetch_units[:-1]
    return words & 0xFFFFFFFF, words >> 32


def test_every_unit_that_a_step_misses_is_fetched_during_the_step_before():
    for layout, plan, touched in plans(far=5):
        near, _ = halves(plan)
        units = plan.p0 + layout.blocks * layout.ndim
        for part in range(len(plan.rows)):
            first, last = plan.start[part], plan.start[part + 1]
            rows = touched(layout, plan.steps[first:last], plan.slots[plan.rows[part]], plan.q0, plan.p0)
            start, missed = schedule.misses(rows, units, int(schedule.L2_SHARE * CACHE / UNIT))
            for i in range(1, last - first):
                fetched = near[plan.fetch_start[first + i - 1] : plan.fetch_start[first + i]]
                assert set(missed[start[i] : start[i + 1]]) <= set(fetched)


@pytest.mark.parametrize("far", [0, 1, 7, 10**6])
def test_far_list_is_the_near_list_shifted(far):
    near = np.arange(100, 150)
    words = schedule.near_and_far(near, far)
    assert np.array_equal(words & 0xFFFFFFFF, near)
    for k in range(50):
        assert words[k] >> 32 == near[k + far if k + far < 50 else k]


def trajectory(pace, monkeypatch, extents):
    monkeypatch.setattr("gaugeflow.lattice.partition.choose_pace", lambda *_: pace)
    monkeypatch.setattr("gaugeflow.kernels.devices.cpu.l2_bytes", lambda: CACHE)
    lattice = PackedLattice("SU2", extents, 2, lanes="sites")
    links, momenta = lattice.hot(3, Purpose.START), lattice.new_momenta()
    lattice.refresh(momenta, 3, Purpose.MOMENTA, 0)
    lattice.kick(links, momenta, 0.3)
    lattice.drift(links, momenta, 0.1)
    lattice.kick(links, momenta, 0.2)
    sums = lattice.total(lattice.plaquette_sums(links), lattice.kinetic_sums(momenta))
    return lattice.gather(links).tobytes() + sums.tobytes()


@pytest.mark.parametrize("extents", [(8, 8, 8), (9, 9, 9)], ids=case_name)
def test_bits_do_not_depend_on_the_pace(extents, monkeypatch):
    paces = [*tuning.CANDIDATES, tuning.Pace(1, 0), tuning.Pace(10_000, 3)]
    assert len({trajectory(pace, monkeypatch, extents) for pace in paces}) == 1


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "cache_dir", lambda: tmp_path)
    monkeypatch.setattr(
        tuning, "time_candidates", lambda *_: dict(zip(tuning.CANDIDATES, (2.0, 1.0, 3.0), strict=True))
    )
    return tmp_path


LARGE = 1 << 24


def test_the_fastest_candidate_is_written_and_read_again(folder, monkeypatch):
    kernels = kernels_for("SU2", 4)
    assert tuning.choose_pace(kernels, 4, LARGE) == tuning.CANDIDATES[1]
    monkeypatch.setattr(tuning, "time_candidates", None)
    assert tuning.choose_pace(kernels, 4, LARGE) == tuning.CANDIDATES[1]


def test_small_lattices_and_switched_off_timing_take_the_default(folder, monkeypatch):
    kernels = kernels_for("SU2", 4)
    assert tuning.choose_pace(kernels, 4, 16) == tuning.DEFAULT
    monkeypatch.setenv(tuning.TIMING_VARIABLE, "off")
    assert tuning.choose_pace(kernels, 4, LARGE) == tuning.DEFAULT
    assert not list(folder.iterdir())
    monkeypatch.setenv(tuning.TIMING_VARIABLE, "maybe")
    with pytest.raises(ConfigError, match="on or off"):
        tuning.choose_pace(kernels, 4, LARGE)


def test_default_is_taken_while_another_process_times(folder):
    kernels = kernels_for("SU2", 4)
    with open(tuning.record_path(kernels).with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert tuning.choose_pace(kernels, 4, LARGE) == tuning.DEFAULT
    assert not tuning.record_path(kernels).exists()


@pytest.mark.parametrize("text", ["", "{}", json.dumps({"pace": {"tile_matrices": 1, "far": 1}})])
def test_a_broken_record_is_refused(folder, text):
    path = folder / f"{len(text)}.json"
    path.write_text(text)
    with pytest.raises(FileError, match="remove it"):
        tuning.read(path)


@pytest.mark.parametrize("width", [4, 8, 16])
@pytest.mark.parametrize("extents", ODD, ids=case_name)
def test_seams_of_uneven_cuts_reach_the_neighbours(extents, width):
    table = uneven.UnevenLanes(extents, uneven.best_cuts(extents, width), width)
    assert np.array_equal(np.sort(table.site[~table.dead]), np.arange(np.prod(extents)))
    x = np.stack(np.unravel_index(table.site.ravel(), extents), -1)
    for mu in range(len(extents)):
        for sign, entries in ((1, table.forward), (-1, table.backward)):
            y = x.copy()
            y[:, len(extents) - 1 - mu] += sign
            wanted = np.ravel_multi_index(tuple((y % np.array(extents)).T), extents).reshape(table.site.shape)
            block, row = entries[:, mu] // SEAMS, table.perm[entries[:, mu] % SEAMS]
            both = np.concatenate((table.site[block], table.site[block + row[:, width]]), 1)
            assert np.array_equal(np.take_along_axis(both, row[:, :width], 1)[~table.dead], wanted[~table.dead])


@pytest.mark.parametrize(
    ("extents", "filled"), [((7,) * 4, 7 / 8), ((9,) * 4, 0.72), ((11,) * 4, 0.84), ((13,) * 4, 0.8), ((15,) * 4, 0.93)]
)
def test_odd_lattices_fill_their_registers(extents, filled):
    layout = Layout(extents, 8)
    assert layout.volume / (8 * layout.blocks) >= filled


@pytest.mark.parametrize("extents", [(11, 11, 3)], ids=case_name)
def test_uneven_lanes_compute_the_bits_of_single_lanes(extents):
    def results(width):
        lattice = PackedLattice("SU2", extents, 2, width=width, lanes="sites")
        links, momenta = lattice.hot(3, Purpose.START), lattice.new_momenta()
        lattice.refresh(momenta, 3, Purpose.MOMENTA, 0)
        lattice.kick(links, momenta, 0.3)
        lattice.drift(links, momenta, 0.1)
        lattice.kick(links, momenta, 0.2)
        worst = lattice.reunitarise(links)
        line, moved = lattice.new_line(), lattice.new_line()
        lattice.take_links(links, 0, line)
        lattice.shift_line(line, 1, moved)
        sums = [lattice.plaquette_sums(links), lattice.kinetic_sums(momenta), lattice.clover_sums(links)]
        sums += [lattice.trace_sums(moved), lattice.loop_sums(line, moved, moved, line)]
        return [lattice.gather(links), lattice.total(*sums), worst, lattice.plaquette_angles(links)], lattice

    (many, lattice), (single, _) = results(8), results(1)
    assert len(lattice.layout.dead)
    assert all(np.array_equal(a, b) for a, b in zip(many, single, strict=True))
