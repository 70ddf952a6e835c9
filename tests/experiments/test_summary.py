import pytest

from mien.experiments.scores import compute_scores
from mien.experiments.summary import choose_split, summarise_model


def make_fold(true, predicted, *, split=None, predict_seconds=0.5):
    return {
        "split": split,
        "true": true,
        "predicted": predicted,
        "scores": compute_scores(true, predicted, 2),
        "fit_seconds": 2.0 * len(true),
        "predict_seconds": predict_seconds,
    }


def test_folds_are_pooled_for_report_and_matrix():
    folds = [make_fold([0, 1], [0, 0]), make_fold([0, 1, 1, 1], [0, 1, 1, 1])]
    model = summarise_model(folds, classes=["a", "b"])
    assert model["confusion_matrix"] == [[2, 0], [1, 3]]
    assert model["classification_report"]["accuracy"] == pytest.approx(5 / 6)
    assert model["summary"]["accuracy"]["mean"] == pytest.approx(0.75)
    assert model["splits"] == {}
    assert model["reported_split"] is None
    assert model["timing"] == pytest.approx(
        {"fit_seconds": 6.0, "predict_ms_per_face": 1000 * 1.0 / 6}
    )


def test_report_covers_the_final_split_only():
    folds = [
        make_fold([0, 1], [0, 0], split="PrivateTest"),
        make_fold([0, 1], [0, 1], split="PublicTest"),
    ]
    model = summarise_model(folds, classes=["a", "b"])
    assert model["reported_split"] == "PrivateTest"
    assert model["confusion_matrix"] == [[1, 0], [1, 0]]
    assert model["splits"]["PublicTest"]["accuracy"] == 1.0
    assert model["splits"]["PrivateTest"]["accuracy"] == 0.5


def test_without_a_final_split_the_last_one_decides():
    assert choose_split([{"split": "dev"}, {"split": "test"}]) == "test"
    assert choose_split([{"split": None}, {}]) is None
