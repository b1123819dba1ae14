"""Symanzik and Zeuthen flow: plane waves, a direct evaluation, order three, covariance; twins with wrong numbers."""

import numpy as np
import pytest
from laws import EXTENTS, case_name, gauge_transform, hot_pair, random_rotations

from gaugeflow.errors import ConfigError
from gaugeflow.flow import gradient_flow as module
from gaugeflow.flow.gradient_flow import FLOWS, embedded_step, gradient_flow, rk3_step
from gaugeflow.kernels.targets import oracle
from gaugeflow.lattice.packed import PackedLattice

CASES = [("U1", 2), ("SU2", 3), ("SU3", 4), ("U2", 4), ("SU4", 2)]
KINDS = pytest.mark.parametrize("kind", FLOWS)
PUBLISHED = {
    "wilson": (-5.0e-2, -1.3e-2, -3.2e-3),
    "symanzik": (4.2e-2, 1.2e-2, 3.2e-3),
    "zeuthen": (-8.5e-3, -5.8e-4, -3.7e-5),
}
"""Relative deviation of the decay rate from p^2 for L = 8, 16, 32."""


def rate(extent, kind):
    """Decay rate over p^2 of a transverse wave: p = (p, p), polarisation (1, -1), p = 2 pi / L."""
    eps, time, p = 1e-5, 0.5, 2 * np.pi / extent
    lattice = PackedLattice("U1", (extent, extent), 1)
    wave = eps * np.cos(p * np.add.outer(np.arange(extent), np.arange(extent)))
    theta = np.stack([wave, -wave], -1)[None]
    links = lattice.scatter(np.exp(1j * theta)[..., None, None])
    for _ in gradient_flow(lattice, links, (time,), 0.02, kind):
        out = np.angle(lattice.gather(links)[..., 0, 0])
    decay = (out * theta).sum() / (theta * theta).sum()
    assert abs(out - decay * theta).max() < 1e-6 * eps
    return -np.log(decay) / time / (2 * p**2)


def dispersion(extent, kind):
    """The same from the quadratic form: hat p^2, the rectangles' factor, the second difference's."""
    p = 2 * np.pi / extent
    square = 2 - 2 * np.cos(p)
    rectangles = 5 / 3 - 8 / 12 * np.cos(p / 2) ** 2
    return {"wilson": 1, "symanzik": rectangles, "zeuthen": rectangles * (1 - square / 12)}[kind] * square / p**2


@KINDS
def test_plane_waves_decay_as_the_coefficients_say(kind):
    for extent, published in zip((8, 16, 32), PUBLISHED[kind], strict=True):
        assert rate(extent, kind) == pytest.approx(dispersion(extent, kind), rel=1e-6)
        assert dispersion(extent, kind) - 1 == pytest.approx(published, rel=0.05)


@pytest.mark.parametrize(("name", "wrong"), [("SYMANZIK", (1.6, -0.075)), ("ZEUTHEN", 1 / 11)])
def test_plane_waves_notice_a_wrong_coefficient(name, wrong, monkeypatch):
    monkeypatch.setattr(module, name, wrong)
    assert abs(rate(16, "zeuthen") / dispersion(16, "zeuthen") - 1) > 1e-3


def direct_force(links, special, kind):
    """Z from products of links along the loops."""
    if kind == "wilson":
        return -oracle.force(links, special)
    z = -(5 / 3 * oracle.force(links, special) - oracle.rectangle_force(links, special) / 12)
    if kind == "zeuthen":
        z = z + oracle.second_difference(links, z) / 12
    return z


@KINDS
@pytest.mark.parametrize(("group", "ndim"), CASES, ids=case_name)
def test_one_step_is_the_scheme_written_out(group, ndim, kind):
    lattice, links, slow, w0 = hot_pair(group, EXTENTS[ndim])
    eps, exponential = 0.05, oracle.exponential
    z0 = eps * direct_force(w0, slow.special, kind)
    w1 = exponential(z0 / 4) @ w0
    z1 = eps * direct_force(w1, slow.special, kind)
    w2 = exponential(8 / 9 * z1 - 17 / 36 * z0) @ w1
    z2 = eps * direct_force(w2, slow.special, kind)
    w3 = exponential(3 / 4 * z2 - 8 / 9 * z1 + 17 / 36 * z0) @ w2
    lower = exponential(2 * z1 - z0) @ w0
    kept, exponent = links.copy(), lattice.new_momenta()
    distance = embedded_step(lattice, links, exponent, eps, kind, 10.0)
    wanted = np.sqrt((abs(w3 - lower) ** 2).sum((-2, -1)).max()) / slow.n**2
    assert abs(lattice.gather(links) - w3).max() < 1e-13
    assert distance == pytest.approx(wanted, rel=1e-10)
    assert embedded_step(lattice, kept, exponent, eps, kind, 0.999 * distance) == distance
    assert np.array_equal(lattice.gather(kept), w0)  # refused
    rk3_step(lattice, kept, exponent, eps, kind)
    assert np.array_equal(lattice.gather(kept), lattice.gather(links))


def flowed(lattice, links, time, step, kind):
    out = links.copy()
    for _ in gradient_flow(lattice, out, (time,), step, kind):
        pass
    return out


@pytest.mark.parametrize("kind", ["symanzik", "zeuthen"])
@pytest.mark.parametrize(("group", "ndim"), CASES[:3], ids=case_name)
def test_the_scheme_is_of_third_order_and_gauge_covariant(group, ndim, kind):
    lattice, links, slow, canonical = hot_pair(group, EXTENTS[ndim])
    fields = [lattice.gather(flowed(lattice, links, 0.16, step, kind)) for step in (0.02, 0.01, 0.005)]
    ratio = abs(fields[0] - fields[1]).max() / abs(fields[1] - fields[2]).max()
    assert 6 < ratio < 10
    rotations = random_rotations(slow)
    turned = lattice.scatter(gauge_transform(canonical, rotations))
    there = lattice.gather(flowed(lattice, turned, 0.16, 0.02, kind))
    assert abs(gauge_transform(fields[0], rotations) - there).max() <= 1e-11


def test_an_unknown_kind_is_refused():
    lattice = PackedLattice("U1", (4, 4), 1)
    with pytest.raises(ConfigError, match="wanted one of wilson, symanzik, zeuthen"):
        next(iter(gradient_flow(lattice, lattice.cold(), (0.1,), 0.02, "iwasaki")))
