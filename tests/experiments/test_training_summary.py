import pytest

from mien.experiments.training_summary import (
    spread_attempts,
    summarise_attempt,
    tell_attempts,
    tell_divergence,
)


def fold(name, true, predicted, *, split=None, stopped="epochs", epochs=3):
    training = {"epochs": epochs, "stopped": stopped}
    return {
        "name": name, "split": split, "true": true, "predicted": predicted, "training": training,
    }  # fmt: skip


def test_an_attempt_pools_its_folds():
    folds = [fold("a", [0, 0, 1], [0, 0, 0]), fold("b", [1], [1], epochs=5, stopped="patience")]
    assert summarise_attempt(folds, seed=7, n_classes=2) == {
        "seed": 7,
        "accuracy": 0.75,
        "f1_macro": pytest.approx((4 / 5 + 2 / 3) / 2),
        "splits": {},
        "epochs": [3, 5],
        "stopped": ["epochs", "patience"],
    }


def test_an_attempt_on_the_datasets_splits_scores_each():
    folds = [
        fold("PublicTest", [0, 1], [0, 0], split="PublicTest"),
        fold("PrivateTest", [0, 1], [0, 1], split="PrivateTest"),
    ]
    attempt = summarise_attempt(folds, seed=0, n_classes=2)
    assert (attempt["accuracy"], attempt["f1_macro"]) == (1.0, 1.0)
    assert attempt["splits"] == {
        "PublicTest": {"accuracy": 0.5, "f1_macro": pytest.approx(1 / 3)},
        "PrivateTest": {"accuracy": 1.0, "f1_macro": 1.0},
    }


def test_folds_that_tell_nothing_of_their_training():
    untold = {"name": "a", "split": None, "true": [0, 1], "predicted": [0, 1], "training": None}
    attempt = summarise_attempt([untold], seed=0, n_classes=2)
    assert (attempt["epochs"], attempt["stopped"]) == ([None], [None])


def test_the_spread_is_the_sample_standard_deviation():
    attempts = [{"accuracy": x} for x in (0.5, 0.7, 0.9)]
    assert spread_attempts(attempts, "accuracy") == pytest.approx(
        {"mean": 0.7, "std": 0.2, "lowest": 0.5, "highest": 0.9}
    )
    assert spread_attempts(attempts[:1], "accuracy")["std"] == 0.0
    assert tell_attempts({"title": "CNN", "attempts": attempts}) == (
        "CNN: 3 attempts that differ by their seed, accuracy 70.0% ± 20.0% (50.0% to 90.0%); "
        "the figures above are of the first."
    )


def test_divergence_names_folds_and_counts_other_attempts():
    folds = [fold("a", [0], [0]), fold("b", [0], [0], stopped="diverged")]
    assert tell_divergence({"title": "CNN", "folds": folds}).startswith(
        "CNN: the training diverged in 1 of 2 folds (b). It ended there"
    )
    attempts = [{"stopped": ["epochs", "diverged"]}, {"stopped": ["diverged", "diverged"]}]
    told = tell_divergence({"title": "CNN", "folds": folds, "attempts": attempts})
    assert "in 1 of 2 folds (b) and in 2 of the 2 fits of its other attempts." in told


@pytest.mark.parametrize(
    "model",
    [
        {"title": "SVM", "status": "failed", "error": "no luck"},
        {"title": "SVM", "folds": [{"name": "a", "training": None}, {"name": "b"}]},
        {"title": "CNN", "folds": [fold("a", [0], [0], stopped="patience")]},
    ],
)
def test_what_did_not_diverge_is_not_warned_of(model):
    assert tell_divergence(model) is None
