import pytest

from mien.errors import MienError
from mien.experiments.report import build_report, check_results
from mien.experiments.report.schema import to_plain
from mien.experiments.report.training import build_attempts, build_attempts_table, list_training
from mien.experiments.report.write import render_html, render_markdown


def fold(**training):
    told = {
        "epochs": 12, "best_epoch": 7, "pictures": 1200, "parameters": 4321, "precision": "float32",
        "stopped": "patience", "time_budget": 0.0,
    }  # fmt: skip
    return {"training": {**told, **training}}


def read(text):
    return text.replace("\u00a0", " ")


def test_folds_that_agree_are_told_once():
    assert list_training([fold(), fold()]) == (
        ("Epochs trained", "12"),
        ("Best epoch", "7"),
        ("Pictures seen in all", "1,200"),
        ("Parameters of the network", "4,321"),
        ("Precision", "float32"),
        ("Ended", "patience used up"),
    )


def test_folds_that_differ_are_told_as_a_range():
    folds = [
        fold(),
        fold(epochs=25, best_epoch=3, pictures=2500, stopped="time budget", time_budget=5400.0),
        fold(epochs=20, stopped="time budget", precision="bfloat16", time_budget=5400.0),
    ]
    told = dict(list_training(folds))
    assert told["Epochs trained"] == "12 to 25"
    assert told["Best epoch"] == "3 to 7"
    assert told["Pictures seen in all"] == "1,200 to 2,500"
    assert told["Precision"] == "float32 (2 folds), bfloat16 (1 fold)"
    assert told["Ended"] == "time budget used up (2 folds), patience used up (1 fold)"
    assert read(told["Time budget of each fit"]) == "1 h 30 min"


@pytest.mark.parametrize("training", [None, {}, {"time_budget": 0.0}])
def test_a_model_that_tells_nothing_has_nothing_to_show(training):
    assert list_training([{"training": training}, {}]) == ()


def make_attempt(seed, accuracy, **others):
    return {
        "seed": seed, "accuracy": accuracy, "f1_macro": accuracy / 2, "splits": {},
        "epochs": [3, 5], "stopped": ["epochs", "patience"], **others,
    }  # fmt: skip


def test_every_attempt_is_shown_and_then_their_spread():
    attempts = [make_attempt(4, 0.5), make_attempt(5, 0.7, stopped=["patience"] * 2)]
    model = {"title": "CNN", "attempts": [*attempts, make_attempt(6, 0.9, epochs=[4])]}
    table = build_attempts(model)
    assert table.columns == ("Attempt", "Accuracy, %", "F1, macro, %", "Epochs", "Ended")
    rows = {row.head: tuple(map(read, row.cells)) for row in table.rows}
    assert list(rows) == ["Seed 4", "Seed 5", "Seed 6", "Mean ± spread", "Lowest", "Highest"]
    ended = "all epochs done (1 fold), patience used up (1 fold)"
    assert rows["Seed 4"] == ("50.0", "25.0", "3 to 5", ended)
    assert rows["Seed 5"] == ("70.0", "35.0", "3 to 5", "patience used up")
    assert rows["Seed 6"][2] == "4"
    assert rows["Mean ± spread"][:2] == ("70.0 ± 20.0", "35.0 ± 10.0")
    assert (rows["Lowest"][0], rows["Highest"][0]) == ("50.0", "90.0")
    assert [row.marked for row in table.rows] == [True] + [False] * 5
    (row,) = build_attempts_table({"cnn": model, "svm": {"title": "SVM"}}).rows
    assert (row.head, *map(read, row.cells)) == ("CNN", "3", "70.0 ± 20.0", "50.0", "90.0")


def test_one_attempt_is_no_table():
    assert build_attempts({"title": "CNN"}) is None
    assert build_attempts_table({"cnn": {"title": "CNN"}}) is None


def test_attempts_on_splits_have_a_column_each(build_results):
    results = build_results("official_attempts")
    report = build_report(results)
    (section,) = (section for section in report.sections if section.title == "CNN")
    assert section.attempts.columns[1:4] == (
        "PublicTest accuracy, %", "PrivateTest accuracy, %", "PrivateTest F1, macro, %",
    )  # fmt: skip
    attempts = results["models"]["cnn"]["attempts"]
    for row, attempt in zip(section.attempts.rows[:3], attempts, strict=True):
        told = [attempt["splits"][name]["accuracy"] for name in ("PublicTest", "PrivateTest")]
        assert row.cells[:2] == tuple(f"{100 * value:.1f}" for value in told)
    assert report.attempts.caption.startswith("Accuracy on PrivateTest over attempts")


def test_attempts_and_trainings_are_in_both_files(build_results):
    report = build_report(build_results("attempts"))
    for text in (render_html(report), render_markdown(report)):
        assert "Accuracy over attempts with other seeds" in text
        assert "Parameters of the network" in text
        assert "3,931,975" in text
        assert all(f"Seed {seed}" in text for seed in range(10))
    without = build_report(build_results("two"))
    assert "Attempt" not in render_html(without) + render_markdown(without)


def test_a_training_that_diverged_is_among_the_first_lines(build_results):
    results = build_results("two")
    results["models"]["cnn"]["folds"][2]["training"]["stopped"] = "diverged"
    (warning,) = build_report(results).warnings
    assert warning.startswith("CNN: the training diverged in 1 of 10 folds (fold 3).")
    assert results["protocol"]["honest"]


@pytest.mark.parametrize("changed", [{"stopped": "boredom"}, {"epochs": -1}, {"precision": 32}])
def test_the_schema_refuses_other_trainings(build_results, changed):
    results = to_plain(build_results("two"))
    results["models"]["cnn"]["folds"][0]["training"].update(changed)
    with pytest.raises(MienError, match=rf"training\.{next(iter(changed))} should be"):
        check_results(results)


def test_the_schema_refuses_an_attempt_without_its_seed(build_results):
    results = to_plain(build_results("attempts"))
    del results["models"]["cnn"]["attempts"][1]["seed"]
    with pytest.raises(MienError, match=r"attempts\[1\]\.seed is missing"):
        check_results(results)
