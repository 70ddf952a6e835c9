import numpy as np

from mien.models.class_columns import spread_probabilities, spread_scores


def test_scores_get_a_column_for_each_class():
    scores = np.array([[1.0, -2.0, 0.5], [3.0, 4.0, 5.0]])
    spread = spread_scores(scores, np.array([0, 2, 3]), 5)
    assert spread.tolist() == [[1.0, -2.0, -2.0, 0.5, -2.0], [3.0, 3.0, 4.0, 5.0, 3.0]]
    assert spread.dtype == np.float32
    two = spread_scores(np.array([2.0, -1.0]), np.array([1, 2]), 3)
    assert two.tolist() == [[-2.0, -2.0, 2.0], [-1.0, 1.0, -1.0]]


def test_probabilities_get_a_column_for_each_class():
    found = spread_probabilities(np.float32([[0.25, 0.75]]), np.array([1, 3]), 4)
    assert found.tolist() == [[0, 0.25, 0, 0.75]]
    assert found.dtype == np.float32
