"""Plaquettes of U(1), SU(2) and U(2) whose product is given, by halving; the weights of `samplers.characters`.

A class of this module offers, for one coupling,

    uniforms                               how many a halving takes
    halve(first, second, product, u)       X of the product X Y of `first` and `second` plaquettes, rows at once
    commutator_weight(volume, element)     K_V(C) / K_V(1) <= 1 of a commutator C
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gaugeflow.samplers import elements, fourier
from gaugeflow.samplers.characters import character_recursion, class_angle, halve_su2, su2_ratios, u1_ratios, u2_ratios

ROWS = 2048
"""Halvings computed at once: their grids stay in the cache."""


def _power(ratios: np.ndarray, count: int) -> np.ndarray:
    """Ratios to a power, without what is negligible."""
    out = ratios**count
    keep = [int(axis.max()) + 1 for axis in np.nonzero(out > fourier.NEGLIGIBLE)]
    return out[tuple(slice(k) for k in keep)]


@dataclass(frozen=True)
class U1Products:
    """Angles."""

    beta: float
    uniforms = 1

    def halve(self, first, second, product, u):
        """X has density K_first(X) K_second(C - X)."""
        left, right = _power(u1_ratios(self.beta), first), _power(u1_ratios(self.beta), second)
        modes = len(left) + len(right) - 2
        points = fourier.grid_size(modes)
        turned = right * np.exp(-1j * np.arange(len(right)) * product[0][:, None])
        values = fourier.on_grid(left, points) * fourier.on_grid(turned, points)
        return fourier.draw(values, modes, u[0])[None]

    def commutator_weight(self, volume, element):
        """A commutator is one."""
        return np.ones(element.shape[1:])


@dataclass(frozen=True)
class SU2Products:
    """Quaternions."""

    beta: float
    uniforms = 3

    def halve(self, first, second, product, u):
        """Class angle, distance from the product and azimuth around it."""
        left, right = (_power(su2_ratios(self.beta), count)[:, None] for count in (first, second))
        return halve_su2(left, right, product, u)

    def commutator_weight(self, volume, element):
        """sum_d d z_d^V chi_d(C) / sum_d d^2 z_d^V."""
        return _class_function(_power(su2_ratios(self.beta), volume), class_angle(element))


@dataclass(frozen=True)
class U2Products:
    """Phases and quaternions, a double cover."""

    beta: float
    uniforms = 4

    def halve(self, first, second, product, u):
        """The phase from sum_d d A_d(phi) B_d(phi_C - phi) chi_d(gamma), then as SU(2) with A_d and B_d."""
        left, right = (_power(u2_ratios(self.beta), count) for count in (first, second))
        both = min(left.shape[1], right.shape[1])
        modes = left.shape[0] + right.shape[0] - 2
        points = fourier.grid_size(modes)
        characters = character_recursion(class_angle(product[1:]), both)
        turn = np.exp(-1j * np.arange(len(right)) * product[0][:, None])
        values = np.zeros((product.shape[1], points))
        for d in range(both):
            weighted = (d + 1) * characters[d][:, None] * fourier.on_grid(left[:, d], points)
            values += weighted * fourier.on_grid(right[:, d] * turn, points)
        phase = fourier.draw(values, modes, u[0])
        near, far = _at_phase(left, phase), _at_phase(right, product[0] - phase)
        return np.concatenate([phase[None], halve_su2(near, far, product[1:], u[1:])])

    def commutator_weight(self, volume, element):
        """sum_d d A_d(0) chi_d(C) / sum_d d^2 A_d(0); phases cancel in a commutator."""
        return _class_function(
            _at_phase(_power(u2_ratios(self.beta), volume), np.zeros(1))[:, 0], class_angle(element[1:])
        )


def _at_phase(ratios, phase):
    """A_d(phi) = sum_q z_qd e^{i q phi} over both signs of q, (D, rows)."""
    out = np.repeat(ratios[0][:, None], len(phase), 1)
    for q in range(1, len(ratios)):
        out += 2 * ratios[q][:, None] * np.cos(q * phase)
    return out


def _class_function(coefficients, gamma):
    """sum_d d c_d chi_d(gamma) over its value at one."""
    d = np.arange(1, len(coefficients) + 1)
    flat = gamma.ravel()
    weighted = (d * coefficients)[:, None] * character_recursion(flat, len(d))
    return (weighted.cumsum(0)[-1] / (d * d * coefficients).sum()).reshape(gamma.shape)


PRODUCTS = {"U1": U1Products, "SU2": SU2Products, "U2": U2Products}


def split_product(weights, product: np.ndarray, count: int, uniforms: Callable[..., np.ndarray]) -> np.ndarray:
    """`count` plaquettes (components, chains, count) whose ordered product is `product` (components, chains).

    weights    one of PRODUCTS at its coupling
    uniforms   (positions) -> (weights.uniforms, chains, len(positions)) for the cuts in front of these positions
    """
    out = np.empty((*product.shape, count))
    waiting = {count: (np.zeros(1, int), product[..., None])}
    while waiting:
        size = max(waiting)
        start, whole = waiting.pop(size)
        if size == 1:
            out[..., start] = whole
            continue
        first, second = size // 2, size - size // 2
        left = _halve_all(weights, first, second, whole, uniforms(start + first))
        for part, where, what in (
            (first, start, left),
            (second, start + first, elements.product(elements.inverse(left), whole)),
        ):
            known = waiting.get(part, (where[:0], what[..., :0]))
            waiting[part] = np.append(known[0], where), np.append(known[1], what, -1)
    return out


def _halve_all(weights, first, second, whole, uniforms):
    """X of every product of `whole` (components, chains, n), some rows at a time."""
    rows, u = whole.reshape(len(whole), -1), uniforms.reshape(len(uniforms), -1)
    cuts = range(0, rows.shape[1], ROWS)
    parts = [weights.halve(first, second, rows[:, k : k + ROWS], u[:, k : k + ROWS]) for k in cuts]
    return np.concatenate(parts, 1).reshape(whole.shape)
