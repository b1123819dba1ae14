"""Draws from densities on the circle that are finite Fourier series: the distribution function is inverted.

    f(x) = f_0 + 2 Re sum_{k=1}^{K} f_k e^{ikx} >= 0 on 0 <= x < 2 pi

Products of such series are formed on a grid that is fine enough for all their modes, so nothing is approximated but
by rounding. One uniform gives one draw. Every row is computed by itself: its bits do not depend on its neighbours.
"""

from collections.abc import Callable

import numpy as np

NEGLIGIBLE = 1e-18
"""Modes below this fraction of the largest are left out; a float64 keeps 1e-16."""

STEP = 1e-9
"""A Newton step of this size leaves an error of its square."""

MOST_STEPS = 100


def grid_size(modes: int) -> int:
    """Points of a grid that holds a series with modes 0 .. `modes`: a power of two."""
    return 1 << max(2, (2 * modes + 1).bit_length())


def on_grid(series: np.ndarray, points: int) -> np.ndarray:
    """f at x = 2 pi g / points, (..., points), from its modes (..., K + 1)."""
    return np.fft.irfft(series, points) * points


def sine_series(coefficients: np.ndarray) -> np.ndarray:
    """Modes of sum_{d>=1} c_d sin(d x) from (..., D), c_1 first."""
    out = np.zeros((*coefficients.shape[:-1], coefficients.shape[-1] + 1), complex)
    out[..., 1:] = -0.5j * coefficients
    return out


def evaluate(modes: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """2 Re sum_{k>=1} f_k e^{ikx} and its derivative, by Horner's scheme.

    modes   (K, rows) or (K, 1), f_1 first
    x       (rows,)
    """
    cosine, sine = np.cos(x), np.sin(x)
    re, im, slope_re, slope_im = (np.zeros_like(x) for _ in range(4))
    for mode in modes[::-1]:  # s' <- s' z + s, s <- s z + f_k with z = e^{ix}
        slope_re, slope_im = slope_re * cosine - slope_im * sine + re, slope_re * sine + slope_im * cosine + im
        re, im = re * cosine - im * sine + mode.real, re * sine + im * cosine + mode.imag
    # sum f_k z^k = z s; d/dx = i z (s + z s')
    slope_re, slope_im = slope_re * cosine - slope_im * sine + re, slope_re * sine + slope_im * cosine + im
    return 2 * (re * cosine - im * sine), -2 * (slope_re * sine + slope_im * cosine)


def increasing_root(function: Callable[..., tuple[np.ndarray, np.ndarray]], target, low, high, start) -> np.ndarray:
    """x in [low, high] with function(x)[0] = target, by Newton steps inside a bracket that shrinks.

    function   (x, rows) -> values and slopes of the increasing functions of these rows
    """
    out, rows = np.array(start), np.arange(len(start))
    x, low, high, target = np.array(start), np.array(low), np.array(high), np.asarray(target)
    for _ in range(MOST_STEPS):
        value, slope = function(x, rows)
        below = value <= target
        low, high = np.where(below, x, low), np.where(below, high, x)
        newton = x + (target - value) / np.where(slope > 0, slope, 1.0)
        inside = (slope > 0) & (low <= newton) & (newton <= high)
        new = np.where(inside, newton, 0.5 * (low + high))
        out[rows] = new
        moving = abs(new - x) > STEP
        if not moving.any():
            break
        rows, x, low, high, target = rows[moving], new[moving], low[moving], high[moving], target[moving]
    return out


def draw(values: np.ndarray, modes: int, uniform: np.ndarray) -> np.ndarray:
    """x in [0, 2 pi) with density proportional to f, one per row.

    values    f on a grid, (rows, points); a point that rounding has made negative does no harm
    modes     highest mode of f, below points / 2
    uniform   (rows,)
    """
    points = values.shape[-1]
    series = np.fft.rfft(values)[:, : modes + 1] / points
    mean = series[:, 0].real
    integral = series / (1j * np.maximum(np.arange(modes + 1), 1))
    integral[:, 0] = 0.0
    step = 2 * np.pi / points
    rising = on_grid(integral, points)
    rising += mean[:, None] * (step * np.arange(points)) - rising[:, :1]
    target = uniform * (2 * np.pi * mean)
    cell = (rising[:, 1:] <= target[:, None]).sum(1)
    row = np.arange(len(cell))
    low = step * cell
    below, above = rising[row, cell], np.append(rising, 2 * np.pi * mean[:, None], 1)[row, cell + 1]
    share = (target - below) / np.maximum(above - below, 1e-300)
    start = low + step * np.clip(share, 0.0, 1.0)
    coefficients = np.ascontiguousarray(integral[:, 1:].T)
    at_zero = evaluate(coefficients, np.zeros(len(cell)))[0]

    def distribution(x, rows):
        value, slope = evaluate(coefficients[:, rows], x)
        return value - at_zero[rows] + mean[rows] * x, slope + mean[rows]

    return increasing_root(distribution, target, low, low + step, start)
