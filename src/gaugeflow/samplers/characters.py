"""Plaquettes of a two-dimensional torus given their product, exactly: weights are known by their characters.

The Wilson weight w(U) = exp(beta Re tr U / N) and its convolution with itself, K_m = w * .. * w (m plaquettes), are

    U(1)    K_m(theta)      = sum_n r_n^m e^{i n theta}                    r_n = I_n(beta) / I_0(beta)
    SU(2)   K_m(gamma)      = sum_d d z_d^m sin(d gamma) / sin(gamma)      z_d = I_d(beta) / I_1(beta)
    U(2)    K_m(phi, gamma) = sum_{q,d} d z_{qd}^m e^{i q phi} sin(d gamma) / sin(gamma)
            z_{qd} = [I_l(b) I_m(b) - I_{l+1}(b) I_{m-1}(b)] / d / z_{01},  b = beta / 2, q = l + m, d = l - m + 1

with e^{i phi} times an SU(2) matrix of eigenvalues e^{+-i gamma}; d is a dimension, q a charge, q + d odd.
A product C of m factors is halved: the product X of the first m_1 has density K_{m_1}(X) K_{m_2}(X^-1 C), and so on
down to single plaquettes. In the class angles alpha of X and alpha' of X^-1 C the SU(2) measure is

    sin(alpha) K_{m_1}(alpha) sin(alpha') K_{m_2}(alpha') dalpha dalpha',   |alpha - gamma| <= alpha' <= ..

so that alpha has a density of finitely many modes and alpha' given alpha an elementary distribution function.
"""

from functools import cache

import numpy as np
from scipy.special import ive

from gaugeflow.samplers import fourier


@cache
def u1_ratios(beta: float) -> np.ndarray:
    """r_n for n = 0, 1, .."""
    return _leading(ive(np.arange(_longest(beta)), beta) / ive(0, beta))


@cache
def su2_ratios(beta: float) -> np.ndarray:
    """z_d for d = 1, 2, .."""
    tiny = np.finfo(float).tiny ** 0.5  # beta = 0 as a limit
    return _leading(ive(np.arange(1, _longest(beta)), max(beta, tiny)) / ive(1, max(beta, tiny)))


@cache
def u2_ratios(beta: float) -> np.ndarray:
    """z_{qd}, [q, d - 1] for q = 0, 1, ..; even in q, zero where q + d is even."""
    size = _longest(beta)
    bessel = ive(np.arange(2 * size + 2), beta / 2)
    q, d = np.meshgrid(np.arange(size), np.arange(1, size), indexing="ij")
    low = (q - d + 1) // 2
    high = low + d - 1
    direct = bessel[abs(high)] * bessel[abs(low)] - bessel[abs(high + 1)] * bessel[abs(low - 1)]
    ratios = np.where((q + d) % 2 == 1, direct / d, 0.0)
    return ratios / ratios[0, 0]


def _longest(beta: float) -> int:
    """Orders beyond which exp(-n^2 / 2 beta), and at small beta (beta / 2)^n / n!, are negligible."""
    return 24 + int(np.sqrt(2 * beta * np.log(1 / fourier.NEGLIGIBLE)))


def _leading(ratios: np.ndarray) -> np.ndarray:
    return ratios[: int(np.flatnonzero(ratios > fourier.NEGLIGIBLE)[-1]) + 1]


def character_recursion(gamma: np.ndarray, dimensions: int) -> np.ndarray:
    """sin(d gamma) / sin(gamma), (dimensions, rows), d = 1 first."""
    out = np.ones((dimensions, len(gamma)))
    twice = 2 * np.cos(gamma)
    for d in range(1, dimensions):
        out[d] = twice * out[d - 1] - (out[d - 2] if d > 1 else 0.0)
    return out


def class_angle(quaternion: np.ndarray) -> np.ndarray:
    """gamma in [0, pi] with eigenvalues e^{+-i gamma}."""
    q0, q1, q2, q3 = quaternion
    return np.arctan2(np.sqrt(q1 * q1 + q2 * q2 + q3 * q3), q0)


def _directions(quaternion, cosine, azimuth):
    """Unit vectors (3, rows) at an angle to the vector part of quaternions, turned around it by an azimuth."""
    vector = quaternion[1:]
    length = np.sqrt(vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2])
    x, y, z = np.where(length > 0, vector, [[0.0], [0.0], [1.0]]) / np.where(length > 0, length, 1.0)
    sign = np.where(z >= 0, 1.0, -1.0)
    a = -1 / (sign + z)
    first = np.stack([1 + sign * x * x * a, sign * x * y * a, -sign * x])
    second = np.stack([x * y * a, sign + y * y * a, -y])
    sine = np.sqrt(np.maximum(1 - cosine * cosine, 0.0))
    return cosine * np.stack([x, y, z]) + sine * (np.cos(azimuth) * first + np.sin(azimuth) * second)


def halve_su2(left, right, quaternion, uniforms) -> np.ndarray:
    """X of the SU(2) element X Y = `quaternion` (4, rows) where X and Y have the class functions `left` and `right`.

    left, right   c_d of sum_d d c_d sin(d alpha) / sin(alpha), (D, rows) or (D, 1)
    uniforms      three, (rows,) each
    """
    gamma = class_angle(quaternion)
    modes = len(left) + len(right)
    points = fourier.grid_size(modes)
    weighted = np.arange(1, len(left) + 1)[:, None] * left
    near = fourier.on_grid(fourier.sine_series(weighted.T), points)
    far = fourier.on_grid(fourier.sine_series((right * character_recursion(gamma, len(right))).T), points)
    alpha = fourier.draw(near * far, modes, uniforms[0])  # even around pi
    alpha = np.where(alpha > np.pi, 2 * np.pi - alpha, alpha)
    low, high = abs(alpha - gamma), np.pi - abs(np.pi - alpha - gamma)
    rising = np.broadcast_to(-0.5 * right, (len(right), len(gamma))).astype(complex)
    ends = [fourier.evaluate(rising, x)[0] for x in (low, high)]
    target = ends[0] + uniforms[1] * (ends[1] - ends[0])
    middle = low + uniforms[1] * (high - low)
    other = fourier.increasing_root(lambda x, rows: fourier.evaluate(rising[:, rows], x), target, low, high, middle)
    area = np.sin(alpha) * np.sin(gamma)
    cosine = (np.cos(other) - np.cos(alpha) * np.cos(gamma)) / np.where(area > 0, area, 1.0)
    direction = _directions(quaternion, np.clip(cosine, -1.0, 1.0), 2 * np.pi * uniforms[2])
    return np.concatenate([np.cos(alpha)[None], np.sin(alpha) * direction])
