import json

import numpy as np
import pytest

from mien.errors import MienError
from mien.experiments import fits as fits_module
from mien.experiments.calibration import calibrate_outputs, choose_inner_fold, fill_probabilities
from mien.experiments.compare import compare
from mien.experiments.comparison_options import ComparisonOptions
from mien.experiments.folds import Fold
from mien.experiments.row_data import RowData

SMALL = {"svm-linear": {"families": "blendshapes"}}


def options(**others):
    return ComparisonOptions(
        models=("svm-linear",), **{"scheme": "subject:2", "parameters": SMALL, **others}
    )


def read_cells(out):
    return {path.name: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}


@pytest.fixture
def data(store):
    return RowData(store)


@pytest.fixture
def fold(data):
    persons = data.subjects[data.usable]
    rows = np.flatnonzero(data.usable)
    return Fold("fold 1", 0, None, rows[persons != "p05"], rows[persons == "p05"])


def test_what_calibrates_is_of_other_persons_among_the_training_rows(data, fold):
    inner = choose_inner_fold(data, fold, seed=0)
    assert sorted([*inner.train, *inner.test]) == fold.train.tolist()
    assert not set(data.groups(np.arange(54))[inner.train]) & set(
        data.groups(np.arange(54))[inner.test]
    )
    assert set(data.codes[inner.test]) == {0, 1, 2}
    assert inner.name.startswith("fold 1, inner fold ")


def test_probabilities_are_of_the_classes_that_were_fitted(data, fold):
    only = Fold("two", 0, None, fold.train[data.codes[fold.train] != 1], fold.test)
    inner = choose_inner_fold(data, only, seed=0)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(len(inner.test), 3)).astype(np.float32)
    scores = noise + 2 * np.eye(3, dtype=np.float32)[data.codes[inner.test]]
    outputs = np.float32([[2, 0, -2], [-2, 0, 2], [np.nan] * 3])
    (found,) = calibrate_outputs(data, inner, scores, [outputs])
    np.testing.assert_allclose(found[:2].sum(axis=1), 1)
    assert found[:2, 1].tolist() == [0, 0]
    assert found[0, 0] > 0.5 > found[1, 0]
    assert np.isnan(found[2]).all()


def test_rows_without_outputs_get_the_shares_of_the_classes(data, fold):
    own = np.full((len(fold.test), 3), np.nan)
    own[0] = [0.123456789, 0.5, 0.376543211]
    filled = fill_probabilities(data, fold, own)
    assert filled[0] == [0.12346, 0.5, 0.37654]
    shares = np.bincount(data.codes[fold.train]) / len(fold.train)
    assert filled[1] == pytest.approx(shares.tolist(), abs=1e-5)


def test_a_class_without_scores_cannot_be_calibrated(data, fold):
    inner = choose_inner_fold(data, fold, seed=0)
    scores = np.zeros((len(inner.test), 3), dtype=np.float32)
    scores[data.codes[inner.test] == 2] = np.nan
    with pytest.raises(MienError, match="lack a class"):
        calibrate_outputs(data, inner, scores, [scores])


def test_calibration_changes_no_prediction_and_no_fit(data, tmp_path):
    plain = compare(data, options(calibrate=False), tmp_path)["models"]["svm-linear"]
    before = read_cells(tmp_path)
    model = compare(data, options(), tmp_path)["models"]["svm-linear"]
    after = read_cells(tmp_path)
    assert {name: after[name] for name in before} == before
    assert (len(before), len(after)) == (4, 8)
    assert (plain["calibration"], plain["remarks"]) == (None, [])
    assert 0 < plain["ranking"]["top2"] <= 1
    assert model["calibration"]["log_loss"] < np.log(3)
    for own, other in zip(plain["folds"], model["folds"], strict=True):
        assert own["probabilities"] is None
        assert {**own, "probabilities": 0} == {**other, "probabilities": 0}
        told = np.array(other["probabilities"])
        assert told.shape == (len(other["true"]), 3)
        np.testing.assert_allclose(told.sum(axis=1), 1, atol=2e-5)


def test_no_test_row_has_a_part_in_the_calibration(make_store, tmp_path, monkeypatch):
    fitted = []

    def remember(*arguments):
        fitted.append(FIT(*arguments))
        return fitted[-1]

    monkeypatch.setattr("mien.experiments.calibration.fit_logits", remember)
    for name, poisoned in (("a", False), ("b", True)):
        store = make_store()
        if poisoned:
            folds = json.loads((tmp_path / "a" / "folds.json").read_text())["folds"]
            values = np.load(store.path / "features" / "blendshapes.npy")
            values[folds[0]["test"]] = 1e6
            np.save(store.path / "features" / "blendshapes.npy", values)
        compare(RowData(store), options(), tmp_path / name)
    np.testing.assert_array_equal(fitted[0].coef, fitted[2].coef)
    assert (fitted[1].coef != fitted[3].coef).any()


def test_a_class_with_too_few_rows_costs_the_probabilities_alone(make_store, tmp_path):
    store = make_store()
    rows = store.rows
    scarce = (rows["label"] == "happy") & ~rows["picture"].str.contains("happy_0")
    rows.loc[scarce | ((rows["label"] == "happy") & (rows["subject"] > "p03")), "label"] = ""
    results = compare(RowData(store), options(), tmp_path)
    model = results["models"]["svm-linear"]
    assert model["status"] == "ok"
    assert model["calibration"] is None
    assert model["folds"][0]["probabilities"] is None
    assert model["remarks"][0].startswith("No probabilities in fold 1: Holding out 3 parts needs")


def test_nested_tuning_is_not_done_again_inside(data, tmp_path, monkeypatch):
    tune, evaluate, tuned, fitted = fits_module.tune, fits_module.evaluate_folds, [], []

    def remember(*arguments, **others):
        tuned.append(tune(*arguments, **others))
        return tuned[-1]

    def watch(candidate, data, folds, parameters, **others):
        fitted.append(dict(parameters))
        return evaluate(candidate, data, folds, parameters, **others)

    monkeypatch.setattr(fits_module, "tune", remember)
    monkeypatch.setattr(fits_module, "evaluate_folds", watch)
    monkeypatch.setattr("mien.experiments.svm_objective.family_choices", lambda _: ["blendshapes"])
    model = compare(data, options(nested=True, nested_trials=2), tmp_path)["models"]["svm-linear"]
    assert len(tuned) == 2
    assert fitted[0] == fitted[1] == tuned[0].parameters
    assert fitted[2] == fitted[3] == tuned[1].parameters
    assert model["calibration"] is not None


def test_cells_of_an_earlier_release_get_todays_scores(data, tmp_path):
    first = compare(data, options(), tmp_path)["models"]["svm-linear"]
    for path in (tmp_path / "cells").glob("*.json"):
        folds = json.loads(path.read_text())
        for fold in folds:
            del fold["scores"]["kappa"]
        path.write_text(json.dumps(folds))
    assert compare(data, options(), tmp_path)["models"]["svm-linear"]["summary"] == first["summary"]


FIT = calibrate_outputs.__globals__["fit_logits"]
