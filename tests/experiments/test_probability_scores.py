import numpy as np
import pytest
from sklearn.metrics import log_loss

from mien.experiments.probability_scores import (
    LEAST_PROBABILITY,
    compute_brier_score,
    compute_calibration_bins,
    compute_calibration_error,
    compute_log_loss,
    describe_calibration,
)


def test_the_error_by_hand():
    # two bins: 0.6 and 0.7 share the upper half, where one of two is right; nothing lies below
    probabilities = [[0.6, 0.4], [0.3, 0.7]]
    assert compute_calibration_error(probabilities, [0, 0], bins=2) == pytest.approx(0.15)
    # ten bins part them: (|0.6 - 1| + |0.7 - 0|) / 2
    assert compute_calibration_error(probabilities, [0, 0], bins=10) == pytest.approx(0.55)


def test_a_sure_and_right_answer_has_no_error():
    assert compute_calibration_error(np.eye(3), [0, 1, 2]) == 0
    assert compute_calibration_error(np.eye(3), [1, 2, 0]) == 1


def test_probabilities_that_came_true_have_a_small_error():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), size=20_000)
    true = (probabilities.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)
    assert compute_calibration_error(probabilities, true) < 0.02


@pytest.mark.parametrize("shape", [(0, 3), (2, 3), (3,)])
def test_wrong_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="expected a row of probabilities"):
        compute_calibration_error(np.ones(shape), [0, 1, 2][: shape[0]] if shape[0] == 0 else [0])


def test_the_brier_score_of_brier():
    # Brier 1950, table 1: ten forecasts of rain, three times it rained; the score is 0.19.
    rain = np.array([0.7, 0.9, 0.8, 0.4, 0.2, 0, 0, 0, 0, 0.1])
    came = [0, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert compute_brier_score(np.stack([1 - rain, rain], axis=1), came) == pytest.approx(0.19)


def test_the_brier_score_is_summed_over_classes():
    # (0.5 - 1)^2 + 0.3^2 + 0.2^2, and 2 of what is surely wrong
    assert compute_brier_score([[0.5, 0.3, 0.2]], [0]) == pytest.approx(0.38)
    assert compute_brier_score(np.eye(3), [1, 2, 0]) == 2.0
    assert compute_brier_score(np.eye(3), [0, 1, 2]) == 0.0


def test_the_log_loss_by_hand_and_as_scikit_learn_has_it():
    probabilities = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]])
    own = compute_log_loss(probabilities, [1, 1])
    assert own == pytest.approx((np.log(4) - np.log(0.8)) / 2)
    assert own == pytest.approx(log_loss([1, 1], probabilities, labels=[0, 1, 2]))


def test_a_class_that_was_ruled_out_costs_much_but_not_everything():
    assert compute_log_loss(np.eye(2), [1, 0]) == pytest.approx(-np.log(LEAST_PROBABILITY))


def test_the_bins_by_hand():
    low, high = compute_calibration_bins([[0.6, 0.4], [0.3, 0.7], [0.5, 0.5]], [0, 0, 1], bins=2)
    assert (low["rows"], low["confidence"], low["accuracy"]) == (0, None, None)
    assert (high["low"], high["high"], high["rows"]) == (0.5, 1.0, 3)
    assert high["confidence"] == pytest.approx(0.6)
    assert high["accuracy"] == pytest.approx(1 / 3)


def test_the_error_is_that_of_the_bins():
    rng = np.random.default_rng(3)
    probabilities, true = rng.dirichlet(np.ones(3), 400), rng.integers(0, 3, 400)
    told = describe_calibration(probabilities, true)
    assert sum(own["rows"] for own in told["bins"]) == 400
    filled = [own for own in told["bins"] if own["rows"]]
    error = sum(own["rows"] * abs(own["confidence"] - own["accuracy"]) for own in filled) / 400
    assert told["expected_error"] == pytest.approx(error)
    assert told["brier"] == compute_brier_score(probabilities, true)
    assert told["log_loss"] == compute_log_loss(probabilities, true)
