"""Random inputs of the fused layer, and its kernels called at their door with any width and number of threads."""

import torch

from gaugeflow.kernels.conv_bilinear import Shape, conv_bilinear
from gaugeflow.nn.paths import straight_paths, transports


def random_complex(*shape, dtype=torch.complex128, seed=1):
    return torch.randn(*shape, dtype=torch.complex128, generator=torch.Generator().manual_seed(seed)).to(dtype)


def random_links(n, extents, batch, dtype=torch.complex128):
    """Unitary matrices on a lattice whose axes t, .., x have these extents."""
    gaussian = random_complex(batch, len(extents), *extents, n, n, seed=2)
    return torch.linalg.qr(gaussian)[0].to(dtype).contiguous()


def random_weights(n_out, n_in, shifts, dtype=torch.complex128):
    shape = n_out, 2 * n_in + 1, 2 * n_in * (len(shifts) + 1) + 1
    drawn = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    return (drawn / (2 * n_in)).to(torch.float64 if dtype == torch.complex128 else torch.float32)


def inputs(n, extents, batch=2, n_in=2, n_out=3, kernel_size=2, symmetric=False, paths=None, dtype=torch.complex128):
    """(W, P, shifts, alpha)."""
    paths = straight_paths(len(extents), kernel_size, symmetric) if paths is None else paths
    products, shifts = transports(random_links(n, extents, batch, dtype), paths)
    field = random_complex(batch, n_in, *extents, n, n, dtype=dtype)
    return field, products.contiguous(), shifts, random_weights(n_out, n_in, shifts, dtype)


def kernels_of(field, products, shifts, alpha, width=None):
    """Kernels for these inputs."""
    batch, n_in, *extents, n, _ = field.shape
    precision = "float64" if field.dtype == torch.complex128 else "float32"
    paths = tuple((s.displacement[::-1], s.product, s.backward) for s in shifts)
    return conv_bilinear(Shape(n, precision, tuple(extents), batch, n_in, len(alpha), products.shape[1], paths, width))


def by_kernels(field, products, shifts, alpha, *, width=None, threads=1):
    """(W', dL/dW, dL/dP, dL/dalpha) for a gradient dL/dW' that depends on the shape alone."""
    kernels = kernels_of(field, products, shifts, alpha, width)
    out = torch.empty(field.shape[0], len(alpha), *field.shape[2:], dtype=field.dtype)
    gradient = random_complex(*out.shape, dtype=field.dtype, seed=4)
    back = [torch.zeros_like(x) for x in (field, products, alpha)]
    given = [x.data_ptr() for x in (field, products, alpha)]
    kernels.forward(*given, out.data_ptr(), threads)
    kernels.gradient(*given, gradient.data_ptr(), *(x.data_ptr() for x in back), threads)
    return out, *back


def by_torch(form, field, products, shifts, alpha):
    """The same from a function that torch differentiates."""
    tracked = [x.detach().requires_grad_() for x in (field, products, alpha)]
    out = form(*tracked[:2], shifts, tracked[2])
    gradient = random_complex(*out.shape, dtype=field.dtype, seed=4)
    return out.detach(), *torch.autograd.grad(out, tracked, gradient, materialize_grads=True)
