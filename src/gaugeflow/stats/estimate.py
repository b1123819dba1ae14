"""A number with its error, its jackknife samples and the place it comes from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gaugeflow.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Estimate:
    """Mean, error and delete-one jackknife samples of one observable.

        error^2 = sum_blocks (k - 1) / k sum_j (theta_j - mean_block theta)^2          k = samples of the block

    value, error    dimension of the observable; error is one standard deviation (NaN where it has none)
    tau_int         integrated autocorrelation time in measurements, 1/2 for white noise; tau_int_error its error
    n               measurements in all chains together; n_eff = n / (2 tau_int)
    samples         (sum of k,) values of the observable with one bin left out, block after block
    blocks          ((key, k), ...): every key is an independent set of Markov chains
    source          where it was measured: ensemble, commit, spec's hash, digest of the input files
    gamma_error     error by the Gamma method, beside the jackknife's
    bin_size        measurements per bin
    warnings        sentences for the report
    """

    value: float
    error: float
    tau_int: float = math.nan
    tau_int_error: float = math.nan
    n: int = 0
    n_eff: float = math.nan
    samples: np.ndarray = field(default_factory=lambda: np.empty(0))
    blocks: tuple[tuple[str, int], ...] = ()
    source: Mapping[str, object] = field(default_factory=dict)
    gamma_error: float = math.nan
    bin_size: int = 0
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return format_estimate(self.value, self.error)

    def with_source(self, **entries: object) -> Estimate:
        """The same estimate with `entries` added to its source."""
        return replace(self, source={**self.source, **entries})


def block_error(samples: np.ndarray, blocks: tuple[tuple[str, int], ...]) -> float:
    """Jackknife error of delete-one samples from independent blocks; NaN if any sample is not finite."""
    if not np.all(np.isfinite(samples)) or not len(samples):
        return math.nan
    variance, start = 0.0, 0
    for _, count in blocks:
        part = samples[start : start + count]
        variance += (count - 1) / count * float(np.sum((part - part.mean()) ** 2))
        start += count
    return math.sqrt(variance)


def derive(function: Callable[..., float], *estimates: Estimate) -> Estimate:
    """f(a, b, ...) with samples: correlated where the estimates share a block, independent where they do not.

    For a block of key K and left-out bin j every estimate that has K enters with its sample j, the others with their
    value (the "super jackknife"). tau_int is that of the estimate with the fewest effective measurements.

    Raises ConfigError if two estimates share a key but were binned differently.
    """
    counts: dict[str, int] = {}
    for estimate in estimates:
        for key, count in estimate.blocks:
            if counts.setdefault(key, count) != count:
                raise ConfigError(
                    f"estimates of {key} have {counts[key]} and {count} jackknife samples; give both the same bin_size"
                )
    columns = [_columns(estimate, counts) for estimate in estimates]
    value = float(function(*(estimate.value for estimate in estimates)))
    samples = np.array([function(*row) for row in zip(*columns, strict=True)], dtype=float)
    blocks = tuple(counts.items())
    weakest = min(estimates, key=lambda estimate: estimate.n_eff if math.isfinite(estimate.n_eff) else math.inf)
    return replace(
        weakest,
        value=value,
        error=block_error(samples, blocks),
        samples=samples,
        blocks=blocks,
        gamma_error=math.nan,
        source=_merged_source(estimates),
        warnings=tuple(dict.fromkeys(text for estimate in estimates for text in estimate.warnings)),
    )


def _columns(estimate: Estimate, counts: Mapping[str, int]) -> np.ndarray:
    own, start = {}, 0
    for key, count in estimate.blocks:
        own[key] = estimate.samples[start : start + count]
        start += count
    return np.concatenate([own.get(key, np.full(count, estimate.value)) for key, count in counts.items()])


def _merged_source(estimates: tuple[Estimate, ...]) -> dict[str, object]:
    """Entries on which all agree stay; the others become the list of what each says."""
    merged: dict[str, object] = {}
    for key in dict.fromkeys(key for estimate in estimates for key in estimate.source):
        values = list(dict.fromkeys(str(estimate.source[key]) for estimate in estimates if key in estimate.source))
        merged[key] = values[0] if len(values) == 1 else " + ".join(values)
    return merged


def format_estimate(value: float, error: float, digits: int = 2) -> str:
    """`0.59372(11)`: the error in units of the last digit, `digits` significant figures of it."""
    if not math.isfinite(value):
        return "nan"
    if not math.isfinite(error):
        return f"{value:.6g}(?)"
    if error == 0:
        return f"{value:.10g}(0)"
    places = digits - 1 - math.floor(math.log10(error))
    if round(error * 10**places) == 10**digits:  # 0.0996 becomes 0.10, not 0.100
        places -= 1
    if abs(value) < 10 ** (-places - 1) * 1e-3 and abs(value) < error * 1e-6:
        value = 0.0
    if places > 9:
        exponent = math.floor(math.log10(max(abs(value), error)))
        return f"{format_estimate(value / 10.0**exponent, error / 10.0**exponent, digits)}e{exponent:+03d}"
    if places > 0:
        shown = round(error * 10**places)
        inside = f"{shown}" if error < 1 else f"{error:.{places}f}"
        return f"{value:.{places}f}({inside})"
    return f"{round(value, places):.0f}({round(error, places):.0f})"
