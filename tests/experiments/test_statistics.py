from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import binomtest

from mien.experiments.resampled_test import compute_resampled_t
from mien.experiments.statistics import (
    adjust_holm,
    compare_models,
    compare_pair,
    compute_mcnemar,
    compute_sign_flip,
    describe_chance,
)


def make_model(title, predicted, *, true=None, repeat=0, split=None, indices=None):
    n = len(predicted)
    fold = {
        "repeat": repeat,
        "split": split,
        "indices": list(range(n)) if indices is None else indices,
        "true": [0] * n if true is None else true,
        "predicted": list(predicted),
    }
    return {"title": title, "status": "ok", "folds": [fold]}


def test_mcnemar_by_hand():
    # 2 (C(10,0) + C(10,1)) / 2^10
    assert compute_mcnemar(9, 1) == pytest.approx(22 / 1024)
    assert compute_mcnemar(1, 9) == pytest.approx(22 / 1024)
    assert compute_mcnemar(3, 3) == 1.0
    assert compute_mcnemar(0, 0) == 1.0


def test_mcnemar_worked_example():
    # Approval of the prime minister, Agresti 1990: 150 went one way, 86 the other.
    # Exact p-value as printed in the documentation of R's exact2x2 (Fay 2010).
    assert compute_mcnemar(150, 86) == pytest.approx(3.716e-05, rel=1e-3)


@pytest.mark.parametrize(("a", "b"), [(0, 1), (5, 12), (40, 41), (300, 200)])
def test_mcnemar_is_the_two_sided_binomial_test(a, b):
    assert compute_mcnemar(a, b) == pytest.approx(binomtest(a, a + b).pvalue)


def test_holm_worked_example():
    # Holm 1979 on p = .01, .04, .03, .005: the two smallest are rejected at .05.
    adjusted = adjust_holm([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(adjusted, [0.03, 0.06, 0.06, 0.02])


def test_holm_stays_below_one_and_takes_no_comparisons():
    assert adjust_holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert adjust_holm([]).tolist() == []


def test_sign_flip_agrees_with_all_patterns():
    differences = np.array([5, -1, 3, 3, 2, -2, 4, 1])
    patterns = np.array(np.meshgrid(*[[-1, 1]] * 8)).reshape(8, -1).T
    exact = (np.abs(patterns @ differences) >= abs(differences.sum())).mean()
    assert compute_sign_flip(differences) == pytest.approx(exact, abs=0.01)


def test_sign_flip_of_units_agrees_with_mcnemar():
    differences = [1] * 14 + [-1] * 5 + [0] * 30
    assert compute_sign_flip(differences) == pytest.approx(compute_mcnemar(14, 5), abs=0.01)


def test_sign_flip_is_seeded_and_never_zero():
    assert compute_sign_flip([1, 2, 3], seed=4) == compute_sign_flip([1, 2, 3], seed=4)
    assert compute_sign_flip([7] * 60) == 1 / 10_001
    assert compute_sign_flip([0, 0]) == 1.0


def test_pair_counts_and_direction():
    pair = compare_pair([0, 0, 1, 1], [0, 0, 1, 0], [0, 1, 0, 1])
    assert (pair.a_only_right, pair.b_only_right) == (2, 1)
    assert pair.difference == pytest.approx(0.25)
    assert pair.test == "McNemar, exact"


def test_person_wise_test_is_chosen_with_groups():
    # One person makes the whole difference: no evidence for other persons.
    true = [0] * 40
    first, second = [0] * 40, [1] * 20 + [0] * 20
    groups = ["p1"] * 20 + [f"p{i}" for i in range(2, 22)]
    assert compare_pair(true, first, second).p_value < 1e-5
    grouped = compare_pair(true, first, second, groups=groups)
    assert grouped.p_value == 1.0
    assert grouped.test == "Sign-flip permutation over 21 persons"


def test_false_alarms_are_rare_when_there_is_no_difference():
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(400):
        first, second = (rng.random((2, 200)) < 0.3).astype(int)
        alarms += compare_pair(np.zeros(200, dtype=int), first, second).p_value <= 0.05
    assert 0 < alarms / 400 <= 0.06


def test_persons_need_the_person_wise_test():
    # Equally good models, but each suits some persons: rows of a person are right together.
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(25), 12)
    naive = grouped = 0
    for seed in range(300):
        suits = (rng.random((2, 25)) < 0.4)[:, groups]
        first, second = (suits & (rng.random((2, 300)) < 0.9)).astype(int)
        true = np.zeros(300, dtype=int)
        naive += compare_pair(true, first, second).p_value <= 0.05
        pair = compare_pair(true, first, second, groups=groups, flips=1000, seed=seed)
        grouped += pair.p_value <= 0.05
    assert naive / 300 > 0.3
    assert 0 < grouped / 300 <= 0.08


def test_sentence_of_a_difference():
    first, second = [0] * 90 + [1] * 10, [0] * 70 + [1] * 30
    [found] = compare_models({"cnn": make_model("CNN", second), "svm": make_model("SVM", first)})
    assert found["significant"]
    assert (found["a"], found["b"], found["b_only_right"]) == ("cnn", "svm", 20)
    assert found["difference"] == pytest.approx(-0.2)
    assert found["sentence"] == (
        "SVM is better than CNN by 20.0 points; a difference this large arises by chance in "
        "fewer than 1 of 1,000 repeats (McNemar's exact test, Holm-adjusted)."
    )


def test_sentence_of_no_difference():
    first, second = [0, 0, 0, 1], [1, 1, 0, 1]
    [found] = compare_models({"a": make_model("A", first), "b": make_model("B", second)})
    assert not found["significant"]
    assert found["sentence"] == (
        "A and B cannot be told apart: they differ by 50.0 points, and a difference this large "
        "arises by chance in 50 of 100 repeats (McNemar's exact test, Holm-adjusted)."
    )


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ([0, 0, 1], "they differ by 33.3 points, no more than chance gives (McNemar's exact test"),
        ([0, 1, 0], "both got equally many rows right"),
    ],
)
def test_sentence_of_pure_chance(second, expected):
    models = {"a": make_model("A", [0, 0, 0]), "b": make_model("B", second)}
    if second == [0, 1, 0]:
        models["a"] = make_model("A", [0, 0, 1])
    [found] = compare_models(models)
    assert expected in found["sentence"]


def test_three_models_are_adjusted_and_failed_ones_left_out():
    models = {
        "a": make_model("A", [0] * 10),
        "b": make_model("B", [1] * 10),
        "c": make_model("C", [0] * 9 + [1]),
        "d": {"title": "D", "status": "failed", "error": "no"},
    }
    found = {(c["a"], c["b"]): c for c in compare_models(models)}
    assert set(found) == {("a", "b"), ("a", "c"), ("b", "c")}
    assert found["a", "b"]["p_adjusted"] == pytest.approx(3 * 2 / 1024)
    assert found["b", "c"]["p_adjusted"] == pytest.approx(2 * 2 / 512)


def test_rows_are_matched_by_number_not_by_order():
    models = {
        "a": make_model("A", [0, 1, 0], true=[0, 1, 0]),
        "b": make_model("B", [0, 0, 1], true=[0, 0, 1], indices=[2, 0, 1]),
    }
    [found] = compare_models(models)
    assert found["difference"] == 0.0
    assert found["a_only_right"] == 0


def test_other_rows_are_refused():
    models = {
        "a": make_model("A", [0, 1]),
        "b": make_model("B", [0, 1], indices=[0, 2]),
    }
    with pytest.raises(ValueError, match="a and b did not predict the same rows"):
        compare_models(models)


def test_repeats_do_not_count_a_row_twice():
    models = {"a": make_model("A", [0] * 6), "b": make_model("B", [1] * 6)}
    [once] = compare_models(models)
    for model in models.values():
        model["folds"] = [{**model["folds"][0], "repeat": r} for r in range(10)]
    [often] = compare_models(models)
    assert often["test"] == "Sign-flip permutation over 6 rows"
    assert often["p_value"] == pytest.approx(once["p_value"], abs=0.01)


def test_only_the_deciding_split_is_compared():
    models = {"a": make_model("A", [0] * 8), "b": make_model("B", [1] * 8)}
    for model in models.values():
        fold = model["folds"][0]
        rest = {**fold, "indices": list(range(8, 16)), "predicted": [0] * 8, "split": "PublicTest"}
        model["folds"] = [{**fold, "split": "PrivateTest"}, rest]
    [found] = compare_models(models)
    assert found["difference"] == 1.0


def test_unknown_persons_are_groups_of_their_own():
    models = {"a": make_model("A", [0] * 6), "b": make_model("B", [1] * 6)}
    [found] = compare_models(models, groups=["p", "p", "", "", "", None])
    assert found["test"] == "Sign-flip permutation over 5 persons"


def make_repeats(title, accuracies, *, n=20, train_rows=40):
    """A model whose every fold has its own accuracy; a repeat is three folds of n rows."""
    folds = [
        {
            "repeat": i // 3,
            "split": None,
            "indices": list(range(n * (i % 3), n * (i % 3 + 1))),
            "true": [0] * n,
            "predicted": [0] * round(share * n) + [1] * (n - round(share * n)),
            "train_rows": train_rows,
        }
        for i, share in enumerate(accuracies)
    ]
    return {"title": title, "status": "ok", "folds": folds}


FIRST, SECOND = [0.9, 0.85, 0.8, 0.95, 0.9, 0.9], [0.8, 0.8, 0.75, 0.8, 0.85, 0.8]


def test_with_repeats_the_corrected_resampled_t_test_decides():
    models = {"a": make_repeats("A", FIRST), "b": make_repeats("B", SECOND)}
    [found] = compare_models(models)
    expected = compute_resampled_t(np.subtract(FIRST, SECOND), test_share=20 / 40)
    assert found["resampled"] == pytest.approx(asdict(expected))
    assert found["p_value"] == found["p_adjusted"] == pytest.approx(expected.p_value)
    assert found["test"] == "Corrected resampled t-test over 6 folds of all repeats"
    assert "(corrected resampled t-test over 6 folds of all repeats, Holm-adj" in found["sentence"]
    assert found["paired"]["test"] == "Sign-flip permutation over 60 rows"
    assert found["interval"]["low"] < found["difference"] < found["interval"]["high"]


def test_without_repeats_it_is_told_but_does_not_decide():
    models = {"a": make_repeats("A", FIRST[:3]), "b": make_repeats("B", SECOND[2::-1])}
    [found] = compare_models(models)
    assert found["resampled"]["df"] == 2
    assert found["test"] == found["paired"]["test"] == "McNemar, exact"
    assert found["p_value"] == found["paired"]["p_value"] != found["resampled"]["p_value"]


def test_holm_is_over_the_pairs_of_the_test_that_decides():
    third = [0.7, 0.75, 0.7, 0.8, 0.7, 0.75]
    accuracies = {"a": FIRST, "b": SECOND, "c": third}
    found = compare_models({name: make_repeats(name, own) for name, own in accuracies.items()})
    p_values = [pair["resampled"]["p_value"] for pair in found]
    assert [pair["p_adjusted"] for pair in found] == pytest.approx(adjust_holm(p_values).tolist())


def test_where_training_rows_are_not_known_the_paired_test_decides():
    models = {
        name: make_repeats(name, own, train_rows=None)
        for name, own in (("a", FIRST), ("b", SECOND))
    }
    [found] = compare_models(models)
    assert found["resampled"] is None
    assert found["test"] == "Sign-flip permutation over 60 rows"


def test_twins_widen_the_interval_and_leave_the_test():
    n = 40
    rng = np.random.default_rng(2)
    first, second = (np.repeat(rng.random((2, n // 4)) < 0.4, 4, axis=1)).astype(int)
    models = {"a": make_model("A", first), "b": make_model("B", second)}
    [alone], [twins] = (
        compare_models(models, groups=groups, unit="groups of twins")
        for groups in (np.arange(n), np.arange(n) // 4)
    )
    assert alone["test"] == twins["test"] == "McNemar, exact"
    widths = [pair["interval"]["high"] - pair["interval"]["low"] for pair in (alone, twins)]
    assert widths[1] > 1.5 * widths[0]


@pytest.mark.parametrize(
    ("p_value", "expected"),
    [
        (1.0, "100 of 100 repeats"),
        (0.31, "31 of 100 repeats"),
        (0.0995, "10 of 100 repeats"),
        (0.05, "50 of 1,000 repeats"),
        (0.003, "3 of 1,000 repeats"),
        (0.0007, "1 of 1,000 repeats"),
        (0.0001, "fewer than 1 of 1,000 repeats"),
    ],
)
def test_chance_in_words(p_value, expected):
    assert describe_chance(p_value) == expected
