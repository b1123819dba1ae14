"""Derivatives with respect to weights, fields and links agree with finite differences."""

import pytest
import torch
from nn.cases import generator

from gaugeflow.nn.bilinear import Bilinear
from gaugeflow.nn.conv_bilinear import conv_bilinear_pairs, conv_bilinear_torch
from gaugeflow.nn.exponential import LatticeExponential
from gaugeflow.nn.inputs import LoopInputs
from gaugeflow.nn.lattice_convolution import LatticeConvolution
from gaugeflow.nn.lcnn import LCNN, LayerShape
from gaugeflow.nn.paths import straight_paths, transports
from gaugeflow.nn.transformation import random_links

SMALL = {2: (3, 2), 4: (2, 1, 2, 1)}
STEP = 1e-3
RELATIVE = 1e-6
"""Fourth-order differences of step h are off by h^4 and rounding / h, 1e-12 of the value."""

STENCIL = {1: 8 / 12, -1: -8 / 12, 2: -1 / 12, -2: 1 / 12}


def small(group, ndim, polyakov=True):
    links = random_links(group, SMALL[ndim], 1, generator(7))
    return LoopInputs(ndim, True, polyakov)(links), links


def agree(function, *inputs):
    """Gradients of a real number along random directions, one input at a time, against central differences."""
    inputs = [tensor.detach().clone().requires_grad_() for tensor in inputs]
    g = generator(8)
    found = torch.autograd.grad(function(*inputs), inputs)
    for k, (tensor, gradient) in enumerate(zip(inputs, found, strict=True)):
        direction = torch.randn(tensor.shape, dtype=tensor.dtype, generator=g)
        direction = direction / torch.linalg.vector_norm(direction)
        slope = float((gradient.conj() * direction).sum().real)
        with torch.no_grad():
            numerical = sum(
                weight * float(function(*inputs[:k], tensor + at * STEP * direction, *inputs[k + 1 :])) / STEP
                for at, weight in STENCIL.items()
            )
        assert abs(slope) > 1e-3, f"input {k} has no influence"
        assert slope == pytest.approx(numerical, rel=RELATIVE), f"input {k}"


def loss(values):
    """A number that depends on all of a complex or real result, smooth and not even."""
    weights = torch.linspace(0.5, 1.5, values.numel(), dtype=values.real.dtype).reshape(values.shape)
    both = values.real + 0.3 * values.imag if values.is_complex() else values
    return (weights * (both + 0.5 * both.square())).sum()


def with_weights(module):
    """(function of weights and inputs, weights) of a module."""
    names = [name for name, _ in module.named_parameters()]

    def call(*arguments):
        weights = dict(zip(names, arguments[: len(names)], strict=True))
        return loss(torch.func.functional_call(module, weights, arguments[len(names) :]))

    return call, [parameter.detach() for parameter in module.parameters()]


@pytest.mark.parametrize(("group", "ndim"), [("U1", 2), ("SU2", 2), ("SU3", 2), ("SU2", 4)])
def test_gradients_of_layers_agree_with_finite_differences(group, ndim):
    field, links = small(group, ndim)
    n_in = field.shape[1]
    g = generator(9)
    cases = (
        (LatticeConvolution(n_in, 2, ndim, 3, True, generator=g), (field, links)),
        (Bilinear(n_in, n_in, 2, generator=g), (field, field.roll(1, 1))),
        (LatticeExponential(n_in, ndim, group.startswith("SU"), generator=g), (field, links)),
    )
    for module, inputs in cases:
        call, weights = with_weights(module.double())
        agree(call, *weights, *inputs)


@pytest.mark.parametrize("form", [conv_bilinear_pairs, conv_bilinear_torch])
@pytest.mark.parametrize(("group", "ndim", "symmetric"), [("SU2", 2, True), ("SU3", 2, False), ("U2", 4, False)])
def test_gradients_of_the_fused_layer_agree_with_finite_differences(group, ndim, symmetric, form):
    field, links = small(group, ndim)
    paths = straight_paths(ndim, 2, symmetric)
    alpha = torch.randn(2, 2 * field.shape[1] + 1, 2 * field.shape[1] * len(paths) + 1, generator=generator()).double()
    agree(lambda w, u, a: loss(form(w, *transports(u, paths), 0.1 * a)), field, links, alpha)


@pytest.mark.parametrize(("group", "ndim"), [("SU2", 2), ("SU3", 2), ("U1", 4)])
def test_gradients_of_a_networks_loss_agree_with_finite_differences(group, ndim):
    """Through plaquettes, Polyakov loops, two layers, traces and a hidden layer: all weights and the links."""
    _, links = small(group, ndim)
    shapes = (LayerShape(2), LayerShape(2, 2, True))
    network = LCNN(shapes, ndim, links.shape[-1], polyakov=True, head=(3,), generator=generator()).double()
    call, weights = with_weights(network)
    agree(call, *weights, links)


def test_second_derivatives_of_the_torch_form_agree_with_finite_differences():
    field, links = small("SU2", 2, polyakov=False)
    paths = straight_paths(2, 2)
    alpha = torch.randn(2, 3, 7, generator=generator()).double()

    def squared_gradient(w, a):
        tracked = w if w.requires_grad else w.detach().requires_grad_()
        with torch.enable_grad():
            value = loss(conv_bilinear_torch(tracked, *transports(links, paths), a))
            gradient = torch.autograd.grad(value, tracked, create_graph=True)[0]
            return gradient.abs().square().sum()

    agree(squared_gradient, field, 0.3 * alpha)
