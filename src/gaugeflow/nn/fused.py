"""The fused L-CB on the CPU: compiled kernels under PyTorch's automatic differentiation.

Only W, P and alpha are kept for the backward pass, which computes everything else again block by block. Values do not
depend on the number of threads (`torch.get_num_threads`). Gradients of gradients take the way of the plain torch form.
"""

import functools

import torch
from torch import Tensor

from gaugeflow.errors import ConfigError, GeometryError
from gaugeflow.kernels.conv_bilinear import Shape, conv_bilinear
from gaugeflow.nn.conv_bilinear import Shifts, conv_bilinear_torch

PRECISIONS = {torch.complex64: "float32", torch.complex128: "float64"}
REALS = {torch.complex64: torch.float32, torch.complex128: torch.float64}


def runs_on_kernels(field: Tensor) -> bool:
    """Whether `conv_bilinear_kernel` takes such a field: in this machine's memory, complex64 or complex128."""
    return field.device.type == "cpu" and field.dtype in PRECISIONS


def conv_bilinear_kernel(field: Tensor, products: Tensor, shifts: Shifts, alpha: Tensor) -> Tensor:
    """W'_a = sum_ij alpha_aij A_i B_j by compiled kernels; arguments and order as in `nn.conv_bilinear`.

    Flops a site, a multiply-add counted as two, T = number of shifts, I = 2 n_in + 1, m = n_in (T + 1):
    transports 16 N^3 n_in T, mixing 2 n_out I (2 m + 1) N^2, products 16 N^3 n_in n_out. Backward computes transports
    and mixing again, and costs two more of each step, 300 kflop forward and backward for SU(3) in 4D, 6 -> 4 channels.

    Raises    ConfigError for tensors on another device; GeometryError for shapes and types that do not fit
    """
    _check(field, products, shifts, alpha)
    return _ConvBilinear.apply(field, products, alpha, tuple(shifts))


class _ConvBilinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, field, products, alpha, shifts):
        ctx.save_for_backward(field, products, alpha)
        ctx.shifts = shifts
        field, products, alpha = _in_memory(field), _in_memory(products), _in_memory(alpha)
        kernels = _kernels(field, products, alpha, shifts)
        out = torch.empty((field.shape[0], alpha.shape[0], *field.shape[2:]), dtype=field.dtype)
        if out.numel():
            pointers = (x.data_ptr() for x in (field, products, alpha, out))
            kernels.forward(*pointers, torch.get_num_threads())
        return out

    @staticmethod
    def backward(ctx, gradient):
        wanted = ctx.needs_input_grad[:3]
        if torch.is_grad_enabled():
            return (*_differentiable(ctx.saved_tensors, ctx.shifts, gradient, wanted), None)
        field, products, alpha = map(_in_memory, ctx.saved_tensors)
        gradient = _in_memory(gradient)
        kernels = _kernels(field, products, alpha, ctx.shifts)
        links = wanted[1] and bool(ctx.shifts)
        back = torch.zeros_like(field) if wanted[0] or links else None
        products_back = torch.zeros_like(products) if wanted[1] else None
        alpha_back = torch.zeros_like(alpha)
        if gradient.numel():
            kernels.gradient(
                *(x.data_ptr() for x in (field, products, alpha, gradient)),
                0 if back is None else back.data_ptr(),
                products_back.data_ptr() if links else 0,
                alpha_back.data_ptr(),
                torch.get_num_threads(),
            )
        return back if wanted[0] else None, products_back, alpha_back if wanted[2] else None, None


def _differentiable(inputs, shifts, gradient, wanted):
    """Gradients as functions of everything, through the form that torch differentiates by itself."""
    with torch.enable_grad():
        out = conv_bilinear_torch(*inputs[:2], shifts, inputs[2])
        asked = [x for x, want in zip(inputs, wanted, strict=True) if want]
        found = iter(torch.autograd.grad(out, asked, gradient, create_graph=True, allow_unused=True))
    return tuple(next(found) if want else None for want in wanted)


def _in_memory(x: Tensor) -> Tensor:
    """The numbers one after the other, with no conjugation or sign left for later."""
    return x.detach().resolve_conj().resolve_neg().contiguous()


def _kernels(field, products, alpha, shifts):
    return _kernels_of(field.shape, PRECISIONS[field.dtype], products.shape[1], alpha.shape[0], shifts)


@functools.lru_cache(maxsize=64)
def _kernels_of(sizes, precision, products, outputs, shifts):
    lattices, channels, *extents, n, _ = sizes
    paths = tuple((tuple(reversed(s.displacement)), s.product, s.backward) for s in shifts)
    return conv_bilinear(Shape(n, precision, tuple(extents), lattices, channels, outputs, products, paths))


def _check(field, products, shifts, alpha):
    for name, x in (("field", field), ("products", products), ("alpha", alpha)):
        if x.device.type != "cpu":
            raise ConfigError(f"L-CB by kernels: {name} is on {x.device}, wanted the CPU; use form torch there")
    where = f"field {tuple(field.shape)} {field.dtype}, products {tuple(products.shape)} {products.dtype}"
    if field.dtype not in PRECISIONS or products.dtype != field.dtype:
        raise GeometryError(f"L-CB by kernels: got {where}; wanted both complex64 or both complex128")
    if alpha.dtype != REALS[field.dtype]:
        raise GeometryError(
            f"L-CB by kernels: got weights in {alpha.dtype} and fields in {field.dtype}, wanted {REALS[field.dtype]}"
        )
    good = field.ndim >= 5 and field.shape[-1] == field.shape[-2] and field.shape[1] > 0
    good = good and products.shape[:1] + products.shape[2:] == field.shape[:1] + field.shape[2:]
    ndim = field.ndim - 4
    good = good and all(len(s.displacement) == ndim and 0 <= s.product < products.shape[1] for s in shifts)
    if not good:
        raise GeometryError(
            f"L-CB by kernels: got {where} and shifts {list(shifts)}; wanted [batch, channel, t .. x, N, N], "
            "[batch, product, t .. x, N, N] and a displacement per direction with a product that exists"
        )
    channels = field.shape[1]
    wanted = (2 * channels + 1, 2 * channels * (len(shifts) + 1) + 1)
    if alpha.ndim != 3 or tuple(alpha.shape[1:]) != wanted or alpha.shape[0] < 1:
        raise GeometryError(
            f"L-CB by kernels: got weights {tuple(alpha.shape)}, wanted (n_out, {wanted[0]}, {wanted[1]})"
        )
