from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from stackelberg.study.statistics import (
    compare_paired,
    improvement_interval,
    interquartile_mean,
    interval_of,
    is_without_chance,
    performance_profile,
    probability_of_improvement,
    resampled,
    restricted_mean,
    time_to_threshold,
)
from stackelberg.study.statistics.bootstrap import percentile_ends


def test_the_interquartile_mean_of_known_scores() -> None:
    assert interquartile_mean(np.array([[1.0, 2.0, 3.0, 100.0]])) == 2.5
    pooled = np.array([[0.0, 10.0, 20.0, 30.0], [1.0, 11.0, 21.0, 1e9]])
    assert interquartile_mean(pooled) == (10.0 + 11.0 + 20.0 + 21.0) / 4.0
    batch = np.stack([pooled, pooled + 1.0])
    assert interquartile_mean(batch).tolist() == [15.5, 16.5]


def test_seeds_are_resampled_within_their_stratum() -> None:
    scores = np.array([[0.0, 1.0, 2.0], [10.0, 11.0, 12.0]])
    means = resampled(scores, 200, 0, lambda x: x.mean(axis=-1)[..., 0])
    others = resampled(scores, 200, 0, lambda x: x.mean(axis=-1)[..., 1])
    assert means.min() >= 0.0
    assert means.max() <= 2.0
    assert others.min() >= 10.0
    assert others.max() <= 12.0
    assert len(np.unique(means)) > 3
    assert not np.array_equal(means, others - 10.0)  # drawn apart


def true_iqm(law: Any) -> float:
    """Mean between the quartiles, by quadrature: what the estimate is of."""
    area, _ = integrate.quad(law.ppf, 0.25, 0.75)
    return 2.0 * area


@pytest.mark.parametrize("seeds", [10, 20])
@pytest.mark.parametrize(
    "law", [stats.norm(), stats.lognorm(0.5), stats.t(4)], ids=["normal", "log", "t"]
)
def test_a_95_percent_interval_covers_as_it_says(law: Any, seeds: int) -> None:
    studies, strata, chunk = 2_000, 2, 100
    drawn = np.random.default_rng(seeds)
    truth = true_iqm(law)
    ends = percentile_ends(seeds, 0.95) or (0.0, 0.0)
    covered = 0
    for begin in range(0, studies, chunk):
        scores = law.rvs((chunk, strata, seeds), random_state=drawn)
        found = resampled(scores, 400, begin, interquartile_mean)
        low, high = np.quantile(found, ends, axis=0)
        covered += int(((low <= truth) & (truth <= high)).sum())
    assert 0.93 <= covered / studies <= 0.97


def test_the_interval_is_the_one_whose_coverage_is_simulated() -> None:
    scores = np.random.default_rng(0).normal(size=(2, 10))
    found = interval_of(scores, resamples=400, seed=3)
    ends = percentile_ends(10, 0.95) or (0.0, 0.0)
    low, high = np.quantile(resampled(scores, 400, 3, interquartile_mean), ends)
    assert (found.low, found.high) == (low, high)
    assert found == interval_of(scores, resamples=400, seed=3)


def test_paired_differences_cover_too() -> None:
    drawn = np.random.default_rng(4)
    covered = 0
    for study in range(400):
        problem = 10.0 * drawn.normal(size=(1, 15))
        one = problem + drawn.normal(size=(1, 15)) + 0.5
        other = problem + drawn.normal(size=(1, 15))
        found = interval_of(one - other, resamples=400, seed=study)
        covered += found.low <= 0.5 <= found.high
    assert 0.92 <= covered / 400 <= 0.98


def test_better_is_said_only_where_the_interval_says_so() -> None:
    problem = np.random.default_rng(0).normal(size=(2, 20)) * 100.0
    noise = np.random.default_rng(1).normal(size=(2, 20))
    assert (
        compare_paired(problem + 1.0 + 0.1 * noise, problem, better="higher").verdict
        == "better"
    )
    assert (
        compare_paired(problem + 1.0 + 0.1 * noise, problem, better="lower").verdict
        == "worse"
    )
    assert compare_paired(problem + noise, problem, better="higher").verdict == (
        "not told apart"
    )
    assert compare_paired(problem - 1.0, problem, better=None).verdict == "lower"
    assert compare_paired(problem, problem, better="higher").verdict == "the same"
    hair = 1e-9 * np.abs(problem)
    hair[0, 0] = 0.1  # one seed apart, the others by rounding
    close = compare_paired(problem + hair, problem, better="higher")
    assert close.verdict == "not told apart"
    with pytest.raises(ValueError, match="reference: expected shape"):
        compare_paired(problem, problem[:, :3], better=None)


def test_one_seed_tells_nothing_apart() -> None:
    found = compare_paired([[2.0]], [[1.0]], better="higher")
    assert found.verdict == "not told apart"
    assert math.isinf(found.difference.high)


def test_probability_of_improvement_counts_couples() -> None:
    one = np.array([[1.0, 3.0], [5.0, 5.0]])
    other = np.array([[2.0, 2.0], [5.0, 4.0]])
    wins = [(0 + 0 + 1 + 1) / 4, (0.5 + 1 + 0.5 + 1) / 4]
    assert probability_of_improvement(one, other) == pytest.approx(np.mean(wins))
    found = improvement_interval(one, other)
    assert found.value == pytest.approx(np.mean(wins))
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    shifted = np.random.default_rng(0).normal(size=(3, 200))
    normal = np.random.default_rng(1).normal(size=(3, 200))
    truth = stats.norm.cdf(1.0 / np.sqrt(2.0))
    wide = improvement_interval(shifted + 1.0, normal, resamples=300)
    assert wide.low < truth < wide.high
    assert wide.high - wide.low < 0.1


def test_a_profile_counts_runs_above_levels() -> None:
    found = performance_profile([[1.0, 2.0, 3.0, 4.0]], [0.0, 2.0, 3.5, 9.0])
    assert found.share.tolist() == [1.0, 0.5, 0.25, 0.0]
    assert (found.low <= found.share).all()
    assert (found.high >= found.share).all()
    assert found.high[-1] == 0.0


def test_kaplan_and_meier_of_a_known_table() -> None:
    # Four seeds: at 2 one of four, at 5 one of two still watched (one left at 3).
    found = time_to_threshold([2.0, None, 5.0, None], [10.0, 3.0, 10.0, 10.0])
    assert found.time.tolist() == [2.0, 5.0]
    assert found.reached.tolist() == pytest.approx([0.25, 1.0 - 0.75 * 0.5])
    assert (found.seeds, found.censored, found.median) == (4, 2, 5.0)
    assert (found.low <= found.reached).all()
    assert (found.high >= found.reached).all()


def test_seeds_that_never_get_there_are_not_dropped() -> None:
    found = time_to_threshold([1.0, None, None, None], [10.0] * 4)
    assert math.isinf(found.median)
    assert found.reached.tolist() == [0.25]
    mean = restricted_mean([1.0, None, None, None], [10.0] * 4)
    assert mean.value == (1.0 + 30.0) / 4.0
    assert mean.low < mean.value < mean.high <= 10.0
    nobody = time_to_threshold([None, None], [5.0, 5.0])
    assert (len(nobody.time), nobody.censored) == (0, 2)
    with pytest.raises(ValueError, match=r"times\[0\]: expected None or a number from"):
        time_to_threshold([11.0], [10.0])


def test_a_censored_median_is_that_of_the_law() -> None:
    drawn = np.random.default_rng(5)
    times = drawn.exponential(10.0, size=2_000)
    watched = drawn.uniform(5.0, 40.0, size=2_000)
    seen = [float(t) if t <= h else None for t, h in zip(times, watched, strict=True)]
    found = time_to_threshold(seen, watched.tolist())
    assert found.censored > 300
    assert found.median == pytest.approx(10.0 * math.log(2.0), rel=0.06)


def test_files_played_without_chance_are_told_from_close_seeds() -> None:
    assert is_without_chance([[2.0, 2.0, 2.0], [5.0, 5.0, 5.0 + 1e-9]])
    assert not is_without_chance([[2.0, 2.0, 2.0], [5.0, 5.0, 5.001]])
    assert not is_without_chance([[2.0]])


def _rliable(part: str) -> Any:
    """A module of that package, which only its own tests need."""
    return importlib.import_module(f"rliable.{part}")


@pytest.mark.rliable
def test_rliable_agrees() -> None:
    metrics: Any = _rliable("metrics")

    scores = np.random.default_rng(0).gamma(2.0, size=(12, 3))  # [run, task]
    other = np.random.default_rng(1).gamma(2.2, size=(12, 3))
    assert interquartile_mean(scores.T) == pytest.approx(metrics.aggregate_iqm(scores))
    assert probability_of_improvement(scores.T, other.T) == pytest.approx(
        metrics.probability_of_improvement(scores, other)
    )


@pytest.mark.rliable
@pytest.mark.parametrize("strata", [1, 3])
def test_rliable_resamples_alike(strata: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain percentiles of resamples, which `interval_of` then moves outwards."""
    _let_rliable_resample(monkeypatch)
    library: Any = _rliable("library")
    metrics: Any = _rliable("metrics")
    scores = np.random.default_rng(strata).gamma(2.0, size=(12, strata))
    scores += 4.0 * np.arange(strata)  # apart, so that pooled draws would show

    _, theirs = library.get_interval_estimates(
        {"one": scores}, lambda x: np.array([metrics.aggregate_iqm(x)]), reps=4_000
    )
    ours = resampled(scores.T, 4_000, 0, interquartile_mean)
    near = 0.15 * ours.std()
    assert theirs["one"].ravel() == pytest.approx(
        np.quantile(ours, [0.025, 0.975]), abs=near
    )


@pytest.mark.rliable
def test_rliable_draws_the_same_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    _let_rliable_resample(monkeypatch)
    library: Any = _rliable("library")
    scores = np.random.default_rng(0).gamma(2.0, size=(12, 3))
    levels = np.linspace(0.0, 5.0, 6)
    theirs, _ = library.create_performance_profile({"one": scores}, levels, reps=2)
    assert performance_profile(scores.T, levels).share == pytest.approx(theirs["one"])


def _let_rliable_resample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let rliable 1.2.0 pass `random_state`, which arch no longer takes."""
    kind: Any = importlib.import_module("arch.bootstrap").IIDBootstrap
    start = kind.__init__

    def started(self: Any, *data: Any, random_state: None = None, **named: Any) -> None:
        start(self, *data, **named)

    monkeypatch.setattr(kind, "__init__", started)
