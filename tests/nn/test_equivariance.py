"""Every layer and the whole network obey the symmetries that they declare, for all groups and dimensions."""

import pytest
import torch
from nn.cases import CASES, fields_of, generator, in_precision, links_of

from gaugeflow.nn.activation import LatticeActivation
from gaugeflow.nn.bilinear import Bilinear
from gaugeflow.nn.exponential import LatticeExponential
from gaugeflow.nn.fused_bilinear import LatticeConvBilinear
from gaugeflow.nn.inputs import LoopInputs
from gaugeflow.nn.lattice_convolution import LatticeConvolution
from gaugeflow.nn.laws import assert_gauge_equivariant, assert_translation_equivariant
from gaugeflow.nn.lcnn import LCNN, LayerShape
from gaugeflow.nn.paths import straight_paths
from gaugeflow.nn.trace import TraceHead
from gaugeflow.nn.transformation import Kind

DTYPES = (torch.complex128, torch.complex64)
CORNERS = ((), (1, 2), (-2, 1), (2, -1, 2))


def layers(channels, ndim, special):
    """(layer, number of adjoint fields, whether links come too) of every kind."""
    g = generator(3)
    yield LatticeConvolution(channels, 2, ndim, 2, True, generator=g), 1, True
    yield LatticeConvolution(channels, 2, ndim, paths=CORNERS, generator=g), 1, True
    yield Bilinear(channels, channels, 2, generator=g), 2, False
    yield LatticeConvBilinear(channels, 2, ndim, 3, generator=g), 1, True
    yield LatticeConvBilinear(channels, 2, ndim, 2, True, generator=g), 1, True
    yield LatticeConvBilinear(channels, 2, ndim, paths=CORNERS, generator=g), 1, True
    yield LatticeActivation(), 1, False
    yield LatticeExponential(channels, ndim, special, generator=g), 1, True
    yield TraceHead(channels, (3,), 2, generator=g), 1, False


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("group", "ndim"), CASES)
def test_every_layer_is_equivariant(group, ndim, dtype):
    field, links = fields_of(group, ndim, dtype)
    for layer, fields, with_links in layers(field.shape[1], ndim, group.startswith("SU")):
        arguments = (field,) * fields + (links,) * with_links
        assert_gauge_equivariant(in_precision(layer, dtype), *arguments, group=group)
        assert_translation_equivariant(layer, *arguments)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("group", "ndim"), CASES)
def test_the_network_is_invariant_and_its_inputs_are_equivariant(group, ndim, dtype):
    links = links_of(group, ndim, dtype)
    shapes = (LayerShape(3, 2, True), LayerShape(2, 2))
    network = LCNN(shapes, ndim, links.shape[-1], polyakov=True, head=(4,), n_out=2, generator=generator())
    in_precision(network, dtype)
    assert network(links).shape == (2, 2, *links.shape[2:-2])
    assert network(links).std() > 1e-3
    for module in (network, LoopInputs(ndim, True, True)):
        assert_gauge_equivariant(module, links, group=group)
        assert_translation_equivariant(module, links)


def test_a_network_that_moves_links_is_invariant_from_end_to_end():
    """L-Exp, whose links feed another network, keeps the group and its symmetry."""
    field, links = fields_of("SU3", 2, polyakov=False)
    mover = LatticeExponential(1, 2, True, generator=generator()).double()
    reader = LCNN((LayerShape(2),), 2, 3, generator=generator(4)).double()

    def moved_and_read(links):
        return reader(mover(LoopInputs(2)(links), links))

    off = assert_gauge_equivariant(moved_and_read, links, takes=(Kind.LINKS,), gives=Kind.INVARIANT)
    assert off < 1e-11
    assert (moved_and_read(links) - reader(links)).abs().max() > 1e-3
    assert field.shape[1] == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_traces_do_not_depend_on_the_seed_of_the_gauge(dtype):
    links = links_of("U2", 3, dtype)
    network = in_precision(LCNN((LayerShape(2),), 3, 2, polyakov=True, generator=generator()), dtype)
    for seed in range(5):
        assert_gauge_equivariant(network, links, group="U2", seed=seed)


def test_straight_kernels_list_their_paths_in_order():
    assert straight_paths(2, 3) == ((), (1,), (1, 1), (2,), (2, 2))
    assert straight_paths(2, 2, symmetric=True) == ((), (1,), (-1,), (2,), (-2,))
    assert straight_paths(4, 1) == ((),)
