"""A number with its error, its jackknife samples and the place it comes from; functions of such numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gaugeflow.errors import ConfigError
from gaugeflow.stats.agreement import disagreement_text, errors_disagree
from gaugeflow.stats.autocorrelation import Gamma, combined_gamma


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
    gamma_error     error by the Gamma method, beside the jackknife's; gamma_error_error its error
    bin_size        measurements per bin; the largest, where blocks differ
    bin_sizes       key -> measurements per bin
    warnings        sentences for the report
    fluctuations    key -> (n, chains) series, linearised, around zero: what the Gamma method needs. Not kept in files
    rebin           {key: measurements per bin} -> the same estimate in those bins; None for one read from a file
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
    gamma_error_error: float = math.nan
    bin_size: int = 0
    bin_sizes: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    fluctuations: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    rebin: Callable[[Mapping[str, int]], Estimate] | None = field(default=None, repr=False)

    @property
    def error_error(self) -> float:
        """error / sqrt(2 (bins - blocks)): uncertainty of the jackknife error for normal bins; NaN if there is none."""
        freedom = sum(count - 1 for _, count in self.blocks)
        return self.error / math.sqrt(2 * freedom) if freedom else math.nan

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


def external(name: str, value: float, error: float) -> Estimate:
    """A number from elsewhere (a paper, a prior) as an estimate that is independent of all others.

    Its two samples value +- error, and a series of the same two numbers, give back the error by both methods.
    """
    deviations = np.array([error, -error])
    return Estimate(
        value, error, tau_int=0.5, tau_int_error=0.0, n=2, n_eff=2.0, samples=value + deviations, blocks=((name, 2),),
        gamma_error=error, gamma_error_error=0.0, bin_size=1, bin_sizes={name: 1}, source={"external": name},
        fluctuations={name: deviations[None, :]},
    )  # fmt: skip


def derive(function: Callable[..., float], *estimates: Estimate) -> Estimate:
    """f(a, b, ...) with samples: correlated where the estimates share a block, independent where they do not.

    For a block of key K and left-out bin j every estimate that has K enters with its sample j, the others with their
    value (the "super jackknife"). tau_int and gamma_error are those of the linearised series

        sum_i df/da_i delta a_i(t)      central differences with steps of error / sqrt(bins);  hep-lat/0306017

    or, where an estimate was read from a file without its series, tau_int of the one with the fewest effective
    measurements, and no gamma_error. Estimates of one key in different bins are binned anew in the largest.

    Raises ConfigError if that cannot be done
    """
    return derive_all(lambda *values: (function(*values),), *estimates)[0]


def derive_all(function: Callable[..., Sequence[float]], *estimates: Estimate) -> tuple[Estimate, ...]:
    """As `derive`, for a function with several values: one Estimate each, with shared blocks."""
    estimates = with_common_bins(estimates)
    rows, blocks = aligned_samples(estimates)
    values = np.array(function(*(estimate.value for estimate in estimates)), dtype=float)
    samples = np.array([function(*row) for row in rows], dtype=float).reshape(len(rows), len(values))
    gradient = _gradient(function, estimates, len(values))
    made = []
    for index, value in enumerate(values):
        made.append(
            _derived(
                estimates,
                float(value),
                samples[:, index],
                blocks,
                _combined_fluctuations(estimates, gradient[index]),
                lambda sizes, index=index: derive_all(function, *(_rebinned(e, sizes) for e in estimates))[index],
            )
        )
    return tuple(made)


def with_common_bins(estimates: Sequence[Estimate]) -> tuple[Estimate, ...]:
    """The estimates, every key in one bin size: the largest that one of them has.

    Raises ConfigError for estimates that differ and were read from files, or are of different measurements
    """
    wanted: dict[str, int] = {}
    counts: dict[str, set[tuple[int, int]]] = {}
    for estimate in estimates:
        for key, count in estimate.blocks:
            size = estimate.bin_sizes.get(key, 0)
            counts.setdefault(key, set()).add((count, size))
            wanted[key] = max(wanted.get(key, 0), size)
    mixed = {key: wanted[key] for key, found in counts.items() if len(found) > 1}
    if not mixed:
        return tuple(estimates)
    estimates = tuple(_rebinned(estimate, mixed) for estimate in estimates)
    for key in mixed:
        left = {count for estimate in estimates for name, count in estimate.blocks if name == key}
        if len(left) > 1:
            raise ConfigError(
                f"estimates of {key} have {' and '.join(map(str, sorted(left)))} bins of {mixed[key]} measurements: "
                f"they were measured on different configurations; combine observables of the same ones"
            )
    return estimates


def aligned_samples(estimates: Sequence[Estimate]) -> tuple[np.ndarray, tuple[tuple[str, int], ...]]:
    """Samples (sum of k, number of estimates) and the blocks ((key, k), ...) of estimates in common bins."""
    counts = {key: count for estimate in estimates for key, count in estimate.blocks}
    columns = [_column(estimate, counts) for estimate in estimates]
    return np.stack(columns, axis=1) if columns else np.empty((0, 0)), tuple(counts.items())


def _rebinned(estimate: Estimate, sizes: Mapping[str, int]) -> Estimate:
    differing = [key for key, _ in estimate.blocks if key in sizes and estimate.bin_sizes.get(key) != sizes[key]]
    if not differing:
        return estimate
    if estimate.rebin is None:
        key = differing[0]
        raise ConfigError(
            f"one estimate of {key} has bins of {estimate.bin_sizes.get(key, '?')} measurements, one of {sizes[key]}, "
            f"and it comes without its series: give both the same bin_size (analysis: bin_size in study.yaml)"
        )
    return estimate.rebin(sizes)


def _column(estimate: Estimate, counts: Mapping[str, int]) -> np.ndarray:
    own, start = {}, 0
    for key, count in estimate.blocks:
        own[key] = estimate.samples[start : start + count]
        start += count
    return np.concatenate([own.get(key, np.full(count, estimate.value)) for key, count in counts.items()] or [[]])


def _gradient(function: Callable[..., Sequence[float]], estimates: Sequence[Estimate], outputs: int) -> np.ndarray:
    """df_k/da_i (outputs, inputs); NaN where f is not finite nearby."""
    values = [estimate.value for estimate in estimates]
    gradient = np.zeros((outputs, len(estimates)))
    for index, estimate in enumerate(estimates):
        if estimate.error == 0 or not len(estimate.samples):
            continue
        step = estimate.error / math.sqrt(len(estimate.samples))  # as far as a jackknife sample lies from the value
        up, down = ([*values[:index], values[index] + sign * step, *values[index + 1 :]] for sign in (1, -1))
        difference = np.array(function(*up), dtype=float) - np.array(function(*down), dtype=float)
        gradient[:, index] = difference / (2 * step)
    return gradient


def _combined_fluctuations(estimates: Sequence[Estimate], gradient: np.ndarray) -> dict[str, np.ndarray]:
    """key -> sum_i gradient_i fluctuations_i; empty where a series is missing or the gradient is not finite."""
    combined: dict[str, np.ndarray] = {}
    for estimate, slope in zip(estimates, gradient, strict=True):
        if not math.isfinite(slope) or any(key not in estimate.fluctuations for key, _ in estimate.blocks):
            return {}
        for key, series in estimate.fluctuations.items():
            if key in combined and combined[key].shape != series.shape:
                return {}
            combined[key] = combined.get(key, 0.0) + slope * series
    return combined


def _derived(estimates, value, samples, blocks, fluctuations, rebin) -> Estimate:
    weakest = min(estimates, key=lambda estimate: estimate.n_eff if math.isfinite(estimate.n_eff) else math.inf)
    gamma, n = Gamma(value, math.nan, math.nan, weakest.tau_int, weakest.tau_int_error, 0), weakest.n
    if fluctuations:
        gamma, n = combined_gamma(fluctuations.values()), sum(series.size for series in fluctuations.values())
    error = block_error(samples, blocks)
    made = Estimate(
        value=value,
        error=error,
        tau_int=gamma.tau_int,
        tau_int_error=gamma.tau_int_error,
        n=n,
        n_eff=n / (2 * gamma.tau_int) if gamma.tau_int else math.nan,
        samples=samples,
        blocks=blocks,
        source=_merged_source(estimates),
        gamma_error=gamma.error,
        gamma_error_error=gamma.error_error,
        bin_size=max((estimate.bin_size for estimate in estimates), default=0),
        bin_sizes={key: size for estimate in estimates for key, size in estimate.bin_sizes.items()},
        warnings=tuple(dict.fromkeys(text for estimate in estimates for text in estimate.warnings)),
        fluctuations=fluctuations,
        rebin=rebin,
    )
    if not errors_disagree(error, made.error_error, made.gamma_error, made.gamma_error_error, made.tau_int):
        return made
    text = disagreement_text(" and ".join(key for key, _ in blocks), error, len(samples), gamma.error, gamma.tau_int)
    return replace(made, warnings=(*made.warnings, text))


def _merged_source(estimates: Sequence[Estimate]) -> dict[str, object]:
    """Entries on which all agree stay; the others become the list of what each says."""
    merged: dict[str, object] = {}
    for key in dict.fromkeys(key for estimate in estimates for key in estimate.source):
        values = list(dict.fromkeys(str(estimate.source[key]) for estimate in estimates if key in estimate.source))
        merged[key] = values[0] if len(values) == 1 else " + ".join(values)
    return merged


def format_estimate(value: float, error: float, digits: int = 2) -> str:
    """`0.59372(11)`: the error in units of the last digit, `digits` significant figures of it; none without error."""
    if not math.isfinite(value):
        return "nan"
    if not math.isfinite(error):
        return f"{value:.6g}(?)"
    if error == 0:
        return f"{value:.10g}"
    places = digits - 1 - math.floor(math.log10(error))
    if round(error * 10**places) == 10**digits:  # 0.0996 becomes 0.10, not 0.100
        places -= 1
    if abs(value) < 10 ** (-places - 1) * 1e-3 and abs(value) < error * 1e-6:
        value = 0.0
    exponent = math.floor(math.log10(max(abs(value), error)))
    if places > 9 and exponent:  # near 1 all digits are written out
        return f"{format_estimate(value / 10.0**exponent, error / 10.0**exponent, digits)}e{exponent:+03d}"
    if places > 0:
        shown = round(error * 10**places)
        inside = f"{shown}" if error < 1 else f"{error:.{places}f}"
        return f"{value:.{places}f}({inside})"
    return f"{round(value, places):.0f}({round(error, places):.0f})"
