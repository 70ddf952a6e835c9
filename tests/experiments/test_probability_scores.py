import numpy as np
import pytest

from mien.experiments.probability_scores import compute_calibration_error


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
