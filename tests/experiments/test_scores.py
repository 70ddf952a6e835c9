import numpy as np
import pytest
from sklearn import metrics

from mien.errors import MienError
from mien.experiments.scores import (
    METRICS,
    NO_PREDICTION,
    compute_classification_report,
    compute_confusion_matrix,
    compute_scores,
    summarise_folds,
)

# Six rows, three classes: class 0 has 3 rows (2 right), class 1 has 2 (1 right), class 2 has 1 (0).
TRUE = [0, 0, 0, 1, 1, 2]
PREDICTED = [0, 0, 1, 1, 0, 0]


def test_confusion_matrix_has_true_classes_as_rows():
    matrix = compute_confusion_matrix(TRUE, PREDICTED, 3)
    assert matrix.tolist() == [[2, 1, 0], [1, 1, 0], [1, 0, 0]]


def test_normalised_rows_sum_to_one_or_stay_zero():
    matrix = compute_confusion_matrix(TRUE, PREDICTED, 4, normalise=True)
    np.testing.assert_allclose(matrix.sum(axis=1), [1, 1, 1, 0])
    np.testing.assert_allclose(matrix[0], [2 / 3, 1 / 3, 0, 0])


def test_scores_by_hand():
    scores = compute_scores(TRUE, PREDICTED, 3)
    # precision 2/4, 1/2, 0; recall 2/3, 1/2, 0; f1 = 2 right / (support + predicted) 4/7, 2/4, 0
    assert tuple(scores) == METRICS
    assert scores["accuracy"] == pytest.approx(3 / 6)
    assert scores["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2) / 3)
    assert scores["precision_macro"] == pytest.approx((1 / 2 + 1 / 2) / 3)
    assert scores["recall_macro"] == pytest.approx((2 / 3 + 1 / 2) / 3)
    assert scores["f1_macro"] == pytest.approx((4 / 7 + 1 / 2) / 3)
    assert scores["f1_weighted"] == pytest.approx((3 * 4 / 7 + 2 * 1 / 2) / 6)
    # right by chance: (3 * 4 + 2 * 2 + 1 * 0) / 36
    assert scores["kappa"] == pytest.approx((1 / 2 - 4 / 9) / (1 - 4 / 9))


@pytest.mark.parametrize("seed", range(20))
def test_scores_agree_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    present = rng.permutation(6)[: rng.integers(1, 7)]
    true, predicted = rng.choice(present, 40), rng.integers(0, 6, 40)
    labels = np.unique(true)
    options = {"labels": labels, "average": "macro", "zero_division": 0}
    expected = {
        "accuracy": metrics.accuracy_score(true, predicted),
        "balanced_accuracy": metrics.recall_score(true, predicted, **options),
        "precision_macro": metrics.precision_score(true, predicted, **options),
        "recall_macro": metrics.recall_score(true, predicted, **options),
        "f1_macro": metrics.f1_score(true, predicted, **options),
        "f1_weighted": metrics.f1_score(true, predicted, average="weighted", zero_division=0),
        "kappa": metrics.cohen_kappa_score(true, predicted),
    }
    assert compute_scores(true, predicted, 6) == pytest.approx(expected)


def test_kappa_worked_example():
    # The example of the article on Cohen's kappa in Wikipedia: of 50 applications two readers
    # accept 20 and refuse 15 both; 5 and 10 times one of them accepts alone. Kappa is 0.4.
    true, predicted = [1] * 25 + [0] * 25, [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    assert compute_scores(true, predicted, 2)["kappa"] == pytest.approx(0.4)


def test_kappa_of_answers_worse_than_chance_is_negative():
    assert compute_scores([0, 1], [1, 0], 2)["kappa"] == -1.0


def test_kappa_of_rows_without_an_answer():
    # right by chance: (2 * 1 + 1 * 1) / 9
    scores = compute_scores([0, 0, 1], [0, NO_PREDICTION, 1], 2)
    assert scores["kappa"] == pytest.approx((2 / 3 - 1 / 3) / (1 - 1 / 3))


def test_kappa_of_one_class_alone_is_nothing_by_nothing():
    assert compute_scores([1, 1], [1, 1], 2)["kappa"] == 0.0


def test_classification_report_agrees_with_scikit_learn():
    rng = np.random.default_rng(1)
    true, predicted = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    classes = ["angry", "fear", "happy", "sad"]
    ours = compute_classification_report(true, predicted, classes)
    theirs = metrics.classification_report(true, predicted, target_names=classes, output_dict=True)
    assert list(ours) == list(theirs)
    assert ours.pop("accuracy") == pytest.approx(theirs.pop("accuracy"))
    for name, row in theirs.items():
        row["f1"] = row.pop("f1-score")
        assert ours[name] == pytest.approx(row)


def test_absent_class_takes_no_part_in_averages():
    report = compute_classification_report([0, 0, 1], [0, 2, 1], ["a", "b", "absent"])
    assert report["absent"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert report["macro avg"]["recall"] == pytest.approx((1 / 2 + 1) / 2)
    assert report["macro avg"]["support"] == 3


def test_no_prediction_is_wrong_and_missed_by_its_class():
    true, predicted = [0, 0, 1], [0, NO_PREDICTION, 1]
    scores = compute_scores(true, predicted, 2)
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert scores["recall_macro"] == pytest.approx((1 / 2 + 1) / 2)
    assert scores["precision_macro"] == 1.0
    assert compute_confusion_matrix(true, predicted, 2).tolist() == [[1, 0], [0, 1]]


def test_spread_is_the_sample_standard_deviation():
    summary = summarise_folds([{"accuracy": 0.5}, {"accuracy": 0.7}, {"accuracy": 0.9}])
    assert summary["accuracy"] == pytest.approx({"mean": 0.7, "std": 0.2})
    assert summarise_folds([{"accuracy": 0.5}])["accuracy"] == {"mean": 0.5, "std": 0.0}


@pytest.mark.parametrize(
    ("true", "predicted"),
    [([], []), ([0, 1], [0]), ([0, 2], [0, 1]), ([0, 1], [0, -2]), ([-1], [0]), ([0.5], [0.5])],
)
def test_bad_labels_are_refused(true, predicted):
    with pytest.raises(ValueError, match="expected"):
        compute_scores(true, predicted, 2)


def test_no_folds_are_refused():
    with pytest.raises(ValueError, match="at least one fold"):
        summarise_folds([])


@pytest.mark.parametrize("classes", [["accuracy", "b"], ["a", "a"]])
def test_class_names_that_would_overwrite_each_other_are_refused(classes):
    with pytest.raises(MienError, match="class names"):
        compute_classification_report([0, 1], [0, 1], classes)
