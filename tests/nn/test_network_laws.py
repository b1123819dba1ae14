"""The laws that users call: modules that break a symmetry fail them, with how far off and where."""

import pytest
import torch
from nn.cases import fields_of, generator, links_of

from gaugeflow.errors import ConfigError
from gaugeflow.nn.bilinear import Bilinear
from gaugeflow.nn.cnn import CNN
from gaugeflow.nn.inputs import plaquettes
from gaugeflow.nn.lattice_convolution import LatticeConvolution
from gaugeflow.nn.lattice_symmetry import reflected, rotated
from gaugeflow.nn.laws import (
    assert_gauge_equivariant,
    assert_reflection_equivariant,
    assert_rotation_equivariant,
    assert_translation_equivariant,
)
from gaugeflow.nn.lcnn import LCNN, LayerShape
from gaugeflow.nn.matrices import trace
from gaugeflow.nn.transformation import Kind, gauge_transform, random_matrices, random_rotations

LINKS_TO_NUMBERS = {"takes": (Kind.LINKS,), "gives": Kind.INVARIANT}


def test_an_ordinary_network_fails_the_gauge_law_and_keeps_translations():
    links = links_of("SU2", 2)
    network = CNN((LayerShape(4, 3),), 2, 2, generator=generator()).double()
    with pytest.raises(AssertionError, match=r"not gauge equivariant under SU2: off by .* largest at index \("):
        assert_gauge_equivariant(network, links)
    assert_translation_equivariant(network, links)


def test_a_wrong_dagger_fails_the_gauge_law():
    def transported_with_the_wrong_dagger(field, links):
        return links[:, :1].mH @ torch.roll(field, -1, -3) @ links[:, :1]

    field, links = fields_of("SU3", 2)
    kinds = {"takes": (Kind.ADJOINT, Kind.LINKS), "gives": Kind.ADJOINT}
    with pytest.raises(AssertionError, match="gauge equivariant"):
        assert_gauge_equivariant(transported_with_the_wrong_dagger, field, links, **kinds)


def test_one_wrong_site_is_found_and_named():
    def traces_but_one(links):
        out = trace(plaquettes(links)).real.clone()
        out[1, 0, 2, 3] += links[1, 0, 2, 3, 0, 0].real
        return out

    with pytest.raises(AssertionError, match=r"largest at index \(1, 0, 2, 3\) of \(2, 1, 4, 5\)"):
        assert_gauge_equivariant(traces_but_one, links_of("SU2", 2), **LINKS_TO_NUMBERS)


def test_nan_is_a_violation():
    with pytest.raises(AssertionError, match="off by nan"):
        assert_gauge_equivariant(
            lambda links: trace(plaquettes(links)).real * torch.nan, links_of("U1", 2), **LINKS_TO_NUMBERS
        )


def test_a_place_of_its_own_fails_the_translation_law():
    def weighted(links):
        out = trace(plaquettes(links)).real
        return out * torch.arange(out.shape[-1])

    with pytest.raises(AssertionError, match="translation equivariant in direction 0"):
        assert_translation_equivariant(weighted, links_of("SU2", 2), **LINKS_TO_NUMBERS)


def even_convolution(ndim):
    """An L-Conv whose weights are the same for all directions and both ways."""
    layer = LatticeConvolution(3, 2, ndim, 2, symmetric=True, generator=generator()).double()
    with torch.no_grad():
        layer.weight[..., 1:] = layer.weight[..., 1:2]
    return layer


@pytest.mark.parametrize("ndim", [2, 3, 4])
def test_even_weights_are_equivariant_under_reflections_and_rotations(ndim):
    links = links_of("SU3", ndim)
    field = random_matrices("SU3", (2, 3, *links.shape[2:-2]), generator())
    layer = even_convolution(ndim)
    assert_reflection_equivariant(layer, field, links)
    assert_rotation_equivariant(layer, field, links)
    with torch.no_grad():
        layer.weight[..., 2] *= 1.1
    for law in (assert_reflection_equivariant, assert_rotation_equivariant):
        with pytest.raises(AssertionError):
            law(layer, field, links)


def test_forward_kernels_are_not_reflection_equivariant():
    field, links = fields_of("SU2", 2)
    layer = LatticeConvolution(3, 2, 2, 2, generator=generator()).double()
    with pytest.raises(AssertionError, match="reflection equivariant in direction 0"):
        assert_reflection_equivariant(layer, field, links)


def test_products_at_a_site_know_no_directions():
    field, _ = fields_of("SU2", 3)
    layer = Bilinear(6, 6, 2, generator=generator()).double()
    assert_reflection_equivariant(layer, field, field)
    assert_rotation_equivariant(layer, field, field)


def test_the_mean_plaquette_is_invariant_under_all_symmetries():
    def mean_plaquette(links):
        return trace(plaquettes(links)).real.flatten(1).mean(1, keepdim=True)

    for ndim in (2, 3, 4):
        for law in (assert_translation_equivariant, assert_reflection_equivariant, assert_rotation_equivariant):
            law(mean_plaquette, links_of("SU3", ndim), **LINKS_TO_NUMBERS)


def test_symmetries_of_the_lattice_compose_as_they_should():
    field, links = fields_of("SU3", 3)
    for value, kind in ((field, Kind.ADJOINT), (links, Kind.LINKS)):
        turned = value
        for _ in range(4):
            turned = rotated(turned, kind, 0, 2)
        assert torch.equal(turned, value)
        assert torch.equal(reflected(reflected(value, kind, 1), kind, 1), value)
        assert torch.equal(rotated(rotated(value, kind, 0, 1), kind, 1, 0), value)


@pytest.mark.parametrize("group", ["U1", "SU2", "SU3", "U2", "SU4"])
def test_gauge_rotations_lie_in_the_group_and_compose(group):
    links = links_of(group, 2)
    n = links.shape[-1]
    first, second = (random_rotations(group, links, generator(seed)) for seed in (5, 6))
    assert (first @ first.mH - torch.eye(n)).abs().max() < 1e-13
    if group.startswith("SU"):
        assert (torch.linalg.det(first) - 1).abs().max() < 1e-13
    twice = gauge_transform(gauge_transform(links, Kind.LINKS, first), Kind.LINKS, second)
    assert torch.allclose(twice, gauge_transform(links, Kind.LINKS, second @ first), rtol=0, atol=1e-13)


@pytest.mark.parametrize("group", ["U1", "SU2", "SU3", "U2"])
def test_random_matrices_follow_the_haar_measure(group):
    """<|Tr U|^2> = 1; for U(N) also <Tr U^2> = 0, for SU(2) it is -1 and for SU(3) 0."""
    u = random_matrices(group, (40_000,), generator())
    bound = 5 * 40_000**-0.5
    assert abs(trace(u).abs().square().mean() - 1) < bound * 1.5
    assert abs(trace(u @ u).mean() - {"SU2": -1.0}.get(group, 0.0)) < bound * 1.5
    assert abs(trace(u).mean()) < bound


def test_a_module_that_does_not_say_how_it_transforms_is_refused():
    with pytest.raises(ConfigError, match="wanted one Kind for every field"):
        assert_gauge_equivariant(lambda links: links, links_of("SU2", 2))
    with pytest.raises(ConfigError, match="got 2 fields"):
        assert_gauge_equivariant(LCNN((LayerShape(1),), 2, 2), *fields_of("SU2", 2))
