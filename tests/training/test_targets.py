"""Targets are the observables of the pipeline, site by site; gauge transformations leave them and L-CNNs alone."""

import numpy as np
import pytest
import torch
from laws import SEED
from training.small import CNN, LCNN

from gaugeflow.config.explain import validated
from gaugeflow.config.networks import CnnNetwork, LcnnNetwork
from gaugeflow.errors import GeometryError
from gaugeflow.lattice.oracle import OracleLattice
from gaugeflow.nn.fields import from_file_order
from gaugeflow.observables.field_strength import energies_and_charges
from gaugeflow.observables.loops import wilson_loops
from gaugeflow.rng import Purpose
from gaugeflow.training.augmentation import augmented, gauge_transformation
from gaugeflow.training.network import losses, make_network, predictor
from gaugeflow.training.targets import charge_density, straight_line, wilson_loop


def hot(group, extents, chains=2):
    """(lattice, links as on file, the same as networks take them)."""
    lattice = OracleLattice(group, extents, chains)
    links = lattice.hot(SEED, Purpose.START)
    return lattice, links, from_file_order(torch.from_numpy(links))


@pytest.mark.parametrize(
    ("group", "extents"), [("U1", (5, 4)), ("SU2", (4, 3)), ("SU3", (3, 4, 3)), ("SU2", (3, 4, 3, 5))]
)
def test_averages_of_local_loops_are_the_measured_loops(group, extents):
    lattice, links, fields = hot(group, extents)
    measured = wilson_loops(lattice, links, 3, 3)["loops"]
    for r in (1, 2, 3):
        for t in (1, 2, 3):
            found = wilson_loop(fields, r, t).flatten(1).mean(1).numpy()
            assert np.abs(found - measured[:, r - 1, t - 1]).max() < 1e-13


def test_a_local_loop_is_the_one_that_begins_at_its_site():
    """One link changed: only loops that contain it change."""
    _, _, fields = hot("SU2", (5, 6), 1)
    changed = fields.clone()
    changed[0, 0, 2, 3] *= -1  # the link from (x, t) = (3, 2) along x
    moved = wilson_loop(changed, 2, 1)[0] != wilson_loop(fields, 2, 1)[0]
    sites = {(int(x), int(t)) for t, x in moved.nonzero()}
    assert sites == {(3, 2), (2, 2), (3, 1), (2, 1)}
    assert torch.allclose(
        straight_line(fields, 0, 3)[0, 0, 4], fields[0, 0, 0, 4] @ fields[0, 0, 0, 0] @ fields[0, 0, 0, 1]
    )


@pytest.mark.parametrize("group", ["SU2", "SU3", "U1"])
def test_the_sum_of_the_charge_density_is_the_measured_charge(group):
    lattice, links, fields = hot(group, (3, 2, 4, 2))
    measured = energies_and_charges(lattice, links, ("plaquette",), keep_trace=True)["charge_plaquette"]
    assert np.abs(charge_density(fields).flatten(1).sum(1).numpy() - measured).max() < 1e-11


def test_targets_that_are_not_defined_are_refused():
    _, _, fields = hot("SU2", (3, 4))
    with pytest.raises(GeometryError, match=r"got 1 x 4 on extents \(3, 4\), wanted loops that do not wind"):
        wilson_loop(fields, 1, 4)
    with pytest.raises(GeometryError, match="charge density: got links in 2 dimensions, wanted 4"):
        charge_density(fields)


@pytest.mark.parametrize(("group", "n"), [("U1", 1), ("U2", 2), ("SU2", 2), ("SU3", 3)])
def test_gauge_transformations_are_haar_and_new_for_every_row_and_epoch(group, n):
    omega = gauge_transformation(group, (40, 50), seed=3, epoch=1, row=2)
    assert np.abs(omega @ omega.conj().swapaxes(-1, -2) - np.eye(n)).max() < 1e-13
    if group.startswith("SU"):
        assert np.abs(np.linalg.det(omega) - 1).max() < 1e-13
    traces = np.trace(omega, axis1=-2, axis2=-1).reshape(-1)
    assert abs(traces.mean()) < 5 / 2000**0.5
    assert abs((np.abs(traces) ** 2).mean() - 1) < 5 * 1.5 / 2000**0.5  # <|tr|^2> = 1 for every of these groups
    elements = (np.abs(omega) ** 2).mean((0, 1))
    assert np.abs(elements - 1 / n).max() < 5 / 2000**0.5
    for other in ({"seed": 4}, {"epoch": 2}, {"row": 3}):
        same = {"seed": 3, "epoch": 1, "row": 2, **other}
        assert not np.allclose(gauge_transformation(group, (40, 50), **same), omega)


def loss_of(content, model, fields):
    network = make_network(validated(model, content, "n"), 2, "SU2", seed=1)
    with torch.no_grad():
        return losses(predictor(network, "float64")(fields), wilson_loop(fields, 1, 2), "local").numpy()


def test_augmentation_leaves_the_loss_of_an_lcnn_and_changes_that_of_a_cnn():
    _, _, fields = hot("SU2", (4, 5), 3)
    turned = augmented(fields, "SU2", seed=1, epoch=0, rows=(4, 5, 6))
    assert (turned - fields).abs().max() > 1
    before, after = (loss_of(LCNN, LcnnNetwork, links) for links in (fields, turned))
    assert np.abs(after / before - 1).max() < 1e-11
    before, after = (loss_of(CNN, CnnNetwork, links) for links in (fields, turned))
    assert np.abs(after / before - 1).min() > 1e-3
