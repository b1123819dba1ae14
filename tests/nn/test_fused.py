"""The fused layer under automatic differentiation: derivatives, what is kept, which inputs it takes and refuses."""

import pytest
import torch
from nn.cases import fields_of, generator
from nn.fused_cases import by_torch, inputs, random_complex

from gaugeflow.errors import ConfigError, GeometryError
from gaugeflow.nn.conv_bilinear import conv_bilinear_torch
from gaugeflow.nn.fused import conv_bilinear_kernel
from gaugeflow.nn.fused_bilinear import LatticeConvBilinear
from gaugeflow.nn.paths import Transport


def tracked(*tensors):
    return [x.detach().requires_grad_() for x in tensors]


def layer_of(shifts):
    return lambda field, products, alpha: conv_bilinear_kernel(field, products, shifts, alpha)


@pytest.mark.parametrize(
    "case",
    [
        {"n": 2, "extents": (2, 2), "kernel_size": 2, "symmetric": True},
        {"n": 1, "extents": (5,), "kernel_size": 3, "symmetric": True},
        {"n": 3, "extents": (3,), "kernel_size": 3},
    ],
    ids=["SU(2)", "U(1)", "SU(3)"],
)
def test_first_and_second_derivatives_agree_with_finite_differences(case):
    field, products, shifts, alpha = inputs(**case, batch=1, n_in=1, n_out=1)
    arguments = tracked(field, products, alpha)
    assert torch.autograd.gradcheck(layer_of(shifts), arguments)
    if case["n"] < 3:
        assert torch.autograd.gradgradcheck(layer_of(shifts), arguments)


def test_repeated_calls_give_the_same_bits_on_any_number_of_threads():
    arguments = inputs(2, (32, 33), batch=1)
    first = by_torch(conv_bilinear_kernel, *arguments)
    threads = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            assert all(map(torch.equal, first, by_torch(conv_bilinear_kernel, *arguments)))
    finally:
        torch.set_num_threads(threads)


def test_inputs_may_lie_in_memory_as_they_like():
    field, products, shifts, alpha = inputs(2, (5, 3))
    wanted = by_torch(conv_bilinear_kernel, field, products, shifts, alpha)
    turned = field.movedim(1, -1).contiguous().movedim(-1, 1)
    conjugated = products.conj().clone().conj()
    assert not turned.is_contiguous()
    assert conjugated.is_conj()
    found = by_torch(
        conv_bilinear_kernel, turned, conjugated, shifts, alpha.permute(2, 0, 1).contiguous().permute(1, 2, 0)
    )
    assert all(map(torch.equal, wanted, found))
    field, products, alpha = tracked(field, products, alpha)
    out = conv_bilinear_kernel(field, products, shifts, alpha)
    gradient = random_complex(*out.shape, seed=4)
    spread = gradient.movedim(1, -1).contiguous().movedim(-1, 1)
    assert all(map(torch.equal, wanted[1:], torch.autograd.grad(out, (field, products, alpha), spread)))


@pytest.mark.parametrize("wanted", [(0,), (1,), (2,), (0, 2), (0, 1)], ids=str)
def test_gradients_that_are_not_asked_for_do_not_change_the_others(wanted):
    field, products, shifts, alpha = inputs(2, (5, 3))
    _, *all_gradients = by_torch(conv_bilinear_kernel, field, products, shifts, alpha)
    arguments = [x.detach().requires_grad_(k in wanted) for k, x in enumerate((field, products, alpha))]
    out = layer_of(shifts)(*arguments)
    found = torch.autograd.grad(out, [arguments[k] for k in wanted], random_complex(*out.shape, seed=4))
    assert all(torch.equal(x, all_gradients[k]) for k, x in zip(wanted, found, strict=True))


def test_only_the_inputs_are_kept_for_the_backward_pass():
    field, products, shifts, alpha = inputs(2, (8, 8))
    arguments, kept = tracked(field, products, alpha), []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.data_ptr()) or x, lambda x: x):
        layer_of(shifts)(*arguments)
    assert sorted(kept) == sorted(x.data_ptr() for x in arguments)


@pytest.mark.parametrize("dtype", [torch.complex128, torch.complex64])
def test_a_layer_on_the_processor_runs_on_kernels_and_gives_what_torch_gives(dtype):
    field, links = (x.to(dtype) for x in fields_of("SU2", 3))
    layer = LatticeConvBilinear(field.shape[1], 3, 3, 3, True, generator=generator()).to(field.real.dtype)
    out = layer(field, links.requires_grad_())
    assert "ConvBilinear" in out.grad_fn.name()
    gradient = random_complex(*out.shape, dtype=dtype)
    found = torch.autograd.grad(out, (links, layer.weight), gradient)
    layer.form = "torch"
    again = layer(field, links)
    wanted = torch.autograd.grad(again, (links, layer.weight), gradient)
    bound = 1e-13 if dtype == torch.complex128 else 3e-6
    for x, y in zip((out, *found), (again, *wanted), strict=True):
        assert (x - y).abs().max() < bound * y.abs().max()


def test_an_empty_batch_passes():
    field, products, shifts, alpha = inputs(2, (5, 3))
    arguments = tracked(field[:0], products[:0], alpha)
    out = layer_of(shifts)(*arguments)
    assert out.shape == (0, 3, 5, 3, 2, 2)
    assert float(torch.autograd.grad(out.abs().sum(), arguments[2])[0].abs().max()) == 0


def test_inputs_that_do_not_fit_are_refused():
    field, products, shifts, alpha = inputs(2, (5, 3))
    refused = (
        (GeometryError, "wanted both complex64", (field.to(torch.complex64), products, shifts, alpha)),
        (GeometryError, "wanted torch.float64", (field, products, shifts, alpha.float())),
        (GeometryError, "wanted \\(n_out, 5, 13\\)", (field, products, shifts, alpha[:, :, :-1])),
        (GeometryError, "a product that exists", (field, products[:, :1], shifts, alpha)),
        (GeometryError, "a displacement per direction", (field, products, (Transport((1,), 0), shifts[1]), alpha)),
        (GeometryError, "wanted \\[batch, channel", (field[..., :1], products, shifts, alpha)),
        (GeometryError, "wanted \\[batch, channel", (field, products[:, :, :4], shifts, alpha)),
        (ConfigError, "use form torch there", (field.to("meta"), products, shifts, alpha)),
    )
    for kind, words, arguments in refused:
        with pytest.raises(kind, match=words):
            conv_bilinear_kernel(*arguments)


def test_the_kernel_form_and_the_torch_form_share_second_derivatives():
    field, products, shifts, alpha = inputs(2, (3, 4), batch=1)
    found = []
    for form in (conv_bilinear_kernel, conv_bilinear_torch):
        arguments = tracked(field, products, alpha)
        out = form(*arguments[:2], shifts, arguments[2])
        first = torch.autograd.grad(out.abs().square().sum(), arguments, create_graph=True)
        found.append(torch.autograd.grad(sum(x.abs().square().sum() for x in first), arguments))
    for x, y in zip(*found, strict=True):
        assert (x - y).abs().max() < 1e-12 * y.abs().max()
