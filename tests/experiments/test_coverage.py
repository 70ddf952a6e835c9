import numpy as np
import pytest

from mien.experiments.coverage import (
    COVERAGES,
    compute_confidence,
    compute_coverage_curve,
    compute_top_share,
    describe_ranking,
)


def test_coverages_go_down_in_steps_of_five_hundredths():
    assert len(COVERAGES) == 20
    assert COVERAGES[:2] + COVERAGES[-1:] == (1.0, 0.95, 0.05)


def test_the_curve_by_hand():
    # surest first: right, right, wrong, right
    curve = compute_coverage_curve(
        [0.9, 0.2, 0.5, 0.7], [1, 1, 0, 1], coverages=(1, 0.75, 0.5, 0.1)
    )
    assert [own["accuracy"] for own in curve] == pytest.approx([3 / 4, 2 / 3, 1, 1])


def test_equally_sure_rows_count_by_their_mean():
    curve = compute_coverage_curve([1, 0, 0, 0], [1, 1, 0, 0], coverages=(1, 0.75, 0.5, 0.25))
    expected = [2 / 4, (1 + 2 / 3) / 3, (1 + 1 / 3) / 2, 1]
    assert [own["accuracy"] for own in curve] == pytest.approx(expected)


def test_the_order_of_rows_does_not_matter():
    rng = np.random.default_rng(0)
    sure, right = rng.integers(0, 5, 60) / 5, rng.random(60) < 0.5
    order = rng.permutation(60)
    first, second = (
        [own["accuracy"] for own in compute_coverage_curve(s, r)]
        for s, r in ((sure, right), (sure[order], right[order]))
    )
    assert first == pytest.approx(second)
    assert first[0] == pytest.approx(right.mean())


def test_a_share_that_is_a_whole_number_of_rows_is_not_rounded_up():
    right = [1] * 57 + [0] * 3
    curve = compute_coverage_curve(-np.arange(60.0), right, coverages=(0.95, 0.05))
    assert [own["accuracy"] for own in curve] == [1.0, 1.0]


def test_confidence_is_the_probability_of_the_answer_or_the_margin_of_its_score():
    outputs = np.array([[0.2, 0.7, 0.1], [0.5, 0.3, 0.2], [np.nan] * 3, [1.0, 0.0, 0.0]])
    predicted = np.array([1, 1, 0, -1])
    sure = compute_confidence(outputs, predicted, probabilities=True)
    assert sure.tolist() == [0.7, 0.3, -np.inf, -np.inf]
    sure = compute_confidence(outputs, predicted, probabilities=False)
    assert sure.tolist() == pytest.approx([0.5, -0.2, -np.inf, -np.inf])


def test_the_second_guess_counts():
    outputs = np.array([[0.2, 0.7, 0.1], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [np.nan] * 3])
    true, predicted = np.array([0, 2, 2, 1]), np.array([1, 0, 2, 1])
    assert compute_top_share(outputs, true, predicted) == 3 / 4
    assert compute_top_share(outputs, true, predicted, k=1) == 2 / 4
    ranking = describe_ranking(outputs, true, predicted, np.array([0.7, 0.5, 0.7, -np.inf]))
    assert ranking["top2"] == 3 / 4
    assert ranking["coverage"][0] == {"coverage": 1.0, "accuracy": 0.5}
