"""The fused L-CB layer, forward and forward + backward: kernels beside contracted-first torch and all pairs by einsum.

python benchmarks/lcnn_layer.py [--threads 1] [--forms kernel,torch,pairs] [--quick] [--out FOLDER]

A: SU(2) 32^2, 10 lattices, 2 -> 8 channels; B: SU(3) 8^4, one lattice, 6 -> 4; kernel size 2. Gradients of W, U, alpha.
Times are minima of processor time on one thread and of wall time on more; autograd and Python are in them. The share of
the peak is that of useful operations (`flop`) of the multiply-add rate measured in the same process; memory is what a
forward and backward pass needs above its inputs and the kernels' scratch, the output and the gradients among it.
"""

import ctypes
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import store
import torch

from gaugeflow.kernels.limits import measure_flop
from gaugeflow.kernels.targets.lanes import native_width
from gaugeflow.nn.conv_bilinear import conv_bilinear_pairs, conv_bilinear_torch
from gaugeflow.nn.fused import PRECISIONS, REALS, conv_bilinear_kernel
from gaugeflow.nn.paths import straight_paths, transports

FORMS = {"kernel": conv_bilinear_kernel, "torch": conv_bilinear_torch, "pairs": conv_bilinear_pairs}
MIB = 1 << 20


@dataclass(frozen=True)
class Case:
    """One layer on one lattice."""

    n: int
    extents: tuple[int, ...]
    batch: int
    n_in: int
    n_out: int

    @property
    def sites(self) -> int:
        """Of all lattices."""
        return self.batch * int(torch.Size(self.extents).numel())

    def flop(self) -> tuple[int, int]:
        """(forward, forward + backward) operations a site, multiply-adds counted as two.

        N x N products 8 N^3: two per transport and channel, two per input and output channel; mixing 2 N^2 per weight,
        halved by hermitian parts. Backward: transports and mixing again, then twice what forward takes of each.
        """
        n, transported = self.n, len(self.extents)
        transports_ = 2 * self.n_in * transported * 8 * n**3
        mixing = 2 * self.n_out * (2 * self.n_in + 1) * (2 * self.n_in * (transported + 1) + 1) * n**2
        products = 2 * self.n_in * self.n_out * 8 * n**3
        forward = transports_ + mixing + products
        return forward, forward + 3 * transports_ + 3 * mixing + 2 * products

    def bytes(self, dtype: torch.dtype) -> tuple[int, int]:
        """Compulsory bytes a site: read W and U, write W'; backward reads W, U and G and writes dW and dU."""
        fields = self.n_in + len(self.extents)
        size = self.n**2 * dtype.itemsize
        return size * (fields + self.n_out), size * (3 * fields + 2 * self.n_out)


CASES = {"A": Case(2, (32, 32), 10, 2, 8), "B": Case(3, (8, 8, 8, 8), 1, 6, 4)}
QUICK = {"A": Case(2, (8, 8), 2, 2, 3), "B": Case(2, (3, 3, 3, 3), 1, 1, 2)}


def inputs(case: Case, dtype: torch.dtype):
    """(W, U, alpha) with gradients wanted."""
    g = torch.Generator().manual_seed(1)

    def gaussian(*shape):
        return torch.randn(*shape, dtype=torch.complex128, generator=g)

    ndim, n = len(case.extents), case.n
    links = torch.linalg.qr(gaussian(case.batch, ndim, *case.extents, n, n))[0].to(dtype).contiguous()
    field = gaussian(case.batch, case.n_in, *case.extents, n, n).to(dtype)
    shape = case.n_out, 2 * case.n_in + 1, 2 * case.n_in * (ndim + 1) + 1
    alpha = (torch.randn(shape, dtype=torch.float64, generator=g) / (2 * case.n_in)).to(REALS[dtype])
    return [x.requires_grad_() for x in (field, links, alpha)]


def least_seconds(call: Callable[[], object], seconds: float, clock: Callable[[], float]) -> float:
    """Least time of a call, for at least three calls and about `seconds`."""
    call()
    times: list[float] = []
    while len(times) < 3 or sum(times) < seconds:
        began = clock()
        call()
        times.append(clock() - began)
    return min(times)


def peak_above(call: Callable[[], object]) -> int:
    """Bytes by which the largest resident memory during a call exceeds that before it."""
    call()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed is not resident any more
    status = Path("/proc/self/status")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from what is resident now

    def kilobytes(name):
        return int(re.search(rf"{name}:\s+(\d+) kB", status.read_text())[1])

    before = kilobytes("VmRSS")
    call()
    return 1024 * max(0, kilobytes("VmHWM") - before)


def measure(form: str, case: Case, dtype: torch.dtype, threads: int, seconds: float) -> dict[str, float]:
    """us a site and bytes of one form of the layer."""
    field, links, alpha = inputs(case, dtype)
    paths = straight_paths(len(case.extents), 2)
    clock = time.thread_time if threads == 1 else time.perf_counter
    torch.set_num_threads(threads)

    def forward():
        return FORMS[form](field, *transports(links, paths), alpha)

    gradient = torch.ones(case.batch, case.n_out, *case.extents, case.n, case.n, dtype=dtype)

    def both():
        return torch.autograd.grad(forward(), (field, links, alpha), gradient)

    with torch.no_grad():
        one_way = least_seconds(forward, seconds, clock)
    there_and_back = least_seconds(both, seconds, clock)
    return {
        "forward_us": one_way / case.sites * 1e6,
        "both_us": there_and_back / case.sites * 1e6,
        "memory_bytes": peak_above(both),
    }


def main() -> None:
    """Measure, print and keep."""
    parser = store.parser(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--forms", default=",".join(FORMS))
    options = parser.parse_args()
    cases, seconds = (QUICK, 0.01) if options.quick else (CASES, 0.5)
    rows = []
    for dtype, precision in PRECISIONS.items():
        peak = measure_flop(native_width(precision), options.threads, precision=precision)
        print(f"{precision}, {options.threads} threads: {peak / 1e9:.0f} GFLOP/s of multiply-adds")
        for name, case in cases.items():
            flop, moved = case.flop(), case.bytes(dtype)
            print(f"  {name}: {flop[0] / 1e3:.1f}, {flop[1] / 1e3:.1f} kflop and {moved[0]}, {moved[1]} bytes a site")
            for form in options.forms.split(","):
                found = measure(form, case, dtype, options.threads, seconds)
                share = [f / (found[k] * 1e-6) / peak for f, k in zip(flop, ("forward_us", "both_us"), strict=True)]
                rows.append({"case": name, "precision": precision, "form": form, "threads": options.threads} | found)
                rows[-1] |= {"forward_share": share[0], "both_share": share[1]}
                print(
                    f"     {form:8s} forward {found['forward_us']:8.3f} us a site ({share[0]:6.1%} of peak), "
                    f"with backward {found['both_us']:8.3f} ({share[1]:6.1%}), {found['memory_bytes'] / MIB:6.1f} MiB"
                )
    store.write(options.out, f"lcnn_layer_{options.threads}threads", {"rows": rows})


if __name__ == "__main__":
    main()
