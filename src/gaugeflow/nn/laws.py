"""Laws that networks obey, to be called on layers and models of one's own; they need no test framework.

    assert_gauge_equivariant(model, links)
    assert_gauge_equivariant(layer, field, links, group="SU3", tolerance=1e-11)

A module says how its arguments and its result transform by `takes` (a tuple of `Kind`) and `gives`; for others pass
these two. Each law returns how far off the module is, relative to the largest element of its result, and raises
AssertionError with the place if that is more than the tolerance.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gaugeflow.errors import ConfigError
from gaugeflow.nn.lattice_symmetry import exchanged, reflected, rotated, site_axes, translated
from gaugeflow.nn.transformation import Kind, gauge_transform, random_rotations

TOLERANCES = {torch.complex128: 1e-11, torch.float64: 1e-11, torch.complex64: 1e-4, torch.float32: 1e-4}
"""Largest deviation, relative to the largest element, by precision of the result."""

Change = Callable[[Tensor, Kind], Tensor]
Module = Callable[..., Tensor]


def _kinds(module: Module, fields: Sequence[Tensor], takes, gives) -> tuple[tuple[Kind, ...], Kind]:
    takes = takes or getattr(module, "takes", None)
    gives = gives or getattr(module, "gives", None)
    if takes is None or gives is None or len(takes) != len(fields):
        raise ConfigError(
            f"law for {type(module).__name__}: got {len(fields)} fields, takes = {takes} and gives = {gives}; wanted "
            "one Kind for every field and one for the result, as attributes of the module or as arguments of the law"
        )
    return tuple(takes), gives


def _deviation(found: Tensor, wanted: Tensor, law: str, module: Module, tolerance: float | None) -> float:
    """Largest |found - wanted| over the largest |wanted|, if that is within the tolerance."""
    name = type(module).__name__
    if found.shape != wanted.shape:
        raise AssertionError(f"{name}, {law}: shapes {tuple(found.shape)} and {tuple(wanted.shape)} differ")
    limit = TOLERANCES[wanted.dtype] if tolerance is None else tolerance
    difference = (found - wanted).abs()
    scale = float(wanted.abs().max())
    off = float(difference.max()) / scale if scale > 0 else float(difference.max())
    if not off <= limit:  # NaN is a violation
        place = torch.unravel_index(torch.nan_to_num(difference, nan=torch.inf).argmax(), difference.shape)
        index = tuple(int(i) for i in place)
        raise AssertionError(
            f"{name} is not {law}: off by {off:.3g} of the largest element {scale:.3g}, wanted at most {limit:.3g}; "
            f"largest at index {index} of {tuple(wanted.shape)}: got {found[index]}, wanted {wanted[index]}"
        )
    return off


def _commutes(module, fields, change: Change, law: str, tolerance, takes, gives) -> float:
    """module(change(fields)) = change(module(fields))."""
    takes, gives = _kinds(module, fields, takes, gives)
    with torch.no_grad():
        wanted = change(module(*fields), gives)
        found = module(*(change(field, kind) for field, kind in zip(fields, takes, strict=True)))
    return _deviation(found, wanted, law, module, tolerance)


def assert_gauge_equivariant(
    module: Module,
    *fields: Tensor,
    group: str | None = None,
    seed: int = 1,
    tolerance: float | None = None,
    takes: Sequence[Kind] | None = None,
    gives: Kind | None = None,
) -> float:
    """f(Omega . U) = Omega . f(U) for a random gauge transformation Omega, drawn from the seed.

    fields      arguments of the module, complex64 or complex128
    group       where Omega lies, U2, SU3, ..; SU(N), or U(1), of the fields' matrix size if it is left out
    tolerance   relative to the largest element; 1e-11 in double, 1e-4 in single precision if it is left out

    Raises AssertionError with how far off and where.
    """
    kinds, _ = _kinds(module, fields, takes, gives)
    matrices = [field for field, kind in zip(fields, kinds, strict=True) if kind is not Kind.INVARIANT]
    if not matrices:
        return 0.0
    n = matrices[0].shape[-1]
    name = group or ("U1" if n == 1 else f"SU{n}")
    generator = torch.Generator().manual_seed(seed)
    omega = random_rotations(name, matrices[0], generator)
    change: Change = lambda field, kind: gauge_transform(field, kind, omega)  # noqa: E731
    return _commutes(module, fields, change, f"gauge equivariant under {name}", tolerance, takes, gives)


def assert_translation_equivariant(
    module: Module,
    *fields: Tensor,
    tolerance: float | None = None,
    takes: Sequence[Kind] | None = None,
    gives: Kind | None = None,
) -> float:
    """f(U moved) = f(U) moved, for one step in every direction; arguments as for `assert_gauge_equivariant`."""
    ndim = _dimensions(module, fields, takes, gives)
    off = 0.0
    for mu in range(ndim):
        steps = [int(nu == mu) for nu in range(ndim)]
        change: Change = lambda field, kind, steps=steps: translated(field, kind, steps)  # noqa: E731
        law = f"translation equivariant in direction {mu}"
        off = max(off, _commutes(module, fields, change, law, tolerance, takes, gives))
    return off


def assert_reflection_equivariant(
    module: Module,
    *fields: Tensor,
    tolerance: float | None = None,
    takes: Sequence[Kind] | None = None,
    gives: Kind | None = None,
) -> float:
    """f(U in a mirror) = f(U) in a mirror, for x_mu -> -x_mu in every direction.

    Channels are taken as scalars (see `lattice_symmetry`), so this holds where paths and weights are symmetric, and for
    averages over the lattice. Arguments as for `assert_gauge_equivariant`.
    """
    off = 0.0
    for mu in range(_dimensions(module, fields, takes, gives)):
        change: Change = lambda field, kind, mu=mu: reflected(field, kind, mu)  # noqa: E731
        law = f"reflection equivariant in direction {mu}"
        off = max(off, _commutes(module, fields, change, law, tolerance, takes, gives))
    return off


def assert_rotation_equivariant(
    module: Module,
    *fields: Tensor,
    tolerance: float | None = None,
    takes: Sequence[Kind] | None = None,
    gives: Kind | None = None,
) -> float:
    """f(U turned) = f(U) turned, and the same for two directions exchanged, in every plane.

    Channels are taken as scalars, as in `assert_reflection_equivariant`.
    """
    ndim = _dimensions(module, fields, takes, gives)
    off = 0.0
    for mu in range(ndim):
        for nu in range(mu + 1, ndim):
            for turn, name in ((rotated, "rotation"), (exchanged, "exchange")):
                change: Change = lambda field, kind, mu=mu, nu=nu, turn=turn: turn(field, kind, mu, nu)  # noqa: E731
                law = f"{name} equivariant in the plane {mu}, {nu}"
                off = max(off, _commutes(module, fields, change, law, tolerance, takes, gives))
    return off


def _dimensions(module: Module, fields: Sequence[Tensor], takes, gives) -> int:
    """D of the fields."""
    kinds, _ = _kinds(module, fields, takes, gives)
    return max(site_axes(field, kind) for field, kind in zip(fields, kinds, strict=True))
