"""The baseline convolves on the torus in every dimension, and one network reads every lattice size."""

import itertools
from types import SimpleNamespace

import pytest
import torch
from nn.cases import generator, links_of

from gaugeflow.errors import ConfigError, GeometryError
from gaugeflow.nn.cnn import CNN, PeriodicConvolution, components
from gaugeflow.nn.lcnn import LCNN, LayerShape
from gaugeflow.nn.transformation import random_links


@pytest.mark.parametrize("kernel_size", [1, 2, 3])
@pytest.mark.parametrize("ndim", [2, 3, 4])
def test_a_convolution_is_the_sum_over_its_offsets(ndim, kernel_size):
    g = generator()
    layer = PeriodicConvolution(2, 3, ndim, kernel_size, generator=g).double()
    values = torch.randn(2, 2, *(5, 4, 3, 3)[:ndim], dtype=torch.float64, generator=g)
    wanted = 0
    first = (kernel_size - 1) // 2
    for offsets in itertools.product(range(kernel_size), repeat=ndim):
        there = torch.roll(values, [first - k for k in offsets], list(range(2, 2 + ndim)))
        wanted = wanted + torch.einsum("ij,bj...->bi...", layer.weight[(..., *offsets)], there)
    with torch.no_grad():
        layer.bias += 0.5
    assert (layer(values) - wanted - 0.5).abs().max() < 1e-13


def test_components_are_real_and_imaginary_parts_of_every_link():
    links = links_of("SU3", 2)
    found = components(links)
    assert found.shape == (2, 2 * 2 * 9, 4, 5)
    assert torch.equal(found[:, 0], links[:, 0, :, :, 0, 0].real)
    assert torch.equal(found[:, 1], links[:, 0, :, :, 0, 0].imag)
    assert torch.equal(found[:, 18 + 2 * 5], links[:, 1, :, :, 1, 2].real)


@pytest.mark.parametrize("ndim", [2, 3, 4])
def test_one_network_reads_every_lattice_size(ndim):
    network = CNN((LayerShape(4, 3), LayerShape(4, 2)), ndim, 2, head=(3,), average=True, generator=generator())
    for extent in (3, 4):
        links = random_links("SU2", (extent,) * ndim, 2, generator(), torch.complex64)
        assert network(links).shape == (2, 1)
    network.average = False
    assert network(links).shape == (2, 1, *(4,) * ndim)
    equivariant = LCNN((LayerShape(2),), ndim, 2)
    assert equivariant(links).shape == (2, 1, *(4,) * ndim)


def test_settings_describe_the_same_networks_as_arguments():
    layers = (LayerShape(4, 3, True), LayerShape(3, 2))
    inputs = SimpleNamespace(plaquettes=True, polyakov=True)
    links = links_of("SU2", 2, torch.complex64)
    settings = SimpleNamespace(layers=layers, inputs=inputs, head=(5,))
    same = LCNN(layers, 2, 2, polyakov=True, head=(5,), generator=generator())
    assert torch.equal(LCNN.from_settings(settings, 2, 2, generator())(links), same(links))
    settings = SimpleNamespace(layers=layers, activation="tanh", head=(5,))
    same = CNN(layers, 2, 2, activation="tanh", head=(5,), generator=generator())
    assert torch.equal(CNN.from_settings(settings, 2, 2, generator())(links), same(links))


def test_what_does_not_fit_is_refused_with_reasons():
    with pytest.raises(ConfigError, match="activation 'cube'"):
        CNN((LayerShape(2),), 2, 2, activation="cube")
    with pytest.raises(ConfigError, match="5 dimensions"):
        PeriodicConvolution(1, 1, 5, 2)
    network = CNN((LayerShape(2, 5),), 2, 2).double()
    with pytest.raises(GeometryError, match="at least the kernel, 5"):
        network(links_of("SU2", 2))
    with pytest.raises(GeometryError, match="N = 3, wanted N = 2"):
        network(links_of("SU3", 2))
