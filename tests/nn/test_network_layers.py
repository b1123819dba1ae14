"""What single layers promise: group, conjugates, equal forms, paths, Polyakov loops, stored weights, clear errors."""

import pytest
import torch
from nn.cases import CASES, GROUPS, fields_of, generator, links_of

from gaugeflow.errors import ConfigError, GeometryError
from gaugeflow.nn.activation import LatticeActivation
from gaugeflow.nn.bilinear import Bilinear
from gaugeflow.nn.exponential import LatticeExponential
from gaugeflow.nn.fused_bilinear import LatticeConvBilinear
from gaugeflow.nn.inputs import LoopInputs, plaquettes, polyakov_loops
from gaugeflow.nn.lattice_convolution import LatticeConvolution
from gaugeflow.nn.lcnn import LCNN, LayerShape
from gaugeflow.nn.matrices import antihermitian, trace
from gaugeflow.nn.paths import displacement, straight_paths, transporters
from gaugeflow.nn.trace import TraceHead

SYMMETRIC = ((), (1,), (-1,), (2,), (-2,), (1, 1))


@pytest.mark.parametrize(("group", "ndim"), CASES)
def test_moved_links_stay_in_the_group(group, ndim):
    field, links = fields_of(group, ndim)
    special = group.startswith("SU")
    layer = LatticeExponential(field.shape[1], ndim, special, init=3.0, generator=generator()).double()
    moved = layer(field, links)
    assert (moved @ moved.mH - torch.eye(links.shape[-1])).abs().max() < 1e-12
    determinant = torch.linalg.det(moved)
    assert (determinant.abs() - 1).abs().max() < 1e-12
    if special:
        assert (determinant - 1).abs().max() < 1e-12
    else:
        assert (determinant - torch.linalg.det(links)).abs().max() > 1e-2
    assert (moved - links).abs().max() > 1e-2


def test_without_weights_links_stay_where_they_are():
    field, links = fields_of("SU3", 2)
    assert torch.equal(LatticeExponential(3, 2, True, init=0.0).double()(field, links), links)


@pytest.mark.parametrize("traceless", [True, False])
def test_the_anti_hermitian_part_lies_in_the_algebra(traceless):
    field, _ = fields_of("U2", 2)
    found = antihermitian(field, traceless)
    assert (found + found.mH).abs().max() < 1e-15
    hermitian = (field + field.mH) / 2
    trace_part = field - hermitian - found
    assert (trace_part - trace(trace_part)[..., None, None] / 2 * torch.eye(2)).abs().max() < 1e-15
    assert (float(trace(found).abs().max()) < 1e-14) is traceless


@pytest.mark.parametrize(("group", "ndim"), CASES)
def test_all_pairs_and_contracted_first_are_the_same_layer(group, ndim):
    field, links = fields_of(group, ndim)
    layer = LatticeConvBilinear(field.shape[1], 3, ndim, 2, True, generator=generator()).double()
    found = {}
    for form in ("pairs", "torch", "auto", "kernel"):
        layer.form = form
        found[form] = layer(field, links)
    scale = found["pairs"].abs().max()
    assert (found["torch"] - found["pairs"]).abs().max() < 1e-13 * scale
    assert (found["kernel"] - found["pairs"]).abs().max() < 1e-13 * scale
    assert torch.equal(found["auto"], found["kernel"])


def test_the_fused_layer_is_a_convolution_and_a_product():
    """L-Conv with one output per (path, channel), then L-Bilin, is L-CB."""
    field, links = fields_of("SU3", 2)
    fused = LatticeConvBilinear(3, 2, 2, paths=SYMMETRIC, generator=generator()).double()
    spread = LatticeConvolution(3, 3 * len(SYMMETRIC), 2, paths=SYMMETRIC).double()
    product = Bilinear(3, 3 * len(SYMMETRIC), 2).double()
    with torch.no_grad():
        spread.weight.copy_(torch.eye(3 * len(SYMMETRIC)).reshape(-1, len(SYMMETRIC), 3).transpose(1, 2))
        product.weight.copy_(fused.weight)
    assert (product(field, spread(field, links)) - fused(field, links)).abs().max() < 1e-13


def test_conjugates_of_fields_are_conjugates_of_convolutions():
    """L-Conv(W^dagger) = L-Conv(W)^dagger, for weights are real."""
    field, links = fields_of("SU3", 2)
    layer = LatticeConvolution(3, 2, 2, paths=SYMMETRIC, generator=generator()).double()
    assert (layer(field.mH, links) - layer(field, links).mH).abs().max() < 1e-13


@pytest.mark.parametrize("group", ["SU3", "U2"])
def test_conjugate_channels_exchange_with_their_weights(group):
    """The layer of W^dagger is that of W with the weights of W_c and W_c^dagger exchanged, in both factors."""
    field, links = fields_of(group, 2)
    layer = LatticeConvBilinear(3, 2, 2, 2, True, generator=generator()).double()
    wanted = layer(field, links)
    rows, columns = 3, 3 * len(layer.paths)
    with torch.no_grad():
        first, second, unit = layer.weight.split((rows, rows, 1), 1)
        exchanged = torch.cat([second, first, unit], 1)
        first, second, unit = exchanged.split((columns, columns, 1), 2)
        layer.weight.copy_(torch.cat([second, first, unit], 2))
    assert (layer(field.mH, links) - wanted).abs().max() < 1e-13


def test_charge_conjugation_conjugates_every_layer():
    """f(U*) = f(U)*: weights are real, so Re Tr W stays and Im Tr W changes its sign."""
    field, links = fields_of("SU3", 2)
    layer = LatticeConvBilinear(3, 2, 2, 2, True, generator=generator()).double()
    assert (layer(field.conj(), links.conj()) - layer(field, links).conj()).abs().max() < 1e-13


def test_a_contraction_is_the_sum_of_all_products():
    field, _ = fields_of("U2", 2)
    one = torch.eye(2).expand(field[:, 0].shape)
    first = torch.stack([field[:, 0], field[:, 1], field[:, 0].mH, field[:, 1].mH, one], 1)
    second = torch.stack([field[:, 1], field[:, 2], field[:, 1].mH, field[:, 2].mH, one], 1)
    layer = Bilinear(2, 2, 3).double()
    alpha = torch.randn(3, 5, 5, dtype=torch.float64, generator=generator())
    wanted = sum(
        alpha[None, :, i, j, None, None, None, None] * (first[:, i] @ second[:, j])[:, None]
        for i in range(5)
        for j in range(5)
    )
    with torch.no_grad():
        layer.weight.copy_(alpha)
    assert (layer(field[:, :2], field[:, 1:]) - wanted).abs().max() < 1e-13


@pytest.mark.parametrize("group", GROUPS)
def test_activations_scale_by_their_invariant(group):
    field, _ = fields_of(group, 2)
    found = LatticeActivation()(field)
    positive = trace(field).real > 0
    assert positive.any()
    assert not positive.all()
    assert (found[~positive] == 0).all()
    assert torch.allclose(found[positive], trace(field).real[positive][:, None, None] * field[positive])


def walked(links, path, x):
    """Product of links along a path from a site x (x, .., t order), step by step; first of the batch."""
    ndim, place = links.shape[1], list(x)
    sizes = list(reversed(links.shape[2:-2]))
    out = torch.eye(links.shape[-1], dtype=links.dtype)
    for step in path:
        mu = abs(step) - 1
        if step < 0:
            place[mu] = (place[mu] - 1) % sizes[mu]
        link = links[(0, mu, *reversed(place))]
        out = out @ (link if step > 0 else link.mH)
        if step > 0:
            place[mu] = (place[mu] + 1) % sizes[mu]
    assert len(place) == ndim
    return out


@pytest.mark.parametrize("ndim", [2, 3, 4])
def test_transporters_and_loops_are_products_walked_link_by_link(ndim):
    links = links_of("SU3", ndim, batch=1)
    sizes = list(reversed(links.shape[2:-2]))
    paths = [*straight_paths(ndim, 3, True), (1, 2), (-2, 1, 1), (2, -1, -2)]
    lines = transporters(links, paths)
    x = [size - 1 for size in sizes]
    at = tuple(reversed(x))
    for k, path in enumerate(path for path in paths if path):
        assert torch.allclose(lines[(0, k, *at)], walked(links, path, x), rtol=0, atol=1e-14), path
    planes = [(mu, nu) for mu in range(ndim) for nu in range(mu + 1, ndim)]
    for k, (mu, nu) in enumerate(planes):
        wanted = walked(links, (mu + 1, nu + 1, -mu - 1, -nu - 1), x)
        assert torch.allclose(plaquettes(links)[(0, k, *at)], wanted, rtol=0, atol=1e-14)
    for mu, size in enumerate(sizes):
        wanted = walked(links, (mu + 1,) * size, x)
        assert torch.allclose(polyakov_loops(links)[(0, mu, *at)], wanted, rtol=0, atol=1e-14)


def test_forward_links_are_their_own_transporters():
    links = links_of("SU2", 3)
    assert transporters(links, straight_paths(3, 2)) is links
    assert displacement((1, 1, -2), 3) == (2, -1, 0)


def test_stored_weights_make_the_same_network():
    links = links_of("SU2", 2)
    shapes = (LayerShape(2), LayerShape(2, 3, True))
    first, second = (LCNN(shapes, 2, 2, head=(4,), generator=generator(seed)).double() for seed in (1, 2))
    assert not torch.equal(first(links), second(links))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(links), second(links))


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh", "gelu", "identity"])
def test_a_head_applies_its_layers_site_by_site(activation):
    field, _ = fields_of("SU3", 2)
    head = TraceHead(3, (4,), 2, activation, generator=generator()).double()
    first, second = head.head.weights
    inner, outer = head.head.biases
    with torch.no_grad():
        inner += 0.1
        outer += 0.2
    function = {"identity": lambda values: values, "leaky_relu": torch.nn.functional.leaky_relu}.get(activation)
    function = function or getattr(torch, activation, None) or torch.nn.functional.gelu
    for b, t, x in ((0, 0, 0), (1, 3, 4)):
        z = trace(field[b, :, t, x])
        wanted = second @ function(first @ torch.cat([z.real, z.imag]) + inner) + outer
        assert torch.allclose(head(field)[b, :, t, x], wanted, rtol=0, atol=1e-13)


def test_first_weights_are_a_function_of_the_seed():
    make = lambda seed: LCNN((LayerShape(4),), 2, 2, head=(4,), generator=generator(seed))  # noqa: E731
    same = zip(make(1).parameters(), make(1).parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)


def test_first_weights_keep_the_size_of_what_they_sum():
    g = generator()
    for layer, terms in (
        (LatticeConvBilinear(8, 64, 2, init=2.0, generator=g), 17 * 49),
        (LatticeConvolution(64, 64, 2, init=2.0, generator=g), 64 * 3),
        (Bilinear(8, 8, 64, init=2.0, generator=g), 17 * 17),
        (LatticeExponential(5000, 4, True, init=2.0, generator=g), 5000),
    ):
        assert layer.weight.std().item() == pytest.approx(2 / terms**0.5, rel=0.03)


def test_the_network_of_the_literature_has_its_number_of_weights():
    """197 of the small network for W(1x2): two layers of 2 channels, K = 2, a hidden layer of 4 (arXiv:2012.12901)."""
    network = LCNN((LayerShape(2), LayerShape(2)), 2, 2, head=(4,))
    assert sum(parameter.numel() for parameter in network.parameters()) == 197


def test_what_does_not_fit_is_refused_with_reasons():
    field, links = fields_of("SU2", 2)
    network = LCNN((LayerShape(2),), 2, 2, generator=generator())
    layer = LatticeConvBilinear(3, 2, 2).double()
    cases = (
        (GeometryError, "wanted one precision", lambda: network(links)),
        (GeometryError, "N = 3, wanted N = 2", lambda: network(links_of("SU3", 2))),
        (GeometryError, "wanted complex", lambda: network(links_of("SU2", 3))),
        (GeometryError, "3 channels", lambda: layer(field[:, :2], links)),
        (GeometryError, "beside links", lambda: layer(field[..., :-1, :, :], links)),
        (GeometryError, "beside links", lambda: layer(field.to(torch.complex64), links)),
        (ConfigError, "both off", lambda: LoopInputs(2, False, False)),
        (ConfigError, "no layers", lambda: LCNN((), 2, 2)),
        (ConfigError, "kernel_size = 0", lambda: LatticeConvolution(1, 1, 2, 0)),
        (ConfigError, r"steps \+-1", lambda: LatticeConvolution(1, 1, 2, paths=((), (3,)))),
        (ConfigError, "the first is", lambda: LatticeConvolution(1, 1, 2, paths=((1,), ()))),
        (ConfigError, "form 'fast'", lambda: LatticeConvBilinear(3, 2, 2, form="fast").double()(field, links)),
    )
    for kind, message, call in cases:
        with pytest.raises(kind, match=message):
            call()
