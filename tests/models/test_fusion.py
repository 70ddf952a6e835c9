import numpy as np
import pytest

from mien.errors import MienError
from mien.models.fusion import (
    FusionClassifier,
    ScoreCombiner,
    score_readable,
)

RNG = np.random.default_rng(0)
Y = np.arange(300) % 3
TELLING = np.eye(3)[Y] * 4 + RNG.normal(size=(300, 3))
NOISE = RNG.normal(size=(300, 3))
UNIFORM = np.full((300, 3), 1 / 3)


def to_probabilities(scores):
    powers = np.exp(scores)
    return powers / powers.sum(axis=1, keepdims=True)


def accuracy(found):
    return (found.argmax(axis=1) == Y).mean()


@pytest.mark.parametrize(
    ("scores", "probabilities"), [(TELLING, UNIFORM), (NOISE, to_probabilities(TELLING))]
)
def test_the_part_that_knows_the_class_is_followed(scores, probabilities):
    combiner = ScoreCombiner().fit(scores, probabilities, Y)
    found = combiner.predict_proba(scores, probabilities)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert accuracy(found) > 0.95


def test_two_parts_that_know_different_things_are_better_than_each():
    first = np.eye(3)[Y] * 1.5 + RNG.normal(size=(300, 3))
    second = to_probabilities(np.eye(3)[Y] * 1.5 + RNG.normal(size=(300, 3)))
    found = ScoreCombiner().fit(first[:150], second[:150], Y[:150]).predict_proba(first, second)
    best = max((own[150:].argmax(axis=1) == Y[150:]).mean() for own in (first, second))
    assert (found[150:].argmax(axis=1) == Y[150:]).mean() > best


def test_the_unit_and_origin_of_scores_do_not_matter():
    probabilities = to_probabilities(NOISE)
    plain = ScoreCombiner().fit(TELLING, probabilities, Y).predict_proba(TELLING, probabilities)
    other = 1000 * TELLING - 7
    moved = ScoreCombiner().fit(other, probabilities, Y).predict_proba(other, probabilities)
    np.testing.assert_allclose(moved, plain, atol=1e-4)


def test_a_constant_score_and_a_probability_of_zero_are_no_obstacle():
    scores = TELLING.copy()
    scores[:, 1] = 2.0
    sure = np.eye(3)[Y]
    found = ScoreCombiner().fit(scores, sure, Y).predict_proba(scores, sure)
    assert np.isfinite(found).all()
    assert accuracy(found) == 1


def test_the_network_alone_answers_where_there_are_no_scores():
    scores = TELLING.copy()
    scores[[0, 7]] = np.nan
    scores[8, 1] = np.nan
    probabilities = to_probabilities(NOISE)
    combiner = ScoreCombiner().fit(scores, probabilities, Y)
    found = combiner.predict_proba(scores, probabilities)
    np.testing.assert_array_equal(found[[0, 7, 8]], probabilities[[0, 7, 8]])
    kept = np.setdiff1d(np.arange(300), [0, 7, 8])
    without = ScoreCombiner().fit(TELLING[kept], probabilities[kept], Y[kept])
    np.testing.assert_array_equal(combiner.coef_, without.coef_)
    nothing = combiner.predict_proba(np.full((2, 3), np.nan), probabilities[:2])
    np.testing.assert_array_equal(nothing, probabilities[:2])


def test_a_class_without_held_out_rows_is_not_predicted():
    kept = Y != 1
    combiner = ScoreCombiner().fit(TELLING[kept], UNIFORM[kept], Y[kept])
    found = combiner.predict_proba(TELLING, UNIFORM)
    assert (found[:, 1] == 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found[kept].argmax(axis=1) == Y[kept]).mean() > 0.95


@pytest.mark.parametrize(("kept", "number"), [(Y == 1, 1), (Y > 3, 0)])
def test_held_out_rows_of_too_few_classes_are_refused(kept, number):
    scores = np.where(kept[:, None], TELLING, np.nan)
    with pytest.raises(MienError, match=rf"are of {number} classes; two are needed.*fusion\.inner"):
        ScoreCombiner().fit(scores, UNIFORM, Y)


class Svm:
    classes_ = np.array([0, 1, 2])

    def decision_function(self, X):
        assert np.isfinite(X).all()
        return X[:, :3]


class Network:
    """Sure of the second class, whatever it sees; it knows two of three."""

    classes_ = np.array([1, 2])

    def predict_proba(self, X):
        assert X.dtype == np.uint8
        return np.tile(np.float32([0.75, 0.25]), (len(X), 1))


def test_a_fusion_asks_the_svm_only_for_rows_that_have_features():
    combiner = ScoreCombiner().fit(TELLING, UNIFORM, Y)
    fusion = FusionClassifier(Svm(), Network(), combiner, 3)
    assert fusion.classes_.tolist() == [0, 1, 2]
    features = np.float32(TELLING[:6])
    features[2] = np.nan
    pixels = np.zeros((6, 48, 48), np.uint8)
    found = fusion.predict_proba((features, pixels))
    assert found[2].tolist() == [0, 0.75, 0.25]
    others = [0, 1, 3, 4, 5]
    answers = np.tile([0, 0.75, 0.25], (5, 1))
    expected = combiner.predict_proba(features[others], answers)
    np.testing.assert_allclose(found[others], expected)
    assert fusion.predict((features, pixels)).tolist() == found.argmax(axis=1).tolist()
    assert np.isnan(score_readable(Svm(), features[[2]], 3)).all()
