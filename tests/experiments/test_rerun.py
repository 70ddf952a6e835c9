"""A comparison done again from its results alone."""

import json
import shutil

import pytest

from mien.errors import MienError
from mien.experiments.comparison_options import ComparisonOptions
from mien.experiments.manifest import describe_options, read_options
from mien.experiments.rerun import check_repetition, rerun
from mien.experiments.row_data import RowData

COMPARE = ("--models", "svm-linear", "--set", "svm-linear.families=blendshapes", "--cv")


@pytest.fixture
def results(run, store, tmp_path):
    """Results of a comparison; returns the file."""
    code, _, error = run("compare", store.path, "--out", "a", *COMPARE, "subject:3", "--seed", 3)
    assert code == 0, error
    return tmp_path / "a" / "results.json"


def change(path, edit):
    results = json.loads(path.read_text())
    edit(results)
    path.write_text(json.dumps(results))


def test_options_survive_the_results_file(store):
    options = ComparisonOptions(
        models=("svm-linear", "cnn"),
        scheme="subject:3",
        seed=7,
        parameters={"cnn": {"epochs": 2}},
        limit=40,
        memory=10**9,
        tuned_on={"cnn": "ab"},
        attempts=2,
        command="mien compare",
    )
    told = json.loads(json.dumps(describe_options(RowData(store), options)))
    assert told["store"] == str(store.path)
    assert told["filter"] is None
    assert read_options({"options": told, "command": "mien compare"}) == options


def test_options_of_another_version_are_refused():
    told = {"store": "a", "models": ["cnn"], "seed": 0, "upside_down": True}
    with pytest.raises(MienError, match="does not know: upside_down"):
        read_options({"options": told, "command": ""})
    with pytest.raises(MienError) as caught:
        read_options({"command": "mien compare x --out y"})
    assert caught.value.hint == "Compare again by hand: mien compare x --out y"


def test_repetition_predicts_the_same(run, results, tmp_path):
    code, out, error = run("rerun", results)
    assert code == 0, error
    assert "SVM, linear kernel: the same 54 predictions" in out
    assert "every prediction is the same" in out
    repeated = json.loads((tmp_path / "a" / "rerun" / "results.json").read_text())
    first = json.loads(results.read_text())
    for key in ("options", "command", "dataset"):
        assert repeated[key] == first[key]
    assert repeated["protocol"]["folds_digest"] == first["protocol"]["folds_digest"]
    assert repeated["protocol"]["seed"] == 3


def test_another_prediction_is_found(run, results):
    def turn(results):
        fold = results["models"]["svm-linear"]["folds"][1]
        fold["predicted"][0] = (fold["predicted"][0] + 1) % 3

    change(results, turn)
    code, out, _ = run("rerun", results, "--out", "again")
    assert code == 1
    assert "1 of 54 predictions differ" in out
    assert "was not repeated" in out


def test_another_dataset_is_refused_before_anything_is_fitted(run, results, tmp_path):
    change(results, lambda told: told["dataset"].update(hash="0" * 64))
    code, _, error = run("rerun", results, "--out", "again")
    assert code == 2
    assert "is not the dataset of these results" in error
    assert not (tmp_path / "again").exists()


def test_store_that_moved_is_named(run, results, store, tmp_path):
    change(results, lambda told: told["options"].update(store="gone"))
    code, _, error = run("rerun", results, "--out", "again")
    assert code == 2
    assert "no feature store at gone" in error
    shutil.copytree(store.path, tmp_path / "moved")
    assert run("rerun", results, "--out", "again", "--store", "moved")[0] == 0


def test_folder_of_the_results_is_refused(run, results):
    code, _, error = run("rerun", results, "--out", results.parent)
    assert code == 2
    assert "nothing would be repeated" in error


def test_results_without_options_are_refused(run, results):
    change(results, lambda told: told.pop("options"))
    code, _, error = run("rerun", results)
    assert code == 2
    assert "Compare again by hand: mien compare" in error


def make_results(predicted, *, digest="a", status="ok", name="fold 1"):
    fold = {"name": name, "indices": [4, 5, 6], "true": [0, 1, 0], "predicted": predicted}
    model = {"title": "SVM", "status": status}
    if status == "ok":
        model["folds"] = [fold]
    return {"protocol": {"folds_digest": digest}, "models": {"svm": model}}


def test_differences_are_counted():
    before = make_results([0, 1, 0])
    checked = check_repetition(before, make_results([0, 0, 1]))
    model = checked["models"]["svm"]
    assert (model["rows"], model["different"]) == (3, 2)
    assert model["accuracy_before"] == 1.0
    assert model["accuracy_after"] == pytest.approx(1 / 3)
    assert not checked["same"]
    assert check_repetition(before, before)["same"]


@pytest.mark.parametrize(
    "after",
    [
        make_results([0, 1, 0], digest="b"),
        make_results([0, 1, 0], name="fold 2"),
        make_results([], status="failed"),
        {"protocol": {}, "models": {}},
    ],
)
def test_other_folds_or_a_failure_are_no_repetition(after):
    assert not check_repetition(make_results([0, 1, 0]), after)["same"]


def test_a_failure_is_repeated_by_a_failure():
    failed = make_results([], status="failed")
    assert check_repetition(failed, failed)["same"]


def test_rerun_needs_no_command_line(results, tmp_path):
    before = json.loads(results.read_text())
    after = rerun(before, tmp_path / "again")
    assert check_repetition(before, after)["same"]
