"""The error that partial results promise, against the error that the complete data have; which numbers are marked."""

import json
import math

import pytest
from autoregressive import ar1

from gaugeflow.analysis.partial import chunks_text, error_when_complete, expected_error, mark, notes, with_partial
from gaugeflow.analysis.results import estimate_to_json
from gaugeflow.stats.estimate import Estimate, derive, external
from gaugeflow.stats.jackknife import jackknife

N, CHAINS, BIN = 4000, 4, 10
QUARTER = N // 4


def of(key, seed, n=N):
    """Mean of the first n measurements of an autocorrelated series around 1."""
    return jackknife(1 + ar1(0.5, N, CHAINS, seed)[:n], bin_size=BIN, key=key)


def product(a, b):
    return derive(lambda x, y: x * y, a, b)


def spread(*estimates):
    """Relative uncertainty of a ratio of jackknife errors, each of 1 / sqrt(2 (bins - blocks))."""
    return math.sqrt(sum((e.error_error / e.error) ** 2 for e in estimates))


def agrees(partial, complete, fractions):
    """Whether the promised error is that of the complete data within four standard deviations of their ratio."""
    return abs(expected_error(partial, fractions) / complete.error - 1) < 4 * spread(partial, complete)


@pytest.mark.parametrize("seed", range(5))
def test_the_promised_error_is_that_of_the_complete_data(seed):
    partial, complete = of("a", seed, QUARTER), of("a", seed)
    assert spread(partial, complete) < 0.05, "no test: the errors are not known well enough"
    assert agrees(partial, complete, {"a": 0.25})
    assert not agrees(partial, complete, {"a": 1.0})
    assert not agrees(partial, complete, {"a": 0.0625})


@pytest.mark.parametrize("seed", range(5))
def test_of_several_ensembles_each_part_of_the_error_shrinks_as_its_ensemble_does(seed):
    first, second = of("a", seed, QUARTER), of("b", seed + 50)
    complete = product(of("a", seed), second)
    partial = product(first, second)
    assert agrees(partial, complete, {"a": 0.25, "b": 1.0})
    for wrong in ({"a": 0.25, "b": 0.25}, {"a": 1.0, "b": 1.0}):
        assert not agrees(partial, complete, wrong)
    exact = math.hypot(second.value * first.error / 2, first.value * second.error)
    assert expected_error(partial, {"a": 0.25, "b": 1.0}) == pytest.approx(exact, rel=0.02)


def test_the_error_of_a_number_from_elsewhere_does_not_shrink():
    paper = external("paper", 1.0, 0.5)
    found = product(of("a", 1, QUARTER), paper)
    assert expected_error(found, {"a": 0.25}) > 0.49
    assert expected_error(found, {"a": 0.25}) < found.error


@pytest.mark.parametrize("key", ["a|hot", "a|trajectories", "a|hot|trajectories"])
def test_subsets_of_chains_and_histories_belong_to_their_ensemble(key):
    found = of(key, 1, QUARTER)
    assert expected_error(found, {"a": 0.25}) == pytest.approx(found.error / 2)


def test_numbers_without_samples_or_errors_promise_the_least():
    assert expected_error(Estimate(1.0, 0.2), {"a": 0.25, "b": 0.5}) == pytest.approx(0.2 * math.sqrt(0.5))
    assert math.isnan(expected_error(Estimate(1.0, math.nan), {"a": 0.25}))
    assert expected_error(Estimate(1.0, 0.0), {"a": 0.25}) == 0
    whole = of("a", 1)
    assert expected_error(whole, {"a": 1.0}) == whole.error


def state(label, used, wanted=4, reasons=("flow_1 not there",)):
    missing = [{"chunks": [used, wanted - 1], "reasons": list(reasons)}] if used < wanted else []
    counts = {"chunks_used": used, "chunks_wanted": wanted}
    counts |= {"configurations_used": 10 * used, "configurations_wanted": 10 * wanted}
    return {"label": label, "ensemble_id": f"id-{label}", **counts, "missing": missing}


def results(**estimates):
    entries = [{"label": label, "inputs": {f"configs/000{k}.h5": "" for k in range(4)}} for label in "ab"]
    named = {name.replace("__", "/"): estimate_to_json(estimate) for name, estimate in estimates.items()}
    return {"study": "s", "ensembles": entries, "estimates": named}


A, B = of("a", 1, 200), of("b", 2, 200)


def test_results_that_lack_nothing_are_left_as_they_are():
    full = results(a__x=A)
    assert with_partial(full, [state("a", 4), state("b", 4)]) is full
    assert (notes(full), mark(full, "a/x"), chunks_text(full, "a/x")) == ([], "", "4/4")
    assert error_when_complete(full, "a/x") == A.error


def test_only_numbers_of_incomplete_ensembles_are_marked():
    found = with_partial(results(a__x=A, b__x=B, both=product(A, B)), [state("a", 3), state("b", 4)])
    assert [mark(found, name) for name in ("a/x", "b/x", "both")] == ["a 3 of 4 chunks", "", "a 3 of 4 chunks"]
    assert [chunks_text(found, name) for name in ("a/x", "b/x", "both")] == ["3/4", "4/4", "3/4 + 4/4"]
    assert error_when_complete(found, "a/x") == pytest.approx(A.error * math.sqrt(0.75))
    assert error_when_complete(found, "b/x") == B.error
    assert B.error < error_when_complete(found, "both") < found["estimates"]["both"]["error"]
    assert notes(found) == ["ensemble a: 3 of 4 chunks; chunk 3: flow_1 not there"]


def test_what_may_lack_a_whole_ensemble_is_marked_even_if_its_own_are_complete():
    found = with_partial(results(a__x=A, fit=A, a__fit=product(A, B)), [*map(state, "abc", (4, 4, 0))])
    assert mark(found, "a/x") == ""
    assert mark(found, "fit") == mark(found, "a/fit") == "without c"
    assert mark(found, "c/x") == "without c", "of a reference whose result is missing"
    assert notes(found) == ["ensemble c: 0 of 4 chunks; chunks 0 to 3: flow_1 not there"]


def test_partial_entries_are_of_json_types_only():
    found = with_partial(results(a__x=A, a__y=Estimate(1.0, math.nan)), [state("a", 1)])
    assert json.loads(json.dumps(found["partial"], allow_nan=False)) == found["partial"]
    assert error_when_complete(found, "a/y") is None
