import numpy as np
import pytest

from mien.experiments.score_intervals import (
    INTERVAL_METRICS,
    compute_accuracy_interval,
    compute_intervals,
)
from mien.experiments.scores import NO_PREDICTION, compute_scores


@pytest.mark.parametrize("seed", range(5))
def test_equal_units_leave_the_scores_themselves(seed):
    # Whichever units are drawn, the sample is the same: the ends are the scores.
    rng = np.random.default_rng(seed)
    true = rng.permutation(4)[:3].repeat(4)
    predicted = rng.integers(NO_PREDICTION, 4, 12)
    intervals = compute_intervals(np.tile(true, 5), np.tile(predicted, 5), np.arange(60) // 12, 4)
    scores = compute_scores(true, predicted, 4)
    assert tuple(intervals) == INTERVAL_METRICS
    for metric, ends in intervals.items():
        assert ends["low"] == pytest.approx(scores[metric])
        assert ends["high"] == pytest.approx(scores[metric])


def test_the_ends_are_quantiles_of_scores_of_drawn_persons():
    rng = np.random.default_rng(1)
    true, units = rng.integers(0, 3, 120), np.arange(120) // 6
    predicted = np.where(rng.random(120) < 0.6, true, rng.integers(0, 3, 120))
    intervals = compute_intervals(true, predicted, units, 3)
    scores = []
    for _ in range(2000):
        drawn = (6 * rng.integers(0, 20, 20)[:, None] + np.arange(6)).ravel()
        scores.append(compute_scores(true[drawn], predicted[drawn], 3))
    for metric, ends in intervals.items():
        low, high = np.quantile([own[metric] for own in scores], (0.025, 0.975))
        assert ends["low"] == pytest.approx(low, abs=0.02)
        assert ends["high"] == pytest.approx(high, abs=0.02)
        assert ends["low"] < compute_scores(true, predicted, 3)[metric] < ends["high"]


def test_a_difference_of_models_that_agree_is_nothing():
    assert compute_accuracy_interval(np.zeros(30, int), np.arange(30)) == (0, 0)
    low, high = compute_accuracy_interval([1, 1, -1, 0] * 10, np.arange(40))
    assert -1 < low < 0.25 < high < 1


def test_one_person_has_no_interval():
    assert compute_intervals([0, 1], [0, 0], ["p", "p"], 2) is None
    assert compute_accuracy_interval([1, 0], ["p", "p"]) is None
