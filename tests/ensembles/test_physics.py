"""A file with a valid hash is still judged by its physics: group, plaquette, numbering, spec."""

import numpy as np
import pytest
from ensembles.example import configuration, make_history, make_spec, random_links, write_example

from gaugeflow.conventions import planes, site_axis
from gaugeflow.ensembles.gauge_checks import components_first, plaquettes, unitarity_defect
from gaugeflow.ensembles.schema import first_trajectory, saved_trajectories
from gaugeflow.ensembles.verify import missing_chunks, verify_file
from gaugeflow.ensembles.writer import Configuration

LATTICES = [("U1", (4, 3)), ("SU2", (3, 2, 4)), ("SU3", (2, 3, 2, 4)), ("SU2", (2, 2, 3, 2)), ("SU4", (3, 2))]


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.mark.parametrize(("group", "extents"), LATTICES)
def test_plaquettes_agree_with_matrix_products_site_by_site(rng, group, extents):
    links = random_links(rng, group, extents, 2)
    ndim, n = len(extents), links.shape[-1]
    values = {}
    for mu, nu in planes(ndim):
        total = np.zeros(2)
        for site in np.ndindex(links.shape[1:-3]):

            def at(*steps, site=site):
                moved = list(site)
                for step in steps:
                    axis = site_axis(ndim, step)
                    moved[axis] = (moved[axis] + 1) % links.shape[1 + axis]
                return links[(slice(None), *moved)]

            loop = at()[:, mu] @ at(mu)[:, nu] @ at(nu)[:, mu].conj().mT @ at()[:, nu].conj().mT
            total += np.trace(loop, axis1=1, axis2=2).real
        values[mu, nu] = total / n / np.prod(extents)
    found = plaquettes(components_first(links))
    assert np.allclose(found["plaquette"], np.mean(list(values.values()), axis=0), rtol=0, atol=1e-14)
    if ndim > 2:
        time = [v for plane, v in values.items() if ndim - 1 in plane]
        space = [v for plane, v in values.items() if ndim - 1 not in plane]
        assert np.allclose(found["plaquette_time"], np.mean(time, axis=0), rtol=0, atol=1e-14)
        assert np.allclose(found["plaquette_space"], np.mean(space, axis=0), rtol=0, atol=1e-14)


@pytest.mark.parametrize(("group", "extents"), LATTICES)
def test_unitarity_defect_sees_size_and_determinant(rng, group, extents):
    links = random_links(rng, group, extents, 2)
    assert unitarity_defect(components_first(links), special=group != "U1") < 1e-13
    stretched, turned, lost = links.copy(), links.copy(), links.copy()
    stretched[1, ..., 0, :, :] *= 1 + 1e-9
    turned[1, ..., 0, :, :] *= np.exp(1e-9j)
    lost[-1, ..., -1, 0, 0] = np.nan
    assert unitarity_defect(components_first(stretched), special=False) == pytest.approx(2e-9, rel=1e-3)
    assert unitarity_defect(components_first(turned), special=False) < 1e-13
    if group != "U1":
        found = unitarity_defect(components_first(turned), special=True)
        assert found == pytest.approx(links.shape[-1] * 1e-9, rel=1e-3)
    assert np.isnan(unitarity_defect(components_first(lost), special=group != "U1"))


def spoiled(path, rng, change, **arguments):
    """Problems of a file with a valid hash whose second configuration was changed before writing."""
    fields = [configuration(random_links(rng, "SU2", (4, 3), 2)) for _ in range(3)]
    fields[1] = change(fields[1])
    write_example(path, configurations=fields, **arguments)
    return verify_file(path).problems


def scaled(factor):
    return lambda c: Configuration(c.links * factor, c.plaquettes)


@pytest.mark.parametrize("factor", [1 + 1e-11, np.exp(1e-11j), np.nan])
def test_links_off_the_group_are_found(tmp_path, rng, factor):
    problems = spoiled(tmp_path / "0000.h5", rng, scaled(factor))
    assert any("configuration 1: links are off the group" in problem for problem in problems)


def test_wrong_stored_plaquette_is_found(tmp_path, rng):
    problems = spoiled(
        tmp_path / "0000.h5", rng, lambda c: Configuration(c.links, {"plaquette": c.plaquettes["plaquette"] + 1e-11})
    )
    assert len(problems) == 1
    assert "configuration 1: stored plaquette differs from the links' by 1e-11" in problems[0]


def test_values_that_are_not_finite_are_found(tmp_path):
    history = make_history(0, 10, 2)
    history["delta_h"][3, 1] = np.inf
    path = tmp_path / "0000.h5"
    write_example(path, history=history)
    assert verify_file(path).problems == ("history/delta_h has values that are not finite",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trajectory": [5, 7, 8]}, "do not end with it"),
        ({"trajectory": [3, 7, 9]}, "saved trajectories are not inside"),
        ({"trajectory": [5, 6, 9]}, "the spec says 5 .. 9 in steps of 2"),
        ({"n_thermalisation": 0}, "n_thermalisation is 0"),
        ({"chunk": 1}, "the history starts at trajectory 0, the spec says 10"),
        ({"history": {**make_history(0, 10, 2), "trajectory": [0, *range(2, 11)]}}, "has gaps"),
        ({"history": make_history(1, 9, 2)}, "the history starts at trajectory 1"),
    ],
)
def test_wrong_numbering_is_found(tmp_path, changes, message):
    path = tmp_path / "0000.h5"
    write_example(path, **changes)
    assert any(message in problem for problem in verify_file(path).problems)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"extents": (3, 4)}, r"extents [4, 3], the spec says [3, 4]"),
        ({"group": "SU3"}, "N 2, the spec says 3"),
        ({"chains": 3}, "chains 2, the spec says 3"),
    ],
)
def test_links_of_another_lattice_than_the_spec_are_found(tmp_path, rng, changes, message):
    path = tmp_path / "0000.h5"
    fields = [configuration(random_links(rng, "SU2", (4, 3), 2)) for _ in range(3)]
    history = make_history(0, 10, 2)
    write_example(path, configurations=fields, spec=make_spec(**changes), history=history)
    assert any(message in problem for problem in verify_file(path).problems)


def test_chunks_follow_each_other_without_gap():
    spec = make_spec()
    saved = [number for chunk in range(3) for number in saved_trajectories(spec, chunk)]
    assert saved == [4 + 2 * (j + 1) - 1 for j in range(9)]
    assert [first_trajectory(spec, chunk) for chunk in range(3)] == [0, saved[2] + 1, saved[5] + 1]


def test_a_missing_middle_chunk_is_found(tmp_path):
    assert missing_chunks(tmp_path) == []
    for k in (2, 3, 6):
        (tmp_path / f"{k:04d}.h5").touch()
    assert missing_chunks(tmp_path) == ["0004.h5", "0005.h5"]
